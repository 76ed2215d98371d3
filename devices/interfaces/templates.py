"""TextFSM in time proportional to the text: RE2 matches the rules.

Python's `re` looks back and forth, and holds the interpreter's lock meanwhile. ntc-templates' rules nest
repetitions, such as `(?:\\s*-+)+`: a line of fifty characters would stop the whole process for years.
"""

import io
import re
from collections import deque
from functools import cache
from pathlib import Path
from typing import Any

import re2
from ntc_templates.parse import _get_template_dir
from textfsm import TextFSM
from textfsm.clitable import CliTable

from devices.errors import ParseFailed
from devices.platforms.free_texts import masked

MAX_BACKTRACKED_CHARACTERS = 1000  # of a line, for the few rules that RE2 does not know
OPTIONS = re2.Options()
OPTIONS.log_errors = False
OPTIONS.max_mem = 64 << 20  # bytes


class Rules:
    """The rules of one state. Those that match a line are found in one go: few do."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._patterns = [_compiled(text) for text in texts]
        self._together = re2.Set.MatchSet(OPTIONS)
        self._places = [place for place, pattern in enumerate(self._patterns) if not _looks_back(pattern)]
        for place in self._places:
            self._together.Add(texts[place])
        self._together.Add("")  # matches every line, unless RE2 has no memory left
        self._together.Compile()
        self._last: tuple[str, frozenset[int]] = ("", frozenset())

    def match(self, place: int, line: str) -> Any:
        """What `re` returns for the rule at `place`."""
        pattern = self._patterns[place]
        if _looks_back(pattern):
            if len(line) > MAX_BACKTRACKED_CHARACTERS:
                raise ParseFailed(
                    f"a line of {len(line):,} characters, more than {MAX_BACKTRACKED_CHARACTERS:,}"
                )
            return pattern.match(line)
        return pattern.match(line) if place in self._matching(line) else None

    def _matching(self, line: str) -> frozenset[int]:
        """The places of the rules that match; all that may, where RE2 has no memory left to tell."""
        known, places = self._last
        if known != line:
            found = self._together.Match(line) or range(len(self._places))
            places = frozenset(self._places[number] for number in found if number < len(self._places))
            self._last = line, places
        return places


def _looks_back(pattern: Any) -> bool:
    return isinstance(pattern, re.Pattern)


@cache
def _compiled(text: str) -> Any:
    """The rule for RE2, or for Python's `re` where RE2 does not know what it says (`(?!…)`)."""
    try:
        return re2.compile(text, OPTIONS)
    except re2.error:
        return re.compile(text)


@cache
def _rules(texts: tuple[str, ...]) -> Rules:
    return Rules(texts)


class LinearTextFSM(TextFSM):
    """TextFSM, with another way to match a rule."""

    def __init__(self, template: io.TextIOBase) -> None:
        super().__init__(template)
        self._rules = {
            id(rule): (_rules(tuple(each.regex for each in rules)), place)
            for rules in self.states.values()
            for place, rule in enumerate(rules)
        }

    def _CheckRule(self, rule: Any, line: str) -> Any:  # made to be overridden
        rules, place = self._rules[id(rule)]
        return rules.match(place, line)


@cache
def _idle(file: Path) -> deque[LinearTextFSM]:
    """Machines that have read their template and parse nothing now."""
    return deque()


def rows_of(file: Path, output: str) -> list[dict[str, Any]]:
    """What the template reads in `output`, by its columns' names. Descriptions are masked meanwhile."""
    answer = masked(output)
    text = "\n".join(answer.lines).encode(errors="replace").decode()
    try:
        machine = _idle(file).pop()
    except IndexError:
        machine = LinearTextFSM(io.StringIO(file.read_text(encoding="utf-8")))
    try:
        machine.Reset()
        header = [name.lower() for name in machine.header]
        return answer.restored(dict(zip(header, row, strict=True)) for row in machine.ParseText(text))
    finally:
        _idle(file).append(machine)


@cache
def published(platform: str, command: str) -> Path | None:
    """ntc-templates' own template for the command, by their index."""
    table = CliTable("index", _get_template_dir())
    row = table.index.GetRowMatch({"Platform": platform, "Command": command})
    if not row:
        return None
    return Path(_get_template_dir()) / table.index.index[row]["Template"].partition(":")[0]
