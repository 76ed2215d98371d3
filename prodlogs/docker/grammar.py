"""The four commands that LogSite sends to a Docker host, as words and never as text.

Read-only access is enforced twice: these classes can write no other command, and the wrapper that `prodlogs
harden` prints from the same constants lets no other command in. Formats are fixed: what they do not name
(environment, command lines, labels, mounts) cannot come over the wire. An option that Docker takes for
«everything» or «for ever» (`--tail -1`, `--follow`, `stats` without `--no-stream`, a time without a zone)
cannot be written.
"""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from logsite.tables.nanoseconds import from_rfc3339, rfc3339

LONGEST_NAME = 255  # characters; Docker sets no limit, our column has this one
MOST_CONTAINERS = 200  # in one `docker inspect`: Linux takes no word of a command line over 128 KiB
LARGEST_TAIL = 999_999_999  # lines
LATEST = from_rfc3339("2200-01-01T00:00:00.000000000Z")  # times lie before it, and not before 1970
CONTAINER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+", re.ASCII)  # Docker's own rule; an id fits it as well
_COUNT = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)

PS_FORMAT = (
    '{"ID":{{json .ID}},"Names":{{json .Names}},"Image":{{json .Image}},"State":{{json .State}},'
    '"CreatedAt":{{json .CreatedAt}}}'
)
INSPECT_FORMAT = (  # .ID and not .Id: with the latter Docker falls back to a map in which absent keys are errors
    '{"Id":{{json .ID}},"Name":{{json .Name}},"Created":{{json .Created}},"Status":{{json .State.Status}},'
    '"Health":{{with .State.Health}}{{json .Status}}{{else}}""{{end}},"ExitCode":{{json .State.ExitCode}},'
    '"StartedAt":{{json .State.StartedAt}},"FinishedAt":{{json .State.FinishedAt}},'
    '"RestartCount":{{json .RestartCount}},"Tty":{{json .Config.Tty}},'
    '"LogDriver":{{json .HostConfig.LogConfig.Type}}}'
)
STATS_FORMAT = (
    '{"ID":{{json .ID}},"CPUPerc":{{json .CPUPerc}},"MemUsage":{{json .MemUsage}},"NetIO":{{json .NetIO}},'
    '"BlockIO":{{json .BlockIO}},"PIDs":{{json .PIDs}}}'
)

PS = ("docker", "ps", "--all", "--no-trunc", "--format", PS_FORMAT)
LOGS = ("docker", "logs", "--timestamps")
INSPECT = ("docker", "inspect", "--type", "container", "--format", INSPECT_FORMAT)
STATS = ("docker", "stats", "--no-stream", "--no-trunc", "--format", STATS_FORMAT)


class Refused(ValueError):
    """Not one of the commands that only read; the text names the word that is wrong."""


@dataclass(frozen=True)
class Ps:
    """All containers, running or not: a JSON object a line with ID (64 digits), Names, Image, State, CreatedAt.

    Names are joined by commas where other containers link to this one; `Inspect` says the name itself.
    """

    def argv(self) -> list[str]:
        return list(PS)


@dataclass(frozen=True)
class Logs:
    """A container's log with Docker's time before each line. `since` and `until` are inclusive, in nanoseconds."""

    container: str
    tail: int | None = None
    since: int | None = None
    until: int | None = None

    def __post_init__(self) -> None:
        _check_container(self.container)
        if self.tail is not None:
            _check_number("--tail", self.tail, 1, LARGEST_TAIL)
        for option, moment in (("--since", self.since), ("--until", self.until)):
            if moment is not None:
                _check_number(option, moment, 0, LATEST - 1)

    def argv(self) -> list[str]:
        words = list(LOGS)
        if self.tail is not None:
            words += ["--tail", str(self.tail)]
        if self.since is not None:
            words += ["--since", rfc3339(self.since)]
        if self.until is not None:
            words += ["--until", rfc3339(self.until)]
        return [*words, self.container]


