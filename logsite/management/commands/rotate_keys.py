"""Rotate the field-encryption key."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from logsite.fields import DecryptionError
from logsite.keys import field_keys_from_environment
from logsite.rotation import add_key, drop_old_keys, reencrypt


class Command(BaseCommand):
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
            raise CommandError("--drop-old: keys come from the environment; remove the old ones there", returncode=2)
        made = add_key()
        try:
            count = reencrypt()
        except DecryptionError as error:
            raise CommandError(f"{error}; nothing was changed") from None
        self.stdout.write(f"{count} values encrypted with {'a new' if made else 'the first'} key")
        if options["drop_old"]:
            self.stdout.write(f"{drop_old_keys()} old keys dropped")
