"""A session's events as the entries of its page: a command and its answer are one entry."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Length

from sessionlogs.models import EventType, Session, SessionLog, SessionStatus

EVENTS_SHOWN = 2000
LARGE = 64 * 1024  # characters; a longer answer comes when it is opened
INLINE = 2 * 1024**2  # characters of answers in one page, all in all
PARTS = {
    "login": "TCP and authentication",
    "preparation": "session preparation",
    "first_byte": "device, until the first byte",
    "answer": "device, until the prompt",
    "polling": "polling (Netmiko's pauses)",
}


@dataclass(frozen=True)
class Part:
    """A stretch of a duration; `start` and `share` are in percent of the whole."""

    name: str
    title: str
    milliseconds: float
    start: float
    share: float


@dataclass
class Entry:
    """An event, or a command with its answer. `sent` is when the command went out.

    `text` is the answer or detail; None where it is not in the page: withheld, or `size` characters long
    and to be fetched.
    """

    event: SessionLog
    sent: SessionLog | None = None
    text: str | None = ""
    size: int = 0
    withheld: bool = False
    stderr_withheld: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def key(self) -> str:
        """Its place in the page; an answer takes the place of its command."""
        return f"event-{(self.sent or self.event).pk}"

    @property
    def began(self) -> Any:
        return (self.sent or self.event).timestamp

    @property
    def answered(self) -> bool:
        """Whether the page shows something of what a device answered."""
        output = self.event.is_step and bool(self.text)
        return output or (self.event.has_stderr and not self.stderr_withheld)

    @property
    def waiting(self) -> bool:
        return self.event.event_type == EventType.COMMAND_SENT


def events_of(rows: QuerySet[SessionLog], session: Session, *, after: int = 0) -> QuerySet[SessionLog]:
    """Those of `rows`, which the reader may see, behind the id `after` of `session`, in order, without their answers
    but with their `size`. One thread stores a session's events, so their ids are in the order in which they are
    committed."""
    mine = rows.select_related(None).filter(session=session, id__gt=after)
    return mine.defer("response").annotate(size=Length("response")).order_by("id")


def entries(
    rows: QuerySet[SessionLog],
    events: Sequence[Any],
    sent_before: Iterable[SessionLog] = (),
    *,
    visible: bool,
) -> list[Entry]:
    """`events` (as `events_of` gives them) as entries, with the answers that `rows` have; `sent_before` are commands
    on the page already.

    Of an entry that holds a device's answer, the answer only when `visible`.
    """
    texts = _texts(rows, events, visible=visible)
    waiting = {event.step: Entry(event) for event in sent_before}
    found: list[Entry] = []
    for event in events:
        entry = Entry(event, size=event.size, parts=parts(event.timing))
        entry.withheld = bool(event.is_step and event.size and not visible)
        entry.stderr_withheld = event.has_stderr and not visible
        entry.text = texts.get(event.pk) if event.size else ""
        if event.event_type == EventType.COMMAND_SENT:
            waiting[event.step] = entry
        elif event.step is not None and event.step in waiting:
            command = waiting.pop(event.step)
            entry.sent = command.event
            if command in found:
                found[found.index(command)] = entry
                continue
        found.append(entry)
    return found


def unanswered(rows: QuerySet[SessionLog], session: Session, up_to: int) -> list[SessionLog]:
    """The commands among `rows` of `session` up to the id `up_to` that were still waiting there for their answer."""
    mine = rows.select_related(None).filter(session=session, id__lte=up_to, step__isnull=False)
    newest = mine.defer("response").order_by("-id").first()
    return [newest] if newest is not None and newest.event_type == EventType.COMMAND_SENT else []


def _texts(rows: QuerySet[SessionLog], events: Sequence[Any], *, visible: bool) -> dict[int, str]:
    """The answers that go into the page, by event: the ones not too large, until the page is full."""
    wanted, left = [], INLINE
    for event in events:
        if event.size and (visible or not event.is_step) and event.size <= min(LARGE, left):
            wanted.append(event.pk)
            left -= event.size
    if not wanted:
        return {}
    # Thousands of ids would be too many for one SQLite statement; all of them belong to one session.
    mine = rows.filter(session_id=events[0].session_id, id__gte=wanted[0], id__lte=wanted[-1])
    sized = mine.select_related(None).annotate(size=Length("response")).filter(size__gt=0, size__lte=LARGE)
    keep = set(wanted)
    return {key: text for key, text in sized.values_list("id", "response") if key in keep}


def parts(timing: dict[str, float] | None) -> list[Part]:
    """The stretches of an event's `timing`, in the order in which they happen."""
    timing = timing or {}
    whole = sum(timing.get(name, 0.0) for name in PARTS)
    found: list[Part] = []
    before = 0.0
    for name, title in PARTS.items():
        if spent := timing.get(name):
            found.append(Part(name, title, spent, 100 * before / whole, 100 * spent / whole))
            before += spent
    return found


def total(events: Iterable[SessionLog]) -> list[Part]:
    """Where the whole session's time went, as far as it was measured."""
    sums: dict[str, float] = {}
    for event in events:
        for name, spent in (event.timing or {}).items():
            sums[name] = sums.get(name, 0.0) + spent
    return parts(sums)


def is_over(session: Session) -> bool:
    return session.status != SessionStatus.RUNNING
