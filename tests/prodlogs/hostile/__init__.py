"""Command lines and names that must never reach Docker, and commands that must."""

import random
import re
import shlex
import string
from pathlib import Path

from prodlogs.docker import grammar
from prodlogs.docker.grammar import Command, Inspect, Logs, Ps, Stats, command_line

_STANDS_FOR = {
    "<PS>": command_line(Ps()),
    "<STATS>": command_line(Stats()),
    "<LOGS>": shlex.join(grammar.LOGS),
    "<INSPECT>": shlex.join(grammar.INSPECT),
}
NAME_BEGINS = string.ascii_letters + string.digits


def _corpus(name: str) -> list[str]:
    """The lines of a file, comments left out, escapes undone, our own commands put in."""
    found = []
    for line in (Path(__file__).parent / f"{name}.txt").read_text(encoding="ascii").splitlines():
        if line.startswith("# "):
            continue
        text = line.encode().decode("unicode_escape")
        for short, long in _STANDS_FOR.items():
            text = text.replace(short, long)
        found.append(re.sub(r"<(.)\*(\d+)>", lambda match: match[1] * int(match[2]), text, flags=re.DOTALL))
    return ["", *found]


COMMANDS, NAMES = _corpus("commands"), _corpus("names")
EVERYTHING = [*COMMANDS, *(f"docker logs --timestamps {name}" for name in NAMES)]


def random_command(chance: random.Random) -> Command:
    """Any command of the grammar."""

    def name() -> str:
        rest = chance.choices(NAME_BEGINS + "_.-", k=chance.choice((1, 2, 7, 63, 254)))
        return chance.choice(NAME_BEGINS) + "".join(rest)

    def perhaps(highest: int, lowest: int = 0) -> int | None:
        return chance.choice((None, lowest, highest, chance.randint(lowest, highest)))

    kind = chance.choice(("ps", "stats", "inspect", "logs", "logs", "logs"))
    if kind == "inspect":
        return Inspect(tuple(name() for _ in range(chance.choice((1, 2, 20, grammar.MOST_CONTAINERS)))))
    if kind == "logs":
        moment = grammar.LATEST - 1
        return Logs(name(), perhaps(grammar.LARGEST_TAIL, 1), perhaps(moment), perhaps(moment))
    return Ps() if kind == "ps" else Stats()


def is_ours(text: str) -> bool:
    """Whether the client would ever send this text."""
    try:
        return command_line(grammar.parse(shlex.split(text))) == text
    except ValueError:
        return False
