"""Show session logs in the terminal."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet
from django.utils import timezone

from logsite.audit import Reader
from logsite.commands import SiteCommand
from logsite.commands.stopping import Stop, stopping
from logsite.records import Cursor, SourceView, committed, get_source
from logsite.records.query import QueryError
from logsite.text.moments import parse_moment
from logsite.text.terminal import one_line
from sessionlogs import viewer
from sessionlogs.audit import note_sessions
from sessionlogs.models import FAILURES, EventType, Session, SessionLog, SessionStatus

POLL = 0.5  # seconds
READER = Reader(None, "", "cli")


class Command(SiteCommand):
    help = "Show the newest session events, one session, or a list of sessions."
    requires_system_checks = ["logsite", "sessionlogs"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._last: uuid.UUID | None = None  # the session whose events stand last on the screen

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "session_id", nargs="?", metavar="SESSION_ID", help="show every event of this session"
        )
        parser.add_argument(
            "--list", action="store_true", help="list sessions, one line each, instead of events"
        )
        parser.add_argument("--device", metavar="NAME", help="only this device")
        parser.add_argument(
            "--event", metavar="TYPE", choices=EventType.values, help="only events of this type"
        )
        parser.add_argument("--user", metavar="NAME", help="only what this user did")
        parser.add_argument(
            "--since", metavar="TIME", help="from this time on: ISO 8601, or an age as 2h, 7d"
        )
        parser.add_argument("--until", metavar="TIME", help="before this time")
        parser.add_argument(
            "--query", metavar="Q", help="only the events it finds, as 'timeout event:command_failed'"
        )
        parser.add_argument("--failed", action="store_true", help="only what failed")
        parser.add_argument(
            "--slow", type=float, metavar="MS", help="only commands that took at least this long"
        )
        parser.add_argument(
            "--lines", type=int, default=50, metavar="N", help="the newest N events or sessions (default 50)"
        )
        parser.add_argument(
            "--full", action="store_true", help="show whole responses, not only their first lines"
        )
        parser.add_argument(
            "--follow", action="store_true", help="show new events as they are stored, until Ctrl-C"
        )
        parser.add_argument("--json", action="store_true", help="JSON, one object a line, responses whole")

    def handle(self, **options: Any) -> None:
        if options["lines"] < 1:
            raise CommandError("--lines must be at least 1", returncode=2)
        for name in ("since", "until"):
            options[name] = _moment(name, options[name])
        if options["list"]:
            if options["query"]:
                raise CommandError("--query finds events; it does not go with --list", returncode=2)
            self._list(options)
            return
        view = get_source("session").view(READER)
        events = self._events(view, options)
        if options["follow"]:
            with stopping() as stop:
                self._show(view, events, options, stop)
        else:
            self._show(view, events, options)

    def _show(
        self,
        view: SourceView,
        events: QuerySet[SessionLog],
        options: dict[str, Any],
        stop: Stop | None = None,
    ) -> None:
        """Print the events; with `stop` also those that come until it is set."""
        end = view.end()
        # Committed, but beyond `end` for as long as an older transaction runs: shown now, not once more later.
        early = set(
            events.filter(xact__gte=end.xact)
            .exclude(xact=end.xact, id__lte=end.id)
            .values_list("id", flat=True)
        )
        if options["session_id"]:
            shown = list(events.order_by("id"))
        else:
            shown = list(events.order_by("-timestamp", "-id")[: options["lines"]])[::-1]
        _note(view, len(shown), options)
        self._print(
            sorted(shown, key=lambda event: (event.session.started_at, event.session_id, event.id)), options
        )
        if stop is not None:
            self._follow(view, events, end, early, options, stop)
        elif not shown:
            self.stderr.write("no session event matches")

    def _list(self, options: dict[str, Any]) -> None:
        sessions = Session.objects.order_by("-started_at", "-session_id")
        sessions = _narrowed(sessions, options, time="started_at")
        if options["failed"]:
            sessions = sessions.filter(status=SessionStatus.FAILED)
        if options["slow"] is not None:
            sessions = sessions.filter(slowest_ms__gte=options["slow"])
        form = viewer.session_json if options["json"] else viewer.session_line
        shown = list(sessions[: options["lines"]])
        note_sessions(READER, len(shown), _filters(options))
        for session in shown:
            self.stdout.write(form(session))

    def _events(self, view: SourceView, options: dict[str, Any]) -> QuerySet[SessionLog]:
        try:
            events: QuerySet[SessionLog] = view.rows(options["query"])
        except QueryError as error:
            raise CommandError(f"--{one_line(str(error))}", returncode=2) from None
        if text := options["session_id"]:
            events = events.filter(session=self._session(text))
        events = _narrowed(events, options, time="timestamp")
        if options["event"]:
            events = events.filter(event_type=options["event"])
        if options["failed"]:
            events = events.filter(event_type__in=FAILURES)
        if options["slow"] is not None:
            events = events.filter(step__isnull=False, duration_ms__gte=options["slow"])
        return events

    def _session(self, text: str) -> Session:
        try:
            return Session.objects.get(pk=uuid.UUID(text))
        except ValueError:
            raise CommandError(
                f"SESSION_ID: {text!r} is not a session id; --list shows the ids", returncode=2
            ) from None
        except Session.DoesNotExist:
            raise CommandError(f"SESSION_ID: no such session: {text}; --list shows the ids") from None

    def _print(self, events: Iterable[SessionLog], options: dict[str, Any]) -> None:
        if options["json"]:
            lines: Iterable[str] = map(viewer.event_json, events)
        else:
            events = list(events)
            lines = viewer.text(events, None if options["full"] else viewer.RESPONSE_LINES, self._last)
            self._last = events[-1].session_id if events else self._last
        for line in lines:
            self.stdout.write(line)

    def _follow(
        self,
        view: SourceView,
        events: QuerySet[SessionLog],
        cursor: Cursor,
        early: set[int],
        options: dict[str, Any],
        stop: Stop,
    ) -> None:
        self.stdout.flush()
        while not stop.is_set():
            new = list(committed(events, cursor).order_by("xact", "id")[:500])
            if shown := [event for event in new if event.id not in early]:
                _note(view, len(shown), options)
                self._print(shown, options)
            self.stdout.flush()
            if new:
                cursor = Cursor(new[-1].xact, new[-1].id)
            else:
                stop.wait(POLL)


def _narrowed(rows: QuerySet[Any], options: dict[str, Any], *, time: str) -> QuerySet[Any]:
    """Those of `rows`, sessions or events, of the device, the user and the times asked for."""
    wanted = {
        "device": options["device"],
        "user": options["user"],
        f"{time}__gte": options["since"],
        f"{time}__lt": options["until"],
    }
    return rows.filter(**{lookup: value for lookup, value in wanted.items() if value})


def _note(view: SourceView, count: int, options: dict[str, Any]) -> None:
    """Put on record that `count` events are shown; before the first is printed."""
    view.note("list", options["query"] or "", count, filters=_filters(options))


def _filters(options: dict[str, Any]) -> str:
    """The options beside --query that narrow what is shown, for the audit."""
    names = ("session_id", "device", "event", "user", "since", "until", "failed", "slow", "follow")
    return urlencode({name: options[name] for name in names if options[name]})


def _moment(name: str, text: str | None) -> datetime | None:
    try:
        return parse_moment(text, timezone.now()) if text else None
    except ValueError as error:
        raise CommandError(f"--{name}: {error}", returncode=2) from None