@dataclass(frozen=True)
class Inspect:
    """Details of up to MOST_CONTAINERS containers, a JSON object a line: Id, Name (with a slash before it), Created,
    Status, Health ("" without a health check), ExitCode, StartedAt, FinishedAt, RestartCount, Tty, LogDriver."""

    containers: tuple[str, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.containers, tuple):
            raise Refused(f"the containers are not a tuple: {_shown(self.containers)}")
        if not 1 <= len(self.containers) <= MOST_CONTAINERS:
            raise Refused(f"{len(self.containers)} containers: name 1 to {MOST_CONTAINERS} at once")
        for container in self.containers:
            _check_container(container)

    def argv(self) -> list[str]:
        return [*INSPECT, *self.containers]


@dataclass(frozen=True)
class Stats:
    """What the running containers use at this moment, a JSON object a line: ID (64 digits), CPUPerc, MemUsage,
    NetIO, BlockIO and PIDs, all as Docker writes them for people ("828KiB / 23.54GiB")."""

    def argv(self) -> list[str]:
        return list(STATS)


Command = Ps | Logs | Inspect | Stats


def parse(argv: Sequence[str]) -> Command:
    """The command of these words. Raises Refused unless they are exactly what some command's argv() gives."""
    if isinstance(argv, str | bytes):
        raise Refused(f"a text is not a list of words: {_shown(argv)}")
    words = list(argv)
    for word in words:
        if not isinstance(word, str):
            raise Refused(f"not a text: {_shown(word)}")
    command = _recognized(words)
    if command.argv() != words:  # the proof does not rest on the recognition above
        raise Refused(
            f"not written as `{' '.join(command.argv()[:2])}` is written here: {_shown(' '.join(words))}"
        )
    return command


def command_line(command: Command) -> str:
    """The text of the SSH exec request: quoted for a login shell, and what the wrapper compares with."""
    return shlex.join(parse(command.argv()).argv())


def _recognized(words: list[str]) -> Command:
    if words == list(PS):
        return Ps()
    if words == list(STATS):
        return Stats()
    if tuple(words[: len(INSPECT)]) == INSPECT:
        return Inspect(tuple(words[len(INSPECT) :]))
    if tuple(words[: len(LOGS)]) == LOGS and len(words) > len(LOGS):
        return _logs(words[len(LOGS) : -1], words[-1])
    raise Refused(f"not one of the read-only commands: {_shown(' '.join(words))}")


def _logs(options: list[str], container: str) -> Logs:
    found = dict(zip(options[::2], options[1::2], strict=False))
    if unknown := [option for option in options[::2] if option not in ("--tail", "--since", "--until")]:
        raise Refused(f"not an option of `docker logs` that may be used: {_shown(unknown[0])}")
    tail, since, until = found.get("--tail"), found.get("--since"), found.get("--until")
    if tail is not None and not _COUNT.fullmatch(tail):
        raise Refused(f"--tail is not a number from 1 to {LARGEST_TAIL}: {_shown(tail)}")
    return Logs(
        container, None if tail is None else int(tail), _moment("--since", since), _moment("--until", until)
    )


def _moment(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return from_rfc3339(text)
    except ValueError as error:
        raise Refused(f"{option}: {error}") from None


def _check_container(container: str) -> None:
    if not isinstance(container, str) or not CONTAINER.fullmatch(container):
        raise Refused(
            f"not a container's id or name: {_shown(container)} (letters, digits and _.- after a letter or a digit)"
        )
    if len(container) > LONGEST_NAME:
        raise Refused(f"a container's name of {len(container)} characters: {LONGEST_NAME} are allowed")


def _check_number(option: str, value: int, lowest: int, highest: int) -> None:
    if type(value) is not int or not lowest <= value <= highest:  # True is an int, too
        raise Refused(f"{option} is not a number from {lowest} to {highest}: {_shown(value)}")


def _shown(value: object) -> str:
    """Printable and short, whatever it is: it goes into messages and the audit."""
    text = ascii(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
