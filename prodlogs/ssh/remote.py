"""The one way to a Docker host: the grammar's commands, each one on record.

A command's row is committed before the command is sent, so that no crash hides a command.
"""

from collections.abc import Generator
from contextlib import closing
from time import monotonic
from typing import Any, Self

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from logsite.ssh.host_keys import shown_fingerprint
from prodlogs.docker.errors import REFUSED
from prodlogs.docker.grammar import Command, Logs, command_line
from prodlogs.errors import HostError
from prodlogs.models import DockerHost, ErrorKind, HostStatus
from prodlogs.ssh.audit import Record
from prodlogs.ssh.executions import Execution
from prodlogs.ssh.login import HostConnection, connect

LARGEST_ANSWER = 16 * 1024**2  # bytes of what `read` returns
OF_A_CONTAINER = (ErrorKind.REMOVED, ErrorKind.DRIVER, ErrorKind.LIMIT)  # the host itself answers


class Remote:
    """One host for one thread. Connects when the first command is sent, and again where the connection broke.

    Use it outside transactions: what was sent stays on record whatever becomes of the caller's work.
    """

    def __init__(self, host: DockerHost, *, user: str, via: str) -> None:
        self.host, self.user, self.via = host, user, via
        self._connection: HostConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.host.name}>"

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def read(self, command: Command, *, timeout: float | None = None) -> str:
        """What a short command says on stdout. Raises HostError."""
        with closing(self.stream(command, timeout=timeout, byte_limit=LARGEST_ANSWER)) as chunks:
            found = b"".join(chunk for stream, chunk in chunks if stream == "stdout")
        return found.decode("utf-8", "replace")

    def stream(
        self, command: Command, *, timeout: float | None = None, byte_limit: int | None = None
    ) -> Generator[tuple[str, bytes], None, None]:
        """("stdout" | "stderr", chunk of up to 256 KiB) as they come, at the caller's pace, until exit code 0.

        Within `timeout` seconds by the clock (PRODLOGS_DEADLINE) and `byte_limit` bytes (PRODLOGS_BYTE_LIMIT).
        Raises HostError after everything that came. Closing the generator ends the command on the host.
        """
        seconds = settings.PRODLOGS_DEADLINE if timeout is None else timeout
        limit = settings.PRODLOGS_BYTE_LIMIT if byte_limit is None else byte_limit
        line = command_line(command)
        sent = _Sent(self, command)
        try:
            sent.connection = self._connected()
            deadline = monotonic() + seconds
            channel = sent.connection.start(line, seconds)
            sent.execution = Execution(self.host.name, channel, seconds, deadline, limit)
            yield from sent.execution.chunks()
        except HostError as error:
            sent.error = error
            if error.kind in (ErrorKind.TIMEOUT, ErrorKind.CONNECTION):
                self.close()  # the next command begins with a connection that answers
            raise
        finally:
            sent.finish()

    def _connected(self) -> HostConnection:
        if self._connection is None or not self._connection.active:
            self.close()
            self._connection = connect(self.host)
        return self._connection


class _Sent:
    """A command under way, what came of it, and what that says about its host."""

    def __init__(self, remote: Remote, command: Command) -> None:
        self._host, self._of_a_log = remote.host, isinstance(command, Logs)
        self._record = Record(remote.host, command.argv(), user=remote.user, via=remote.via)
        self.connection: HostConnection | None = None
        self.execution: Execution | None = None
        self.error: HostError | None = None

    def finish(self) -> None:
        """Also of a command whose reader went away: that is no error."""
        execution, error = self.execution, self.error
        if execution is not None:
            execution.close()
        exit_code = execution.exit_code if execution is not None else None
        showed, used = self._fingerprints()
        with transaction.atomic():
            self._record.finish(
                exit_code=exit_code,
                sizes=execution.bytes if execution is not None else None,
                denied=exit_code == REFUSED,
                error_kind=error.kind if error else "",
                error_message=error.reason if error else "",
                host_key_fingerprint=showed,
                key_fingerprint=used,
            )
            self._note_status()

    def _fingerprints(self) -> tuple[str, str]:
        """Of the key that the host showed, and of the one we logged in with; empty where it did not come so far."""
        if self.connection is not None:
            return self.connection.host_key_fingerprint, self.connection.key_fingerprint
        refused = self.error is not None and self.error.kind == ErrorKind.HOST_KEY
        return (shown_fingerprint(self._host.offered_host_key) if refused else ""), ""

    def _is_of_a_container(self, error: HostError) -> bool:
        """Whether the host itself is well: a log that cannot be read, or not in time, is no fault of it."""
        if error.kind == ErrorKind.TIMEOUT:
            return self.execution is not None and any(self.execution.bytes.values())
        return error.kind in OF_A_CONTAINER or (error.kind == ErrorKind.INTERNAL and self._of_a_log)

    def _note_status(self) -> None:
        host, error, now = self._host, self.error, timezone.now()
        answered = self.execution is not None and (error is None or self._is_of_a_container(error))
        columns: dict[str, Any] = {"checked_at": now}
        if answered:
            columns |= {"status": HostStatus.OK, "error_kind": "", "error_message": "", "answered_at": now}
        elif error is not None:
            columns |= {"status": HostStatus.FAILED, "error_kind": error.kind, "error_message": error.reason}
        for name, value in columns.items():
            setattr(host, name, value)
        type(host).objects.filter(pk=host.pk).update(**columns)
