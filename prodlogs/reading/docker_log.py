"""A container's log on its host, by `docker logs`."""

import re
from collections.abc import Generator

from django.conf import settings

from logsite.records import to_nanoseconds
from logsite.tables.nanoseconds import from_rfc3339
from prodlogs.docker.decoder import PIECE, StreamDecoder
from prodlogs.docker.grammar import Logs
from prodlogs.models import Container
from prodlogs.reading.stream_reply import Anchor
from prodlogs.ssh.remote import Remote

STREAMS = ("stdout", "stderr")
NO_BYTE_LIMIT = 2**62  # the reader counts new bytes itself: known ones before them must not use the limit up
ENDED = ("exited", "dead", "created")
_STAMPS = re.compile(
    rb"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", re.ASCII | re.MULTILINE
)  # 2026-01-31T12:00:00.123456789Z


class DockerLog:
    """The source of a LogReader. Its methods raise HostError."""

    def __init__(self, container: Container, remote: Remote) -> None:
        self.host = remote.host.name
        self._container, self._remote = container, remote

    @property
    def running(self) -> bool:
        """The container runs: an unended last line may still grow."""
        return self._container.state not in ENDED

    def fetch(self, tail: int | None, since: int | None) -> Generator[tuple[str, bytes], None, None]:
        """The last `tail` records, or those from `since` (ns) on; all with neither."""
        command = Logs(self._container.container_id, tail=tail, since=since)
        return self._remote.stream(command, byte_limit=NO_BYTE_LIMIT)

    def window(self, start: int, end: int) -> Generator[tuple[str, bytes], None, None]:
        """The records from `start` until before `end` (ns)."""
        return self._remote.stream(Logs(self._container.container_id, since=max(start, 0), until=end - 1))

    def newest(self) -> int:
        """The time (ns) of the newest line; 0 for an empty log."""
        texts = {stream: bytearray() for stream in STREAMS}
        for stream, chunk in self.fetch(1, None):
            texts[stream] += chunk
        stamps = [stamp for text in texts.values() for stamp in _STAMPS.findall(text)[-1:]]
        return max((from_rfc3339(stamp.decode()) for stamp in stamps), default=0)

    def decoder(self, stream: str, anchor: Anchor | None) -> StreamDecoder:
        """A decoder of one stream of one reply."""
        container, started = self._container, self._container.started_at
        return StreamDecoder(
            stream,
            tty=container.tty,
            driver=container.log_driver,
            running=self.running,
            started_at=to_nanoseconds(started) if started else None,
            looping=container.restarts > 1,
            anchor=(anchor.timestamp, anchor.length) if anchor else None,
            longest=settings.PRODLOGS_ENTRY_LIMIT + PIECE,
        )
