"""Container logs as one JSON file."""

import json
import stat
from datetime import timedelta

import pytest
from django.utils import timezone

from logsite.records import to_nanoseconds
from prodlogs.entries import json_file
from prodlogs.entries.json_file import save_entries
from tests.factories import ContainerFactory, ContainerLogEntryFactory, DockerHostFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def host():
    return DockerHostFactory(name="docker01")


@pytest.fixture
def since():
    return timezone.now() - timedelta(hours=1)


def write(container, message, **columns):
    moment = to_nanoseconds(timezone.now() - timedelta(minutes=5))
    return ContainerLogEntryFactory(
        container=container,
        container_name=container.name,
        message=message,
        **{"timestamp": moment, "level": ""} | columns,
    )


def test_the_file_has_the_named_shape(host, since, tmp_path):
    write(ContainerFactory(host=host, name="web"), "plain", raw_line="\x1b[31mplain\x1b[0m")

    path, number = save_entries([host], since, tmp_path / "logs.json")

    found = json.loads(path.read_text())
    [entry] = found["containers"]["web"]
    assert number == 1
    assert set(found) == {"timestamp", "collection_source", "containers"}
    assert found["collection_source"] == "production_ssh"
    assert set(entry) == {"container_name", "timestamp", "level", "message", "raw_line"}
    assert (entry["level"], entry["message"]) == (None, "plain")
    assert entry["raw_line"] == "\x1b[31mplain\x1b[0m"


def test_entries_are_in_order_of_time(host, since, tmp_path):
    web = ContainerFactory(host=host, name="web")
    now = to_nanoseconds(timezone.now())
    for number in (2, 0, 1):
        write(web, f"line {number}", timestamp=now + number)

    path, _ = save_entries([host], since, tmp_path / "logs.json")

    messages = [entry["message"] for entry in json.loads(path.read_text())["containers"]["web"]]
    assert messages == ["line 0", "line 1", "line 2"]


def test_a_silent_container_is_there_and_a_removed_silent_one_is_not(host, since, tmp_path):
    ContainerFactory(host=host, name="silent")
    ContainerFactory(host=host, name="gone", removed_at=timezone.now())

    path, _ = save_entries([host], since, tmp_path / "logs.json")

    assert json.loads(path.read_text())["containers"] == {"silent": []}


def test_texts_of_any_kind_survive(host, since, tmp_path):
    text = 'quotes " and \\ and \n newlines, ümläute, \u2028, 😀'
    write(ContainerFactory(host=host, name="web"), text)

    path, _ = save_entries([host], since, tmp_path / "logs.json")

    assert json.loads(path.read_text(encoding="utf-8"))["containers"]["web"][0]["message"] == text


def test_only_the_owner_may_read_the_file(host, since, tmp_path):
    path, _ = save_entries([host], since, tmp_path / "logs.json")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_finished_leaves_the_older_one(host, since, tmp_path, monkeypatch):
    path = tmp_path / "logs.json"
    path.write_text("older")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_entries([host], since, path)

    assert path.read_text() == "older"
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_name_it_goes_into_the_current_folder(host, since, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    path, _ = save_entries([host], since)

    assert path.parent == tmp_path
    assert path.name.startswith("production_logs_")
