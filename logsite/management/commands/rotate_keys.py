"""Rotate the field-encryption key."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from logsite.audit import EventType, Severity, current_reader, record
from logsite.commands import SiteCommand
from logsite.encryption.fields import DecryptionError
from logsite.encryption.keys import field_keys_from_environment
from logsite.encryption.rotation import (
    RotationRunningError,
    add_key,
    drop_old_keys,
    one_at_a_time,
    reencrypt,
)


class Command(SiteCommand):
    help = (
        "Make a new field-encryption key and encrypt every stored credential with it. With keys in the "
        "environment: put the new one first in FIELD_ENCRYPTION_KEYS, then run this."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--drop-old",
            action="store_true",
            help="also forget the old keys; only after every running process was restarted, and not if a backup "
            "written with them may be needed",
        )

    def handle(self, **options: Any) -> None:
        environment = bool(field_keys_from_environment())
        if environment and options["drop_old"]:
            raise CommandError(
                "--drop-old: the keys are set in the environment; remove the old ones there", returncode=2
            )
        try:
            with one_at_a_time():
                self._rotate(drop_old=options["drop_old"])
        except DecryptionError as error:
            raise CommandError(f"{error}; no value was changed") from None
        except RotationRunningError as error:
            raise CommandError(str(error)) from None

    def _rotate(self, *, drop_old: bool) -> None:
        event, details = EventType.SENSITIVE_UPDATE, {"done": "rotated", "drop_old": drop_old}
        record(event, Severity.WARNING, current_reader(), details, what="field keys")
        made = add_key()
        count = reencrypt()
        self.stdout.write(f"{count} values encrypted with {'a new' if made else 'the first'} key")
        if drop_old:
            self.stdout.write(f"{drop_old_keys()} old keys dropped")
