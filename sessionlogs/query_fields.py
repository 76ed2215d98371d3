"""What a query may name in the events of device sessions.

A field is compared with what the record of an event shows: `level` and `status` are no columns, and a command without
an exit code of its own has 0 or 1.
"""

from django.db.models import Case, Expression, F, IntegerField, Q, Value, When
from django.db.models.functions import Coalesce

from logsite.records.query import Field, Kind, TextWhere
from sessionlogs.audit import PERMISSION
from sessionlogs.models import FAILURES, IS_STDERR, ErrorKind, EventType, SessionStatus

# The labels' words; the API says them in lower case.
STATUS: dict[str, str] = {
    EventType.CONNECTION_FAILED: "Failed",
    EventType.COMMAND_FAILED: "Failed",
    EventType.INTERFACE_COLLECTION_FAILED: "Failed",
    EventType.CONNECTION_SUCCESS: "Success",
    EventType.COMMAND_RESPONSE: "Success",
    EventType.INTERFACE_COLLECTION_SUCCESS: "Success",
    EventType.DISCONNECTION: "Success",
}
ANSWERS = (EventType.COMMAND_RESPONSE, EventType.COMMAND_FAILED)


def _events(status: str) -> list[str]:
    return [event for event, name in STATUS.items() if name == status]


def _exit_code() -> Expression:
    failed = Case(When(event_type__in=FAILURES, then=Value(1)), default=Value(0))
    answered = Q(step__isnull=False, event_type__in=ANSWERS)
    return Case(When(answered, then=Coalesce(F("exit_code"), failed)), output_field=IntegerField())


_LEVEL = Case(When(event_type__in=FAILURES, then=Value("ERROR")), default=Value("INFO"))
_STATUS = Case(
    *(When(event_type__in=_events(status), then=Value(status)) for status in ("Failed", "Success")),
    default=Value("Running"),
)
_EXECUTION_STATUS = Case(
    *(When(execution_status=status.value, then=Value(status.value.capitalize())) for status in SessionStatus),
    default=Value(""),
)
_SERVER = Case(When(session__device_id="", then=F("session__device")), default=F("session__device_id"))
_STATUSES = ("Running", "Success", "Failed")
_EVENT = Field(
    Kind.KEYWORD,
    "event_type",
    "attributes.event_type",
    values=tuple(EventType.values),
    low_cardinality=True,
    help="The step of the session.",
)
_SESSION = Field(
    Kind.UUID, "session_id", "attributes.session_id", help="The session's id, or its beginning and *."
)

FIELDS = {
    "id": Field(Kind.INTEGER, "id", "id"),
    "source": Field(Kind.KEYWORD, Value("session"), "source", help="session: device sessions."),
    "timestamp": Field(Kind.TIME, "timestamp", "timestamp", help="A day, a minute, a moment, or now-2h."),
    "level": Field(Kind.LEVEL, _LEVEL, "level", help="ERROR where the event failed, INFO elsewhere."),
    "device": Field(Kind.KEYWORD, "device", "labels.server_tag", low_cardinality=True),
    "server_id": Field(Kind.KEYWORD, _SERVER, "labels.server_id", help="The device's id in the inventory."),
    "agent_type": Field(Kind.KEYWORD, "session__agent_type", "labels.agent_type", low_cardinality=True),
    "user": Field(Kind.KEYWORD, "user", "attributes.user", absent="", low_cardinality=True),
    "session": _SESSION,
    "session_id": _SESSION,
    "event": _EVENT,
    "event_type": _EVENT,
    "status": Field(Kind.KEYWORD, _STATUS, "labels.status", values=_STATUSES, help="How the event ended."),
    "execution_status": Field(
        Kind.KEYWORD,
        _EXECUTION_STATUS,
        "labels.execution_status",
        values=_STATUSES,
        help="The session's status at the time of the event.",
    ),
    "step": Field(Kind.INTEGER, "step", "parts.step", help="The command's number in its session, from 1."),
    "exit_code": Field(Kind.INTEGER, _exit_code(), "parts.exit_code"),
    "command": Field(Kind.TEXT, "command", "texts.command", searched=True),
    "response": Field(
        Kind.TEXT,
        "response",
        "texts.response",
        searched=True,
        permission=PERMISSION,
        help="What the device said.",
    ),
    "error_message": Field(
        Kind.TEXT,
        TextWhere("error_message", ~IS_STDERR),
        "texts.error_message",
        searched=True,
        help="Why it failed; for what a host's command wrote to standard error, see stderr.",
    ),
    "stderr": Field(
        Kind.TEXT,
        TextWhere("error_message", IS_STDERR),
        "texts.stderr",
        searched=True,
        permission=PERMISSION,
        help="What a host's command wrote to standard error.",
    ),
    "error_kind": Field(
        Kind.KEYWORD,
        "error_kind",
        "attributes.error_kind",
        absent="",
        values=tuple(ErrorKind.values),
        low_cardinality=True,
    ),
    "duration_ms": Field(Kind.FLOAT, "duration_ms", "attributes.duration_ms", help="Milliseconds."),
    "truncated_bytes": Field(Kind.INTEGER, "truncated_bytes", "attributes.truncated_bytes", absent=0),
}
