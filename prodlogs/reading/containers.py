"""The containers of a host as rows, from what `docker ps`, `inspect` and `stats` say."""

import json
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from prodlogs.docker.grammar import MOST_CONTAINERS, Command, Inspect, Ps, Stats
from prodlogs.docker.values import Misfit, container_id, moment, number, pair, percent, text
from prodlogs.errors import HostError
from prodlogs.models import Container, DockerHost, ErrorKind
from prodlogs.ssh.remote import Remote

LONGEST = 30.0  # seconds for one answer; `docker stats` takes two or three
ATTEMPTS = 3  # a container may go between `ps` and `inspect`
BATCH = 200  # rows of one statement
Found = TypeVar("Found")


def refresh(remote: Remote, host: DockerHost) -> list[Container]:
    """The containers that the host lists, running or not, by name: as rows, new ones and changes stored.

    One that is not listed any more gets `removed_at`, until it is listed again. All in one transaction, one after
    the other where several refresh a host: whoever checks its health does not wait for its reader.
    Raises HostError, also where a line of Docker's answer does not fit: none is passed over.
    """
    asked = timezone.now()
    described = _described(remote, host)
    with transaction.atomic():
        return _stored(host, described, asked)


class Usage(NamedTuple):
    """What each running container uses, by container id, and sentences about what did not fit."""

    found: dict[str, dict[str, Any]]
    misfits: list[str]


def read_stats(remote: Remote, host: DockerHost) -> Usage:
    """What the running containers use; stored with the rows of those that `refresh` knows.

    Keys: cpu_percent, memory_bytes, memory_limit_bytes, network_in_bytes, network_out_bytes, block_read_bytes,
    block_write_bytes, processes; a value is None where Docker knows none, or writes what does not fit: that is told
    and stops nothing, since the containers themselves are known. Raises HostError.
    """
    misfits: list[str] = []
    answer = _answer(remote, Stats())
    found = _parsed(host, "stats", answer, partial(_usage, misfits), misfits)
    now = timezone.now()
    with transaction.atomic():
        _take_turns(host)
        rows = list(Container.objects.filter(host=host, container_id__in=found))
        for row in rows:
            row.stats, row.stats_at = found[row.container_id], now
        Container.objects.bulk_update(rows, ["stats", "stats_at"], batch_size=BATCH)
    return Usage(found, misfits)


# --- Docker's answers -------------------------------------------------------------------------------------


def _answer(remote: Remote, command: Command) -> str:
    """A daemon that hangs takes the command and never answers: nobody waits for that as long as for a log."""
    return remote.read(command, timeout=min(LONGEST, settings.PRODLOGS_DEADLINE))


def _described(remote: Remote, host: DockerHost) -> dict[str, dict[str, Any]]:
    """The columns of each listed container, by container id."""
    for _ in range(ATTEMPTS - 1):
        try:
            return _inspected(remote, host)
        except HostError as error:
            if error.kind != ErrorKind.REMOVED:
                raise
    return _inspected(remote, host)


def _inspected(remote: Remote, host: DockerHost) -> dict[str, dict[str, Any]]:
    listed = _parsed(host, "ps", _answer(remote, Ps()), _listed)
    ids, found = sorted(listed), dict[str, dict[str, Any]]()
    for start in range(0, len(ids), MOST_CONTAINERS):
        some = tuple(ids[start : start + MOST_CONTAINERS])
        found |= _parsed(host, "inspect", _answer(remote, Inspect(some)), _details)
    if found.keys() != listed.keys():
        raise HostError(
            host.name,
            ErrorKind.INTERNAL,
            f"`docker inspect` described {len(found)} of the {len(listed)} containers that `docker ps` listed",
        )
    return {each: {**found[each], "image": listed[each]} for each in ids}


