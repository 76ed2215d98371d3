"""Records one device session: each method enqueues one event and returns within microseconds."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from logsite.housekeeping.heartbeats import presence
from logsite.redaction import Redactor
from sessionlogs.models import FAILURES, ErrorKind, EventType, Session, SessionStatus
from sessionlogs.recording.events import NANOSECONDS_A_MILLISECOND, Event
from sessionlogs.recording.writer import SessionLogWriter, writer

log = logging.getLogger(__name__)
WITHHELD = "<withheld: a known secret survived redaction>"
IDENTITY = ("device", "device_id", "host", "platform", "agent_type", "user", "user_id")
SENT, RESPONSE = EventType.COMMAND_SENT, EventType.COMMAND_RESPONSE  # an enum's member costs a look-up


@dataclass(eq=False)
class SessionRecorder:
    """One session. `secrets` maps a kind to a value that must not be stored, as `Redactor` takes it;
    `refusal` gives the line with which a device refused a command, or nothing.

    Use it from one thread: a session is one connection, driven by one thread.
    """

    device: str
    device_id: str = ""
    host: str = ""
    platform: str = ""
    agent_type: str = "network"
    tags: Sequence[str] = ()
    user: str = ""
    user_id: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    refusal: Callable[[str], str] = field(default=lambda answer: "", repr=False)
    writer: SessionLogWriter = field(default=writer, repr=False)
    status: SessionStatus = field(default=SessionStatus.RUNNING, init=False)
    stored: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        # One reading of the wall clock a session: a step of the clock does not reorder its events.
        self._started, self._started_at = datetime.now(UTC), time.perf_counter_ns()
        self._step = 0
        self._failure: Event | None = None
        self._identity_checked = False
        self.session = Session(
            session_id=uuid.uuid4(),
            device=self.device,
            device_id=self.device_id,
            host=self.host,
            platform=self.platform,
            agent_type=self.agent_type,
            tags=list(self.tags),
            user=self.user,
            user_id=self.user_id,
            started_at=self._started,
            process=presence.id,
        )
        self._put = self.writer.put
        self.writer.start()

    @property
    def session_id(self) -> uuid.UUID:
        return self.session.session_id

    def event(
        self,
        event_type: EventType,
        *,
        command: str = "",
        response: str = "",
        error: str = "",
        error_kind: str = "",
        duration: int | None = None,
        step: int | None = None,
        timing: Mapping[str, int] | None = None,
        exit_code: int | None = None,
    ) -> None:
        """Enqueue one event; `duration` and the parts of `timing` in nanoseconds."""
        at = time.perf_counter_ns()
        texts = (command, response, error, error_kind)
        self._put((self, event_type, *texts, duration, at, step, self.status, timing, exit_code))

    def command_sent(self, command: str) -> None:
        self._step += 1
        self._put((self, SENT, command, "", "", "", None, time.perf_counter_ns(), self._step, self.status))

    def command_response(
        self, command: str, response: str, duration: int, timing: Mapping[str, int] | None = None
    ) -> None:
        at = time.perf_counter_ns()
        self._put((self, RESPONSE, command, response, "", "", duration, at, self._step, self.status, timing))

    def command_failed(
        self,
        command: str,
        error: str,
        error_kind: ErrorKind,
        duration: int,
        response: str = "",
        timing: Mapping[str, int] | None = None,
    ) -> None:
        self.event(
            EventType.COMMAND_FAILED,
            command=command,
            response=response,
            error=error,
            error_kind=error_kind,
            duration=duration,
            step=self._step,
            timing=timing,
        )

    def command_executed(
        self, command: str, stdout: str, stderr: str, exit_code: int | None, error_kind: str, duration: int
    ) -> None:
        """What came of a command on a host; it failed when `error_kind` says why. None: it gave no exit code."""
        event_type = EventType.COMMAND_FAILED if error_kind else RESPONSE
        self.event(
            event_type,
            command=command,
            response=stdout,
            error=stderr,
            error_kind=error_kind,
            duration=duration,
            step=self._step,
            exit_code=exit_code,
        )

    def fail(
        self, event_type: EventType, error: str, error_kind: ErrorKind, **more: str | int | None
    ) -> None:
        """An event that ends the session's work as failed."""
        self.status = SessionStatus.FAILED
        self.event(event_type, error=error, error_kind=error_kind, **more)  # type: ignore[arg-type]

    def succeed(self, event_type: EventType, response: str) -> None:
        """An event that ends the session's work well; its duration is the session's up to here."""
        self.status = SessionStatus.SUCCESS
        self.event(event_type, response=response, duration=time.perf_counter_ns() - self._started_at)

    def finish(self, *, failed: bool) -> None:
        """Say how a session ends that has not said so itself, before its last event."""
        if self.status == SessionStatus.RUNNING:
            self.status = SessionStatus.FAILED if failed else SessionStatus.SUCCESS

    def close(self, timeout: float | None = None) -> None:
        """Return when every event of the session is stored. Raises SessionLogError after `timeout` seconds."""
        self.writer.flush(timeout)

    # What follows runs on the writer's thread.

    def clean(self, text: str) -> str:
        """`text` without credentials, and without the NUL that PostgreSQL's text cannot hold."""
        if not text:
            return ""
        text = text.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode("utf-8")
        return self._redactor.redact(text)

    @cached_property
    def _redactor(self) -> Redactor:
        return Redactor(self.secrets)

    def checked(self, **texts: str) -> tuple[dict[str, str], list[str]]:
        """The canary: `texts` with WITHHELD for each in which a known secret is left, and the names of those."""
        if not self._redactor.leaks("\n".join(texts.values())):  # one look at all of them costs a third
            return texts, []
        leaks = {name: kinds for name, text in texts.items() if (kinds := self._redactor.leaks(text))}
        for name, kinds in leaks.items():
            log.error("session %s: %s withheld, redaction left %s", self.session_id, name, ", ".join(kinds))
        return {name: WITHHELD if name in leaks else text for name, text in texts.items()}, list(leaks)

    def check_identity(self) -> list[str]:
        """The canary for the session's own row, once: what it is called may hold a secret too. ["session"] if so."""
        if self._identity_checked:
            return []
        session = self.session
        tags = {f"tag {number}": tag for number, tag in enumerate(session.tags)}
        texts, withheld = self.checked(**{name: getattr(session, name) for name in IDENTITY}, **tags)
        if withheld:
            session.tags = [texts[name] for name in tags]
            for name in IDENTITY:
                setattr(session, name, texts[name][: Session._meta.get_field(name).max_length])  # type: ignore[union-attr]
        self._identity_checked = True
        return ["session"] if withheld else []

    def moment(self, at: int) -> datetime:
        """The UTC time of a perf_counter reading, in nanoseconds, of this session."""
        return self._started + timedelta(microseconds=(at - self._started_at) / 1000)

    def tally(self, events: Iterable[Event]) -> None:
        """Carry the totals of newly stored events into the session's row."""
        session = self.session
        for event in events:
            session.commands += event.event_type == EventType.COMMAND_SENT
            if event.event_type in FAILURES:
                session.failures += 1
                self._failure = event
            if event.step is not None and event.duration is not None:
                took = event.duration / NANOSECONDS_A_MILLISECOND
                session.slowest_ms = max(session.slowest_ms or 0.0, took)
            session.status = event.execution_status
            if session.status != SessionStatus.RUNNING:
                session.ended_at = self.moment(event.at)
        # One failed command is no failed session.
        if session.status == SessionStatus.FAILED and self._failure:
            session.error_kind = self._failure.error_kind
            # With an exit code, the error is what the command wrote to standard error: an answer of the device.
            ended = self._failure.exit_code is not None
            error = f"exit code {self._failure.exit_code}" if ended else self.clean(self._failure.error)
            texts, _ = self.checked(error_message=error)
            session.error_message = texts["error_message"]
