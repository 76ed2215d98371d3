"""`export_logs`: to a file or to standard output, whole or not at all."""

import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command

from console.management.commands.export_logs import Command
from logsite.audit.models import AuditEntry
from prodlogs.models import ContainerLogEntry
from tests.console_export.conftest import ends, notes
from tests.factories import ContainerFactory, SessionFactory, SessionLogFactory
from tests.records.toy_source import START, ticks
from tests.shipping.processes import database_url
from tests.test_hostile_commands import Leaving, limited

pytestmark = pytest.mark.django_db


def run(**options):
    """What the command writes on standard output and error."""
    out, errors = io.StringIO(newline=""), io.StringIO()
    call_command("export_logs", **{"format": "json", **options}, stdout=out, stderr=errors)
    return out.getvalue(), errors.getvalue()


def refused(**options):
    with pytest.raises(CommandError) as error:
        run(**options)
    return error.value.returncode, str(error.value)


# --- What it exports ----------------------------------------------------------------------------------------


def test_the_options_narrow_the_export(toy):
    ticks()
    since, until = "2026-05-01T12:00:02Z", "2026-05-01T12:00:07Z"

    out, _ = run(source=["toy"], query="tick", level="ERROR", since=since, until=until)

    assert [entry["message"] for entry in json.loads(out)] == ["tick 2", "tick 4", "tick 6"]


@pytest.mark.parametrize(
    ("name", "end"), [("json", "\n]\n"), ("csv", ',""\r\n'), ("txt", "\n# 10 entries, complete\n")]
)
def test_each_format_goes_to_standard_output_or_a_file_alike(name, end, toy, tmp_path):
    ticks(message="=a\x1b[31m\nb")
    path = tmp_path / "logs"

    out, _ = run(source=["toy"], format=name)
    silent, said = run(source=["toy"], format=name, output=str(path))

    assert out.endswith(end)
    assert path.read_bytes() == out.encode()
    assert (silent, said) == ("", f"10 entries in {path}\n")


def test_a_terminal_is_not_steered_by_csv(toy):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    ticks(message="a\x1b[31mb")
    call_command(
        "export_logs", format="csv", source=["toy"], stdout=(screen := Screen()), stderr=io.StringIO()
    )

    assert "a␛[31mb" in screen.getvalue()


def test_keep_formulas_is_for_programs(toy):
    ticks(message="-5")
    cells = [
        next(csv.DictReader(io.StringIO(run(source=["toy"], format="csv", keep_formulas=keep)[0])))["message"]
        for keep in (False, True)
    ]

    assert cells == ["'-5", "-5"]


def test_the_user_named_sees_what_they_may_and_is_on_record(toy, colleague):
    ticks()

    out, _ = run(source=["toy"], user="teammate")

    assert "s3same" not in out
    assert "withheld" in out
    assert {(each.user, each.via) for each in AuditEntry.objects.filter(what="export")} == {
        ("teammate", "cli")
    }


def test_without_a_user_it_is_the_site_s_and_on_record(toy):
    ticks()

    assert "s3same" in run(source=["toy"])[0]
    assert (notes(), ends()) == ([("toy", 10)], [("toy", 10, "complete")])


def test_with_verbosity_2_the_rate_is_on_standard_error(toy, capsys):
    ticks()

    _, said = run(source=["toy"], verbosity=2)

    assert said.startswith("10 entries in 0.")
    assert " a second" in said
    assert " entries/s" in capsys.readouterr().err


def test_without_a_terminal_it_is_silent(toy, capsys):
    ticks()

    assert run(source=["toy"])[1] == ""
    assert capsys.readouterr() == ("", "")


# --- What it refuses ----------------------------------------------------------------------------------------


REFUSED = [
    ({"source": ["nowhere"]}, "--source: source 'nowhere' does not exist"),
    ({"query": "(a"}, "--query, position 0: "),
    ({"query": "nowhere:1", "source": ["session"]}, "--query, position 0: no field"),
    ({"level": "loud"}, "--level: no level 'loud'"),
    ({"app": "shop", "source": ["session"]}, "--app: no field 'app'"),
    ({"since": "yesterday"}, "--since: 'yesterday' is not a time"),
    ({"until": "3h", "since": "2h"}, "--until: "),
    ({"user": "nobody"}, "--user: no such user: nobody"),
    ({"user": "outsider"}, "--user: user outsider lacks the permission"),
    ({"output": "/dev/null"}, "--output: /dev/null is not a regular file"),
    ({"output": "/nowhere/logs.json"}, "--output: /nowhere/logs.json: there is no directory /nowhere"),
]


