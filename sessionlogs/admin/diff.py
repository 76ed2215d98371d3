"""One command's answer against its previous run on that device."""

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from django.db.models import QuerySet
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sessionlogs.models import EventType, SessionLog

ANSWERS = (EventType.COMMAND_RESPONSE, EventType.COMMAND_FAILED)
CONTEXT = 3  # unchanged lines around a change
LINES = 20_000  # compared of each answer
STRETCH = 100  # lines that difflib compares at a time
ROWS = 4_000  # shown


@dataclass(frozen=True)
class Row:
    """A row of the side-by-side table. `kind` is same, changed, removed, added or gap; numbers count from 1."""

    kind: str
    old_number: int | None = None
    old: str = ""
    new_number: int | None = None
    new: str = ""


@dataclass(frozen=True)
class Comparison:
    """`rows` side by side, `unified` as of `diff -u`; `removed` and `added` count lines. `cut` says that the
    answers are too long: only their first lines were compared, or not every change is shown."""

    rows: list[Row]
    unified: list[tuple[str, str]]
    removed: int
    added: int
    cut: bool

    @property
    def same(self) -> bool:
        return not (self.removed or self.added)


def previous_run(rows: QuerySet[SessionLog], event: SessionLog) -> SessionLog | None:
    """The answer of the same command on the same device before `event` among `rows`, in whichever session."""
    runs = rows.filter(
        device=event.device, command=event.command, event_type__in=ANSWERS, timestamp__lte=event.timestamp
    )
    earlier = runs.exclude(timestamp=event.timestamp, id__gte=event.pk)
    return earlier.order_by("-timestamp", "-id").first()


def compare(old: str, new: str) -> Comparison:
    """The lines of `old` against those of `new`. Nothing is hidden, however volatile: a counter that stands
    still can be the finding."""
    before, after = old.splitlines(), new.splitlines()
    cut = max(len(before), len(after)) > LINES
    before, after = before[:LINES], after[:LINES]
    groups = list(_groups(before, after))
    rows = [row for group in groups for row in _side_by_side(before, after, group)]
    unified = [line for group in groups for line in _unified(before, after, group)]
    changes = [code for group in groups for code in group if code[0] != "equal"]
    return Comparison(
        rows[:ROWS],
        unified[:ROWS],
        removed=sum(code[2] - code[1] for code in changes),
        added=sum(code[4] - code[3] for code in changes),
        cut=cut or len(rows) > ROWS or len(unified) > ROWS,
    )


Opcode = tuple[str, int, int, int, int]


def _groups(before: Sequence[str], after: Sequence[str]) -> Iterator[list[Opcode]]:
    """The changes with the lines around them, as difflib's `get_grouped_opcodes` has them."""
    matcher: Any = difflib.SequenceMatcher(None, "", "")
    matcher.opcodes = _merged(_opcodes(before, after))
    for group in matcher.get_grouped_opcodes(CONTEXT):
        if any(code[0] != "equal" for code in group):
            yield group


def _opcodes(before: Sequence[str], after: Sequence[str]) -> Iterator[Opcode]:
    """difflib takes minutes for thousands of lines of which every third has changed, or which repeat. So lines
    that are there once on either side are matched first (as in a patience diff), and difflib does what lies
    between; of a long stretch without any such line all counts as changed."""
    a = c = 0
    for b, d in [*_anchors(before, after), (len(before), len(after))]:
        if b - a > STRETCH or d - c > STRETCH:
            head = _common(before[a:b], after[c:d])
            yield "equal", a, a + head, c, c + head
            yield "replace", a + head, b, c + head, d
        else:
            matcher = difflib.SequenceMatcher(None, before[a:b], after[c:d], autojunk=False)
            for tag, i, j, k, m in matcher.get_opcodes():
                yield tag, a + i, a + j, c + k, c + m
        if b < len(before) and d < len(after):
            yield "equal", b, b + 1, d, d + 1
        a, c = b + 1, d + 1


def _anchors(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """The longest run of lines, by their places, that are once in either and in the same order in both."""
    once = {line for line, count in Counter(after).items() if count == 1}
    once &= {line for line, count in Counter(before).items() if count == 1}
    places = {line: place for place, line in enumerate(after) if line in once}
    pairs = [(place, places[line]) for place, line in enumerate(before) if line in once]
    ends: list[int] = []  # the lowest place in `after` that ends a run of each length
    tops: list[int] = []  # and the pair it belongs to
    previous: list[int] = []
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        previous.append(tops[length - 1] if length else -1)
        ends[length : length + 1], tops[length : length + 1] = [place], [number]
    found = []
    number = tops[-1] if tops else -1
    while number >= 0:
        found.append(pairs[number])
        number = previous[number]
    return found[::-1]


def _merged(codes: Iterator[Opcode]) -> list[Opcode]:
    """Without empty stretches, and with neighbours of a kind as one."""
    found: list[Opcode] = []
    for tag, a, b, c, d in codes:
        if a == b and c == d:
            continue
        if found and found[-1][0] == tag:
            tag, a, _, c, _ = found.pop()
        found.append((tag, a, b, c, d))
    return found


def _common(before: Sequence[str], after: Sequence[str]) -> int:
    count = 0
    for old, new in zip(before, after, strict=False):
        if old != new:
            break
        count += 1
    return count


def _side_by_side(before: Sequence[str], after: Sequence[str], group: list[Opcode]) -> Iterator[Row]:
    yield Row("gap", group[0][1] + 1, "", group[0][3] + 1, "")
    for tag, a, b, c, d in group:
        for old, new in zip_longest(range(a, b), range(c, d)):
            if old is None:
                yield Row("added", None, "", new + 1, after[new])
            elif new is None:
                yield Row("removed", old + 1, before[old], None, "")
            elif tag == "equal":
                yield Row("same", old + 1, before[old], new + 1, after[new])
            else:
                was, now = mark(before[old], after[new])
                yield Row("changed", old + 1, was, new + 1, now)


def _unified(before: Sequence[str], after: Sequence[str], group: list[Opcode]) -> Iterator[tuple[str, str]]:
    """(kind, line) with the sign in front of the line, as `diff -u` writes it."""
    (_, a, _, c, _), (_, _, b, _, d) = group[0], group[-1]
    yield "gap", f"@@ -{a + 1},{b - a} +{c + 1},{d - c} @@"
    for tag, a, b, c, d in group:
        if tag == "equal":
            yield from (("same", f" {line}") for line in before[a:b])
        else:
            yield from (("removed", f"-{line}") for line in before[a:b])
            yield from (("added", f"+{line}") for line in after[c:d])


def mark(old: str, new: str) -> tuple[SafeString, SafeString]:
    """Both lines as HTML with the stretch in which they differ marked."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    return _marked(old, head, tail, "del"), _marked(new, head, tail, "ins")


def _marked(line: str, head: int, tail: int, tag: str) -> SafeString:
    end = len(line) - tail
    if head == end:
        return format_html("{}", line)
    return format_html("{}<{}>{}</{}>{}", line[:head], tag, line[head:end], tag, line[end:])
