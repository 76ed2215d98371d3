"""Accept host keys from a known_hosts file."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from logsite.commands.base import SiteCommand, user_called
from logsite.ssh.known_hosts import KnownHosts, parse
from logsite.text.terminal import plain

MAX_FILE_BYTES = 64 * 1024**2


class Command(SiteCommand):
    help = (
        "Accept the host keys of a known_hosts file, or of the output of ssh-keyscan, for the devices of the "
        "inventory. If a line cannot be read, no key is accepted. Exit code 1 if somebody has to check a "
        "device."
    )
    requires_system_checks = ["logsite", "devices"]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="a known_hosts file; - is standard input")
        parser.add_argument(
            "--dry-run", action="store_true", help="print what would be done, and change nothing"
        )
        parser.add_argument(
            "--replace", action="store_true", help="accept the file's key where another one is accepted"
        )
        parser.add_argument("--user", metavar="USERNAME", help="the user on record for it")

    def handle(self, *, file: str, dry_run: bool, replace: bool, user: str | None, **_: Any) -> None:
        from devices import known_hosts
        from devices.connectors.host_keys import Actor

        known, actor = self._read(file), Actor(user_called(user))
        counts: Counter[str] = Counter()
        looks: list[str] = []
        with transaction.atomic():
            for found in list(known_hosts.plan(known, replace=replace)):
                counts[found.outcome] += 1
                looks += [found.device.name] if found.failed else []
                (self.stderr if found.failed else self.stdout).write(plain(str(found)))
                if not dry_run:
                    known_hosts.apply(found, actor)
        numbers = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
        self.stdout.write(f"{'Would be: ' * dry_run}{numbers or 'the inventory is empty'}")
        if looks:
            raise CommandError(f"check these devices: {', '.join(looks)}")

    def _read(self, file: str) -> KnownHosts:
        try:
            if file == "-":
                content = _bounded(sys.stdin.buffer)
            else:
                with Path(file).expanduser().open("rb") as stream:
                    content = _bounded(stream)
        except (
            OSError,
            RuntimeError,
            ValueError,
        ) as error:  # RuntimeError: ~ of an unknown user; ValueError: NUL
            reason = getattr(error, "strerror", None) or error
            raise CommandError(f"{plain(file)} cannot be read: {reason}", returncode=2) from None
        known = parse(content.decode("utf-8", "replace"))
        for number, problem in known.skipped:
            self.stderr.write(f"line {number}: skipped, {plain(problem)}")
        if known.bad:
            lines = "\n".join(f"line {number}: {plain(problem)}" for number, problem in known.bad)
            raise CommandError(f"{lines}\nnothing is imported: correct or remove these lines")
        return known


def _bounded(stream: BinaryIO) -> bytes:
    content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"it is longer than {MAX_FILE_BYTES:,} bytes")
    return content
