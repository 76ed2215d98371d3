"""Container logs as one JSON file, written whole or not at all."""

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from logsite.audit import EventType, Severity, current_reader, record
from logsite.private_files import written_whole
from logsite.records import to_nanoseconds
from logsite.tables.nanoseconds import rfc3339
from prodlogs.entries.listing import COLUMNS, Query, entry_dict, stored, titles
from prodlogs.models import Container, DockerHost

SOURCE = "production_ssh"


def default_name(now: datetime) -> str:
    return f"production_logs_{now:%Y%m%d_%H%M%S}.json"


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raises OSError where no file can be written under that path; to be asked before a long reading."""
    target = Path(path).absolute()
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a directory: name a file")
    if not target.parent.is_dir():
        raise NotADirectoryError(f"{target}: there is no directory {target.parent}")
    try:
        tempfile.TemporaryFile(dir=target.parent).close()
    except OSError as error:
        raise type(error)(f"{target}: cannot be written: {error.strerror}") from None


def save_entries(
    hosts: Sequence[DockerHost],
    since: datetime,
    output_file: str | os.PathLike[str] | None = None,
    *,
    query: str = "",
) -> tuple[Path, int]:
    """Write {"timestamp", "collection_source", "containers": {name: [entry, …]}}; the path, and how many entries.

    The file is readable by its owner alone. Raises OSError and QueryError, and then an older file of the name is as
    it was.
    """
    now = timezone.now()
    path = Path(output_file or default_name(now)).absolute()
    check_writable(path)
    number = 0
    with written_whole(path) as file:
        for piece, entries in json_pieces(hosts, since, query):
            file.write(piece)
            number += entries
        _record_export(hosts, since, path, number, query)  # the file gets its name behind this
    return path, number


def _record_export(hosts: Sequence[DockerHost], since: datetime, path: Path, number: int, query: str) -> None:
    details = {"hosts": [host.name for host in hosts], "since": since.isoformat(), "format": "json"}
    details |= {"query": query} if query else {}
    reader = current_reader()
    record(
        EventType.SENSITIVE_READ,
        Severity.INFO,
        reader,
        details,
        what="export",
        target=str(path),
        count=number,
    )


def json_pieces(
    hosts: Sequence[DockerHost], since: datetime, query: Query = None
) -> Iterator[tuple[str, int]]:
    """The file piece by piece, each with the entries in it: a day of logs does not fit into memory."""
    now = timezone.now()
    yield (
        f'{{"timestamp": "{rfc3339(to_nanoseconds(now))}", "collection_source": "{SOURCE}", "containers": {{',
        0,
    )
    names = titles(hosts)
    rows: dict[str, list[int]] = {}
    for pk in sorted(names):
        rows.setdefault(names[pk], []).append(pk)
    listed = set(
        Container.objects.filter(host__in=hosts, removed_at__isnull=True).values_list("pk", flat=True)
    )
    written = 0
    for name in sorted(rows):
        entries = _entries(hosts, since, rows[name], query)
        first = next(entries, None)
        if first is None and not listed.intersection(rows[name]):
            continue  # long gone, and silent in the window
        yield f"{', ' if written else ''}\n{json.dumps(name)}: [", 0
        written += 1
        if first is not None:
            yield f"\n{first}", 1
        for entry in entries:
            yield f",\n{entry}", 1
        yield "]", 0
    yield "\n}}\n", 0


def _entries(
    hosts: Sequence[DockerHost], since: datetime, containers: list[int], query: Query
) -> Iterator[str]:
    found = stored(hosts, since, query=query).filter(container__in=containers)
    for _, *columns in found.values_list(*COLUMNS).iterator(chunk_size=2000):
        yield json.dumps(entry_dict(*columns), ensure_ascii=False)
