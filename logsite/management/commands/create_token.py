"""Make an API token for a user, for shippers and scripts."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from knox.models import AuthToken

from logsite.commands import SiteCommand


class Command(SiteCommand):
    help = "Make an API token and print it, once; only its hash is stored."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username", metavar="USERNAME")
        parser.add_argument(
            "--days", type=int, default=365, metavar="N", help="days until the token expires (default 365)"
        )

    def handle(self, **options: Any) -> None:
        if not 1 <= options["days"] <= 3650:
            raise CommandError("--days must be a whole number from 1 to 3650", returncode=2)
        users = get_user_model()
        try:
            user = users.objects.get_by_natural_key(options["username"])
        except users.DoesNotExist:
            raise CommandError(f"{options['username']!r} is not a user of this site", returncode=2) from None
        if not user.is_active:
            raise CommandError(f"{options['username']!r} is not active", returncode=2)
        _, token = AuthToken.objects.create(user=user, expiry=timedelta(days=options["days"]))
        self.stdout.write(token)
