"""The wrapper as a host has it: a file, a shell that runs it, and in Docker's place what notes its arguments."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from prodlogs.harden import wrapper

SHELLS = {
    name: argv
    for name, argv in {
        "sh": ["sh"],
        "dash": ["dash"],
        "bash --posix": ["bash", "--posix"],
        "busybox sh": ["busybox", "sh"],
        "ksh": ["ksh"],
        "mksh": ["mksh"],
        "yash": ["yash"],
    }.items()
    if shutil.which(argv[0])
}


@dataclass
class Answer:
    exit_code: int
    stdout: bytes
    stderr: bytes


class Wrapped:
    """`script` is the wrapper; `calls()` are the argument lists and environments with which «Docker» ran so far."""

    def __init__(self, folder: Path, docker_host: str = "") -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir()
        (self.home / "web").touch()  # what `*` would become in a shell that looks for files
        docker = folder / "docker"
        docker.write_text(
            "#!/bin/sh\n"
            f"printf '%s\\0' \"$@\" > {folder}/argv.$$\nenv > {folder}/environment.$$\n"
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
        ended = subprocess.run(
            [*shell, str(self.script)],
            env=everything, cwd=self.home, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    def calls(self) -> list[tuple[list[str], dict[str, str]]]:
        """Taken away by reading."""
        found = []
        for file in self.folder.glob("argv.*"):
            environment = file.with_name(f"environment{file.suffix}")
            words = file.read_text().split("\0")[:-1]
            lines = (line.split("=", 1) for line in environment.read_text().splitlines())
            found.append((words, dict(lines)))
            file.unlink()
            environment.unlink()
        return found
