"""The record of what was sent to a host: written before sending, completed at the end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from django.db import transaction

from logsite.audit import EventType, Severity, current_reader, record
from logsite.redaction import redact
from prodlogs.docker.grammar import LOGS, MOST_CONTAINERS, Logs, Refused
from prodlogs.models import DockerHost, ErrorKind, RemoteCommand

LONGEST_WORD = 2000  # characters of a denied word
SELFTEST = "selftest"
# What the host denies to them is no news: the self-test asks for it on purpose, and `follow` every two seconds.
EXPECTED = (SELFTEST, "follow")


@dataclass(frozen=True)
class Sent:
    """A command that was sent to a host, and what came of it."""

    host: str
    argv: list[str]
    milliseconds: float
    exit_code: int | None
    stdout_bytes: int
    stderr_bytes: int
    error: str


_watchers: list[Callable[[Sent], object]] = []


@contextmanager
def watching(watcher: Callable[[Sent], object]) -> Iterator[None]:
    """Call `watcher` for each command that ends within the block, on the thread that sent it."""
    _watchers.append(watcher)
    try:
        yield
    finally:
        _watchers.remove(watcher)


class Record:
    """One command's row. It is committed before the command is sent, so that no crash hides a command.

    Raises RuntimeError within a transaction: rolling that back would lose the row.
    """

    def __init__(self, host: DockerHost, argv: Sequence[str], *, user: str, via: str) -> None:
        self._began = monotonic()
        with transaction.atomic(durable=True):
            self._row = host.note_command([_plain(word) for word in argv], user=user, via=via)

    def finish(
        self,
        *,
        exit_code: int | None = None,
        sizes: Mapping[str, int] | None = None,
        denied: bool = False,
        error_kind: str = "",
        error_message: str = "",
        host_key_fingerprint: str = "",
        key_fingerprint: str = "",
    ) -> None:
        """What came of it. `sizes` are the bytes of stdout and stderr."""
        took = round((monotonic() - self._began) * 1000, 3)
        out, err = (sizes or {}).get("stdout", 0), (sizes or {}).get("stderr", 0)
        ended = RemoteCommand.objects.filter(pk=self._row.pk, duration_ms__isnull=True).update(
            duration_ms=took,
            exit_code=exit_code,
            stdout_bytes=out,
            stderr_bytes=err,
            denied=denied,
            error_kind=error_kind,
            error_message=_plain(error_message),
            host_key_fingerprint=host_key_fingerprint,
            key_fingerprint=key_fingerprint,
        )
        row = self._row
        if ended and denied and row.via not in EXPECTED:
            _record_denial(row.host, row.argv, _plain(error_message), row.user)
        for watcher in _watchers if ended else ():
            watcher(Sent(row.host_name, row.argv, took, exit_code, out, err, _plain(error_message)))


def _record_denial(host: DockerHost | None, argv: Sequence[str], reason: str, user: str) -> None:
    name = host.name if host is not None else ""
    details = {"host_id": host and str(host.pk), "argv": argv, "reason": reason, "by": user}
    event, reader = EventType.AUTHZ_FAIL, current_reader()
    record(event, Severity.WARNING, reader, details, what="remote command", target=name)


def deny(host: DockerHost, argv: Sequence[object], reason: str, *, user: str, via: str) -> None:
    """Record something that was asked for and not sent, among the host's commands and in the audit."""
    words, why = [_storable(word) for word in argv], _storable(reason)
    with transaction.atomic(durable=True):
        host.note_command(
            words, user=user, via=via, denied=True, error_kind=ErrorKind.REFUSED, error_message=why
        )
    _record_denial(host, words, why, user)


def check_names(hosts: Sequence[DockerHost], names: Sequence[str], *, user: str, via: str) -> None:
    """Raises Refused where one cannot be a container's: then nothing is sent, and who asked for it is on record."""
    try:
        for name in names:
            Logs(name)
    except Refused as error:
        for host in hosts:
            deny(host, [*LOGS, *names[:MOST_CONTAINERS]], str(error), user=user, via=via)
        raise


def _storable(word: object) -> str:
    """Also what is no text; without credentials, which somebody may have typed."""
    return redact(_plain(word if isinstance(word, str) else ascii(word)))[:LONGEST_WORD]


def _plain(text: str) -> str:
    """As every database takes it: NUL and lone surrogates are written out."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
