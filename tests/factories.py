"""Data for tests."""

from datetime import UTC, datetime, timedelta

import factory
from factory.django import DjangoModelFactory

from applogs.models import LogEntry
from devices.models import Credential, Device, Interface, InterfaceAddress, Response, Tag
from logsite.audit.event_types import EventType as AuditEvent
from logsite.audit.event_types import Severity
from logsite.audit.models import AuditEntry
from logsite.intake.models import IngestToken, RejectedInput
from prodlogs.models import (
    Container,
    ContainerLogEntry,
    DockerHost,
    LogSnapshot,
    RemoteCommand,
    SnapshotStatus,
    Stream,
)
from sessionlogs.models import EventType, Session, SessionLog, SessionStatus
from tests.applogs.entries import store as store_entries
from tests.indexing import store_entries as store_container_entries
from tests.indexing import store_events


class CredentialFactory(DjangoModelFactory):
    class Meta:
        model = Credential

    name = factory.Sequence(lambda n: f"credential-{n}")
    username = "netops"
    password = "correct-horse-battery"


class TagFactory(DjangoModelFactory):
    class Meta:
        model = Tag
        django_get_or_create = ("name",)

    name = factory.Sequence(lambda n: f"tag-{n}")


class DeviceFactory(DjangoModelFactory):
    class Meta:
        model = Device

    name = factory.Sequence(lambda n: f"rtr{n:02d}.example.com")
    host = "192.0.2.1"
    platform = "cisco_ios"
    credential = factory.SubFactory(CredentialFactory)


class InterfaceFactory(DjangoModelFactory):
    class Meta:
        model = Interface

    device = factory.SubFactory(DeviceFactory)
    name = factory.Sequence(lambda n: f"GigabitEthernet0/{n}")
    state = "up"
    collected_at = datetime(2026, 5, 1, 12, tzinfo=UTC)


class AddressFactory(DjangoModelFactory):
    class Meta:
        model = InterfaceAddress

    interface = factory.SubFactory(InterfaceFactory)
    address = factory.Sequence(lambda n: f"198.51.100.{n % 250 + 1}")
    prefix_length = 24


class ResponseFactory(DjangoModelFactory):
    class Meta:
        model = Response

    device = factory.SubFactory(DeviceFactory)
    command = "show interfaces"
    raw = "GigabitEthernet0/0 is up, line protocol is up"
    collected_at = datetime(2026, 5, 1, 12, tzinfo=UTC)


class SessionFactory(DjangoModelFactory):
    class Meta:
        model = Session

    device = "fw01.example.com"
    host = "192.0.2.9"
    platform = "paloalto_panos"
    user = "netops"
    started_at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    status = SessionStatus.SUCCESS


class SessionLogFactory(DjangoModelFactory):
    class Meta:
        model = SessionLog

    session = factory.SubFactory(SessionFactory)
    device = factory.SelfAttribute("session.device")
    user = factory.SelfAttribute("session.user")
    event_type = EventType.COMMAND_SENT
    command = "show interface all"
    step = 1
    timestamp = factory.SelfAttribute("session.started_at")

    @classmethod
    def _create(cls, model_class, **values):
        return store_events([model_class(**values)])[0]


class DockerHostFactory(DjangoModelFactory):
    class Meta:
        model = DockerHost

    name = factory.Sequence(lambda n: f"docker{n:02d}")
    address = "192.0.2.10"
    user = "logreader"


class ContainerFactory(DjangoModelFactory):
    class Meta:
        model = Container

    host = factory.SubFactory(DockerHostFactory)
    container_id = factory.Sequence(lambda n: f"{n:064x}")
    name = factory.Sequence(lambda n: f"web-{n}")
    image = "registry.example.com/web:1.4"
    state = "running"
    log_driver = "json-file"
    created_at = datetime(2026, 5, 1, 11, tzinfo=UTC)
    started_at = factory.SelfAttribute("created_at")
    seen_at = datetime(2026, 5, 1, 12, tzinfo=UTC)


