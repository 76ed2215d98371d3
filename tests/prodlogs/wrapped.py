"""The wrapper as a host has it: a file, a shell that runs it, and in Docker's place what notes its arguments."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prodlogs.hardening.wrapper import wrapper


def _shells() -> dict[str, list[str]]:
    """The shells of this machine by name, each program once: Debian's `sh` is dash."""
    known = {
        "sh": ["sh"],
        "dash": ["dash"],
        "bash --posix": ["bash", "--posix"],
        "busybox sh": ["busybox", "sh"],
        "ksh": ["ksh"],
        "mksh": ["mksh"],
        "yash": ["yash"],
    }
    programs: dict[str, str] = {}
    for name, argv in known.items():
        if program := shutil.which(argv[0]):
            programs.setdefault(os.path.realpath(program), name)
    return {name: known[name] for name in programs.values()}


SHELLS = _shells()
Call = tuple[list[str], dict[str, str]]  # the arguments and the environment with which «Docker» ran

# One case of `run_each`. The bytes of the command line come out of the environment, as sshd's do, and are no text
# of this script. The parentheses make a copy of the shell, which the wrapper's `exit` or `exec` ends.
CASE = """\
echo {number} > {folder}/case
( SSH_ORIGINAL_COMMAND=$ASKED_{number}; export SSH_ORIGINAL_COMMAND; . {script} )
printf '\\0%s\\0' "$?" >&2
printf '\\0'
"""


@dataclass
class Answer:
    exit_code: int
    stdout: bytes
    stderr: bytes
    calls: list[Call] = field(default_factory=list)  # of `run_each` alone


class Wrapped:
    """`script` is the wrapper; `calls()` are the calls of «Docker» so far."""

    def __init__(self, folder: Path, docker_host: str = "") -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir()
        (self.home / "web").touch()  # what `*` would become in a shell that looks for files
        (folder / "case").write_text("0\n")
        docker = folder / "docker"
        docker.write_text(
            f"#!/bin/sh\nread -r number < {folder}/case\n"
            f"printf '%s\\0' \"$@\" > {folder}/argv.$number.$$\nexport -p > {folder}/environment.$number.$$\n"
            "echo 'from docker'\necho 'and on stderr' >&2\nexit 7\n"
        )
        docker.chmod(0o755)
        self.script = folder / "logsite-docker-read"
        self.script.write_text(wrapper(str(docker), docker_host))
        self.script.chmod(0o755)

    def run(self, shell: list[str], asked: str | None, **environment: str) -> Answer:
        """As sshd's forced command does, with SSH_ORIGINAL_COMMAND as the client sent it."""
        everything = {**os.environ, **environment}
        if asked is not None:
            everything["SSH_ORIGINAL_COMMAND"] = asked
        ended = self._start(shell, self.script, everything)
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    def run_each(self, shell: list[str], asked: Sequence[str], **environment: str) -> list[Answer]:
        """The answer to each command line, from one shell that runs the wrapper for each in a copy of itself.

        A copy differs from a new shell in two respects. SSH_ORIGINAL_COMMAND is assigned from another variable of
        the environment. Options, ENV, functions and the locale were set up once, for all lines. test_harden.py
        compares a sample of the answers with those of `run`, and tests with `run` alone what a start sets up.
        """
        cases = (
            CASE.format(number=number, folder=self.folder, script=self.script)
            for number in range(1, len(asked) + 1)
        )
        driver = self.folder / "driver"
        driver.write_text("".join(cases))
        variables = {f"ASKED_{number}": line for number, line in enumerate(asked, 1)}
        ended = self._start(shell, driver, {**os.environ, **environment, **variables})
        assert ended.returncode == 0, ended.stderr
        stdout, stderr = ended.stdout.split(b"\0"), ended.stderr.split(b"\0")
        assert (len(stdout), len(stderr)) == (len(asked) + 1, 2 * len(asked) + 1)
        calls = self._take_calls()
        return [
            Answer(int(code), out, err, calls.pop(str(number), []))
            for number, (out, err, code) in enumerate(
                zip(stdout[:-1], stderr[:-1:2], stderr[1::2], strict=True), 1
            )
        ]

    def _start(
        self, shell: list[str], script: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*shell, str(script)],
            env=environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )

    def calls(self) -> list[Call]:
        """Taken away by reading."""
        return [call for calls in self._take_calls().values() for call in calls]

    def _take_calls(self) -> dict[str, list[Call]]:
        """By the number of the case."""
        found: dict[str, list[Call]] = {}
        for file in self.folder.glob("argv.*"):
            environment = file.with_name(file.name.replace("argv", "environment", 1))
            words = file.read_text().split("\0")[:-1]
            variables = [word.split("=", 1) for word in shlex.split(environment.read_text()) if "=" in word]
            call = words, dict(variables)
            found.setdefault(file.suffixes[0][1:], []).append(call)
            file.unlink()
            environment.unlink()
        return found