@pytest.mark.parametrize(("options", "reason"), REFUSED)
def test_an_option_that_cannot_be_used_exports_nothing(options, reason, outsider):
    code, said = refused(**options)

    assert code == 2
    assert said.startswith(reason)
    assert not AuditEntry.objects.filter(what__startswith="export").exists()


def test_a_user_without_the_permission_is_on_record(outsider):
    refused(user="outsider", source=["session"])

    assert AuditEntry.objects.filter(event_type="authz_fail", what="command", target="export_logs").exists()


# --- Files --------------------------------------------------------------------------------------------------


def test_a_file_is_its_owner_s_alone_and_takes_the_place_of_an_older_one(toy, tmp_path):
    ticks()
    path = tmp_path / "logs.json"
    path.write_text("older")
    path.chmod(0o644)

    run(output=str(path))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(json.loads(path.read_text())) == 10
    assert os.listdir(tmp_path) == ["logs.json"]


def test_an_export_that_fails_leaves_the_older_file_and_no_other(toy, tmp_path, small_pages, slow):
    ticks()
    slow |= {"after": 1, "slow": 2}
    (tmp_path / "logs.json").write_text("older")

    code, said = refused(output=str(tmp_path / "logs.json"), source=["toy"])

    assert code == 1
    assert said.startswith("source toy did not answer")
    assert said.endswith("the export is not whole")
    assert (os.listdir(tmp_path), (tmp_path / "logs.json").read_text()) == (["logs.json"], "older")


def test_a_right_that_ends_on_the_way_ends_the_command(toy, colleague, small_pages, monkeypatch, tmp_path):
    ticks()

    def take(self, view, page):
        colleague.user_permissions.remove(Permission.objects.get(codename="view_sessionlog"))

    monkeypatch.setattr("console.export.running.Export._note_page", take)
    code, said = refused(output=str(tmp_path / "logs.json"), user="teammate", source=["toy"])

    assert code == 1
    assert "lacks the permission sessionlogs.view_sessionlog" in said
    assert os.listdir(tmp_path) == []


@pytest.mark.django_db(transaction=True)
def test_a_reader_of_the_output_that_leaves_is_met_with_silence(toy):
    ticks()
    command = Command(stdout=Leaving(), stderr=(errors := io.StringIO()))
    command.run_from_argv(["manage.py", "export_logs", "--format", "txt", "--source", "toy"])

    assert errors.getvalue() == ""
    assert ends() == [("toy", 10, "incomplete: the reader went away")]


# --- Processes ----------------------------------------------------------------------------------------------


def start(*words, **options):
    environment = {"DATABASE_URL": database_url(), "DATA_DIR": str(settings.DATA_DIR), "COLUMNS": "80"}
    return subprocess.Popen(
        [sys.executable, "manage.py", "export_logs", *words],
        cwd=settings.BASE_DIR,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def fill(rows, characters=1000):
    container = ContainerFactory()
    ContainerLogEntry.objects.bulk_create(
        (
            ContainerLogEntry(
                container=container,
                container_name="web",
                stream="stdout",
                timestamp=1_777_636_800_000_000_000 + number,
                message="x" * characters,
            )
            for number in range(rows)
        ),
        batch_size=2000,
    )


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_behind_the_page_and_leaves_no_file(number, tmp_path):
    fill(30_000)
    path = tmp_path / "logs.csv"
    with start("--format", "csv", "--output", str(path)) as process:
        ends_at = time.monotonic() + 60
        while not any(name == "container" for name, _ in notes()):
            assert time.monotonic() < ends_at
            time.sleep(0.02)
        process.send_signal(number)
        out, errors = process.communicate(timeout=60)

    assert (process.returncode, out, errors) == (128 + number, "", "CommandError: interrupted\n")
    assert os.listdir(tmp_path) == []
    assert {state for *_, state in ends()} == {"incomplete: interrupted"}


@pytest.mark.django_db(transaction=True)
def test_a_full_disk_is_one_sentence_and_leaves_no_file(tmp_path):
    fill(3000)
    words = ("--format", "json", "--output", str(tmp_path / "logs.json"))
    with start(*words, preexec_fn=lambda: limited(1_000_000)) as process:
        out, errors = process.communicate(timeout=60)

    assert (process.returncode, out) == (1, "")
    assert errors.endswith(": File too large\n") or errors == "CommandError: File too large\n"
    assert len(errors.splitlines()) == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.django_db(transaction=True)
def test_a_process_writes_the_file_to_its_output():
    SessionLogFactory(session=SessionFactory(), timestamp=START)
    with start("--format", "txt", "--source", "session") as process:
        out, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (0, "")
    assert out.endswith("# 1 entries, complete\n")
