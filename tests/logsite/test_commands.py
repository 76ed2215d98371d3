"""What all commands share: a database that fails is one line."""

import subprocess
import sys

import pytest
from django.core.management import CommandError, get_commands, load_command_class
from django.db import OperationalError, connection

from logsite.commands import SiteCommand
from tests.test_guards import COMMANDS
from tests.test_start_up import new_site

NOT_MIGRATED = "CommandError: the database lacks tables or columns: run `manage.py migrate`\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_one(name):
    assert isinstance(load_command_class(get_commands()[name], name), SiteCommand)


@pytest.mark.parametrize(
    "words",
    [
        ["prodlogs", "status"],
        ["backfill_prodlogs", "--since", "2h", "--until", "1h"],
        ["view_session_logs", "--list"],
        ["collect_interfaces", "--all"],
        ["create_token", "admin"],
        ["ship_logs_to_loki"],
    ],
    ids=lambda words: words[0],
)
def test_a_database_without_tables_says_what_to_do(words, tmp_path):
    found = subprocess.run([sys.executable, "manage.py", *words], **new_site(tmp_path))

    assert (found.returncode, found.stderr) == (1, NOT_MIGRATED)


class Failing(SiteCommand):
    def handle(self, **options):
        raise OperationalError("connection to postgres://user:canary@db failed")


class Misspelt(SiteCommand):
    def handle(self, **options):
        with connection.cursor() as sql:
            sql.execute("SELECT no_such_column FROM no_such_table")


def test_what_the_database_said_itself_is_not_repeated():
    with pytest.raises(CommandError) as error:
        Failing().execute(force_color=False, no_color=True, skip_checks=True)

    assert str(error.value) == "the database failed (OperationalError); nothing is lost, run again"


@pytest.mark.django_db
def test_a_missing_table_is_known_on_every_engine():
    with pytest.raises(CommandError, match=r"run `manage\.py migrate`"):
        Misspelt().execute(force_color=False, no_color=True, skip_checks=True)