def _parsed(
    host: DockerHost,
    command: str,
    answer: str,
    parse: Callable[[dict[str, Any]], tuple[str, Found]],
    misfits: list[str] | None = None,
) -> dict[str, Found]:
    """Each line's id and what `parse` makes of it. A line that does not fit is an error that shows it; with
    `misfits`, which gets the sentence, it is passed over."""
    found: dict[str, Found] = {}
    for line in filter(str.strip, answer.split("\n")):
        try:
            fields = json.loads(line)
            if not isinstance(fields, dict):
                raise Misfit("not an object")
            key, value = parse(fields)
            if key in found:
                raise Misfit(f"{key[:12]} a second time")
        except (KeyError, ValueError) as error:  # JSON's, too
            reason = f"without {error}" if isinstance(error, KeyError) else str(error)
            problem = _misfit(host, command, line, reason)
            if misfits is None:
                raise problem from None
            misfits.append(problem.reason)
        else:
            found[key] = value
    return found


def _misfit(host: DockerHost, command: str, line: str, reason: str) -> HostError:
    return HostError(
        host.name,
        ErrorKind.INTERNAL,
        f"a line of `docker {command}` does not fit ({reason}): {line[:200]!a}. Does a login script of the "
        "user, or a docker command of another make, write to stdout?",
    )


def _listed(fields: dict[str, Any]) -> tuple[str, str]:
    return container_id(fields["ID"]), text(fields["Image"])[:512]


def _details(fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    return container_id(fields["Id"]), {
        "name": text(fields["Name"]).removeprefix("/")[:255],
        "state": text(fields["Status"])[:16],
        "health": text(fields["Health"])[:16],
        "exit_code": number(fields["ExitCode"]),
        "restarts": number(fields["RestartCount"]),
        "tty": fields["Tty"] is True,
        "log_driver": text(fields["LogDriver"])[:64],
        "created_at": moment(fields["Created"]),
        "started_at": moment(fields["StartedAt"]),
        "finished_at": moment(fields["FinishedAt"]),
    }


def _usage(misfits: list[str], fields: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    container = container_id(fields["ID"])

    def known(parse: Callable[[Any], Found], name: str, unknown: Found) -> Found:
        try:
            return parse(fields[name])
        except Misfit as error:
            misfits.append(f"`docker stats`, {name} of {container[:12]}: {error}")
            return unknown

    neither: tuple[int | None, int | None] = (None, None)
    memory, limit = known(pair, "MemUsage", neither)
    received, sent = known(pair, "NetIO", neither)
    read, written = known(pair, "BlockIO", neither)
    processes = known(text, "PIDs", "")
    return container, {
        "cpu_percent": known(percent, "CPUPerc", None),
        "memory_bytes": memory,
        "memory_limit_bytes": limit,
        "network_in_bytes": received,
        "network_out_bytes": sent,
        "block_read_bytes": read,
        "block_write_bytes": written,
        "processes": int(processes) if processes.isdecimal() else None,
    }


# --- rows -------------------------------------------------------------------------------------------------


def _take_turns(host: DockerHost) -> None:
    """Until the transaction ends; on SQLite only one writes anyway."""
    list(DockerHost.objects.select_for_update().filter(pk=host.pk).values_list("pk"))


def _stored(host: DockerHost, described: dict[str, dict[str, Any]], asked: datetime) -> list[Container]:
    """`asked` is when the host was: what somebody has seen there since is not gone."""
    _take_turns(host)
    now = timezone.now()
    known = {row.container_id: row for row in Container.objects.filter(host=host, container_id__in=described)}
    new = [
        Container(host=host, container_id=each, seen_at=now, **columns)
        for each, columns in described.items()
        if each not in known
    ]
    for each, row in known.items():
        for name, value in {**described[each], "seen_at": now, "removed_at": None}.items():
            setattr(row, name, value)
    columns = ["seen_at", "removed_at", *next(iter(described.values()), {})]
    Container.objects.bulk_update(known.values(), columns, batch_size=BATCH)
    Container.objects.bulk_create(new, batch_size=BATCH)
    there = Container.objects.filter(host=host, removed_at=None)
    there.exclude(seen_at__gte=asked).update(removed_at=now)
    return sorted([*known.values(), *new], key=lambda row: (row.name, row.container_id))