class LogSnapshotFactory(DjangoModelFactory):
    class Meta:
        model = LogSnapshot

    container = factory.SubFactory(ContainerFactory)
    host = factory.SelfAttribute("container.host")
    host_name = factory.SelfAttribute("host.name")
    container_name = factory.SelfAttribute("container.name")
    status = SnapshotStatus.COMPLETE
    started_at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    ended_at = factory.LazyAttribute(lambda snapshot: snapshot.started_at + timedelta(seconds=1))


class ContainerLogEntryFactory(DjangoModelFactory):
    """Entries a microsecond apart, from 2026-05-01 12:00 on; stored with their words, and counted."""

    class Meta:
        model = ContainerLogEntry

    container = factory.SubFactory(ContainerFactory)
    container_name = factory.SelfAttribute("container.name")
    stream = Stream.STDOUT
    timestamp = factory.Sequence(lambda n: 1_777_636_800_000_000_000 + n * 1000)
    message = factory.Sequence(lambda n: f"GET /health {n}")

    @classmethod
    def _create(cls, model_class, **values):
        return store_container_entries([model_class(**values)])[0]


class LogEntryFactory(DjangoModelFactory):
    """Entries a microsecond apart, from 2026-05-01 12:00 on; stored with their words, and counted."""

    class Meta:
        model = LogEntry

    timestamp = factory.Sequence(lambda n: 1_777_636_800_000_000_000 + n * 1000)
    received_at = factory.SelfAttribute("timestamp")
    level = "INFO"
    severity = 9
    app = "billing"
    host = "web01"
    message = factory.Sequence(lambda n: f"order {n} paid")
    protocol = "http"

    @classmethod
    def _create(cls, model_class, **values):
        return store_entries([model_class(**values)])[0]


class RemoteCommandFactory(DjangoModelFactory):
    class Meta:
        model = RemoteCommand

    host = factory.SubFactory(DockerHostFactory)
    host_name = factory.SelfAttribute("host.name")
    sent_at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    user = "netops"
    via = "cli"
    argv = ["docker", "logs", "--timestamps", "web"]
    exit_code = 0
    duration_ms = 12.5


class IngestTokenFactory(DjangoModelFactory):
    class Meta:
        model = IngestToken

    name = factory.Sequence(lambda n: f"token-{n}")
    digest = factory.Sequence(lambda n: f"{n:064x}")
    beginning = "lsi_abcdefgh"
    app = "billing"


class RejectedInputFactory(DjangoModelFactory):
    class Meta:
        model = RejectedInput

    rejected_at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    protocol = "http"
    reason = "expected a time"


class AuditEntryFactory(DjangoModelFactory):
    class Meta:
        model = AuditEntry

    timestamp = datetime(2026, 5, 1, 12, tzinfo=UTC)
    event_type = AuditEvent.SENSITIVE_UPDATE
    severity = Severity.INFO
    user = "olivia"
    user_id = "7"
    address = "198.51.100.7"
    via = "admin"
    what = "devices.device"
    target = "rtr01"


def issue_session(**options) -> Session:
    """A session as the handbook shows it: an interface collection with one command of eleven lines."""
    session = SessionFactory(
        session_id="06787c15-dded-47cd-a9d5-91f4d8f7687d",
        device="fw01.company.com",
        started_at=datetime(2026, 5, 1, 21, 34, 53, 170_000, tzinfo=UTC),
        **options,
    )
    answer = "\n".join(["name: ethernet1/1", *(f"line {number}" for number in range(10))])
    for event_type, milliseconds, content in (
        (EventType.INTERFACE_COLLECTION_START, 0, {"command": "", "step": None}),
        (EventType.COMMAND_SENT, 2, {}),
        (EventType.COMMAND_RESPONSE, 2, {"response": answer, "duration_ms": 1.2}),
    ):
        moment = session.started_at + timedelta(milliseconds=milliseconds)
        SessionLogFactory(session=session, event_type=event_type, timestamp=moment, **content)
    return session
