"""A text as redaction searches it."""

import re
from collections.abc import Iterable, Mapping
from functools import cache, cached_property

from logsite.redaction.written_forms import BLANK

_MARK = re.compile(r"<redacted:([a-z0-9-]{1,60})>")
SHORT = 300  # characters; below that looking at the text itself is as quick
HEAD = 4_000  # characters that say whether a text repeats itself
_HEXADECIMAL = b"0123456789abcdef"
_SHAPES = bytes(0x30 if byte in _HEXADECIMAL else byte for byte in bytes(range(256)).lower())


def lower(text: str) -> str:
    """Lower case of the same length: «İ» alone grows when lowered, and would shift every position."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text.replace("İ", "I").lower()


def _shape(text: str) -> bytes:
    """UTF-8 in small letters, with every hexadecimal digit as 0. One text is in another only if its shape is."""
    return text.encode("utf-8", "surrogatepass").translate(_SHAPES)


def _distinct(text: str) -> bytes:
    """The shapes of the words of `text`, each once; lines first, there are fewer of them."""
    lines = set(_shape(text).split(b"\n"))
    return b"\n".join(set(b"\n".join(lines).split()))


def word_shape(text: str) -> str:
    """The shape of the longest word of `text`, as `SearchedText.possible` looks for it."""
    return _shape(max(text.split(), key=len, default="")).decode("latin-1")


_stem_shape = cache(word_shape)


class SearchedText:
    """A text, with what both layers share: its lower-case form and the lines in which a stem stands.

    Marks from an earlier pass are blanked: they are full of keywords, and a secret may read «password».
    """

    def __init__(self, text: str, kinds: frozenset[str]) -> None:
        self.blanked: set[int] = set()
        if "<redacted:" in text:  # a mark of a kind nobody uses is a device's text
            text = _MARK.sub(lambda mark: self._blank(mark) if mark[1] in kinds else mark[0], text)
        self.text = text

    @cached_property
    def lowered(self) -> str:
        return lower(self.text)

    @cached_property
    def _shapes(self) -> str | None:
        """The distinct shapes of the words. Output repeats itself but for numbers and addresses, so they are a
        hundredth of it, and what is not in them need not be looked for in the text. None where they save nothing.
        """
        size = len(self.text)
        if size < SHORT or len(_distinct(self.text[:HEAD])) > 0.9 * min(size, HEAD):
            return None
        words = _distinct(self.text)
        # Latin-1, a character a byte: Python looks for a str in a str faster than for bytes in bytes.
        return words.decode("latin-1") if len(words) < size / 2 else None

    def _blank(self, mark: re.Match[str]) -> str:
        self.blanked.add(mark.start())
        return BLANK * len(mark[0])

    def has(self, stem: str) -> bool:
        """Whether `stem` may stand in here; where this says no, it does not."""
        here = self._shapes
        return stem in self.lowered if here is None else _stem_shape(stem) in here

    def present(self, stems: Mapping[str, str]) -> list[str]:
        """Those of `stems`, a mapping to their shapes, for which `has` says yes."""
        here = self._shapes
        if here is None:
            lowered = self.lowered
            return [stem for stem in stems if stem in lowered]
        return [stem for stem, shape in stems.items() if shape in here]

    def possible(self, forms: Mapping[str, str]) -> Iterable[str]:
        """Those of `forms`, a mapping to their `word_shape`, that may stand in here; the others do not."""
        here = self._shapes
        return forms if here is None else [form for form, shape in forms.items() if shape in here]

    def regions(self, stem: str) -> list[tuple[int, int]]:
        """The lines with `stem`, neighbours joined."""
        found: list[tuple[int, int]] = []
        if not self.has(stem):
            return found
        position = self.lowered.find(stem)
        end = -1
        while position >= 0:
            start = self.text.rfind("\n", end + 1, position) + 1 or end + 1
            joined = bool(found) and start == end + 1
            end = self.text.find("\n", position)
            end = len(self.text) if end < 0 else end
            found[-1:] = [(found[-1][0], end)] if joined else [*found[-1:], (start, end)]
            position = self.lowered.find(stem, end)
        return found
