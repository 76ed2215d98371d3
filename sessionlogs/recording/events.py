"""An event of a session between the recorder that notes it and the writer that stores it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sessionlogs.models import ErrorKind, EventType, Session, SessionLog, SessionStatus
from sessionlogs.recording.size_limit import limited

NANOSECONDS_A_MILLISECOND = 1e6


class Recorder(Protocol):
    """What an event and the writer ask of the session's recorder."""

    session: Session
    stored: bool
    refusal: Callable[[str], str]

    @property
    def session_id(self) -> uuid.UUID: ...
    def check_identity(self) -> Sequence[str]: ...
    def clean(self, text: str) -> str: ...
    def checked(self, **texts: str) -> tuple[dict[str, str], list[str]]: ...
    def moment(self, at: int) -> datetime: ...
    def tally(self, events: Sequence[Event]) -> None: ...


@dataclass(slots=True, eq=False)
class Event:
    """What the command path hands over; everything costly happens in `row`, on the writer's thread."""

    recorder: Recorder
    event_type: EventType
    command: str
    response: str
    error: str
    error_kind: str
    duration: int | None  # nanoseconds
    at: int  # perf_counter nanoseconds
    step: int | None
    execution_status: SessionStatus
    timing: Mapping[str, int] | None = None  # nanoseconds, by part
    exit_code: int | None = None

    def settled(self) -> Event:
        """The event; an answer with which the device refuses the command is a failure, not a response."""
        if self.event_type != EventType.COMMAND_RESPONSE or self.exit_code is not None:
            return self  # a host says by its exit code how a command ended
        if refused := self.recorder.refusal(self.response):
            self.event_type, self.error, self.error_kind = EventType.COMMAND_FAILED, refused, ErrorKind.DEVICE
        return self

    def row(self) -> SessionLog:
        """The event as a row: redacted, checked, cut. In this order, or half a secret might stand at the cut."""
        recorder = self.recorder
        withheld = recorder.check_identity()
        texts, left = recorder.checked(
            command=recorder.clean(self.command),
            response=recorder.clean(self.response),
            error_message=recorder.clean(self.error),
        )
        response, cut = limited(texts.pop("response"))
        return SessionLog(
            session_id=recorder.session.session_id,
            device=recorder.session.device,
            user=recorder.session.user,
            event_type=self.event_type,
            response=response,
            truncated_bytes=cut,
            withheld=",".join([*withheld, *left]),
            **texts,
            error_kind=self.error_kind,
            duration_ms=None if self.duration is None else self.duration / NANOSECONDS_A_MILLISECOND,
            timestamp=recorder.moment(self.at),
            step=self.step,
            exit_code=self.exit_code,
            execution_status=self.execution_status,
            timing={part: spent / NANOSECONDS_A_MILLISECOND for part, spent in (self.timing or {}).items()},
        )
