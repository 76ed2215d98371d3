"""`LogInterface` and `ProductionLogCollector`, from Python."""

import json
import time

import pytest

from logsite.tables.nanoseconds import from_rfc3339
from prodlogs import LogInterface, ProductionLogCollector
from prodlogs.log_interface import get_production_errors, get_production_logs, save_production_logs
from prodlogs.models import RemoteCommand
from tests.conftest import service_address
from tests.factories import DockerHostFactory
from tests.prodlogs.conftest import Docker

pytestmark = pytest.mark.django_db(transaction=True)
ENTRY = {"container_name", "timestamp", "level", "message", "raw_line"}


@pytest.fixture(scope="module")
def running():
    """A container that has said two things, one of them bad."""
    engine = Docker(service_address("LOGSITE_TEST_DOCKER"))
    engine.run("li-web", "echo 'INFO fine'; echo 'ERROR bad' >&2; sleep 600")
    yield engine
    engine.clean()


@pytest.fixture
def web(running, docker_host):
    """Its host."""
    return docker_host


def test_the_containers(web):
    [found] = [row for row in ProductionLogCollector().get_container_list() if row["name"] == "li-web"]

    assert found["host"] == web.name
    assert found["state"] == "running"
    assert "li-web" in LogInterface(web.name).get_containers()


def test_the_logs_of_one_container(web):
    entries = LogInterface(web.name).get_logs("li-web", hours=1)

    assert {frozenset(entry) for entry in entries} == {frozenset(ENTRY)}
    assert sorted(entry["message"] for entry in entries) == ["ERROR bad", "INFO fine"]
    assert ProductionLogCollector(web.name).get_logs_from_container("li-web", 1) == entries


def test_the_logs_of_all_containers(web):
    assert len(LogInterface(web.name).get_recent_logs(hours=1)["li-web"]) == 2
    assert len(get_production_logs(hours=1)["li-web"]) == 2
    assert len(ProductionLogCollector().get_logs_from_all_containers(1)["li-web"]) == 2


def test_errors_only(web):
    [entry] = LogInterface(web.name).get_recent_errors(hours=24)["li-web"]

    assert (entry["level"], entry["message"]) == ("ERROR", "ERROR bad")
    assert get_production_errors(hours=24)["li-web"] == [entry]
    assert ProductionLogCollector().get_error_logs_only(24)["li-web"] == [entry]


def test_the_error_summary(web):
    assert LogInterface(web.name).get_error_summary(hours=24)["error_breakdown"]["li-web"]["error_count"] == 1


def test_saving(web, tmp_path):
    path = LogInterface(web.name).save_all_logs(24, tmp_path / "logs.json")

    assert len(json.loads((tmp_path / "logs.json").read_text())["containers"]["li-web"]) == 2
    assert path == str(tmp_path / "logs.json")
    assert save_production_logs(filename=tmp_path / "again.json") == str(tmp_path / "again.json")


def test_saving_asks_for_a_file_it_can_write_before_it_reads(web, tmp_path):
    with pytest.raises(OSError, match="there is no directory"):
        LogInterface(web.name).save_all_logs(filename=tmp_path / "missing" / "logs.json")

    assert not RemoteCommand.objects.exists()


def test_health(web):
    assert LogInterface(web.name).health()["hosts"][0]["host"] == web.name
    assert ProductionLogCollector(web.name).health_check()["status"] in ("healthy", "degraded")


def test_what_was_written_before_the_first_reading_s_window_is_read_when_asked_for(docker, docker_host):
    docker.run("li-old", "echo first; sleep 1.5; echo second; touch /written; sleep 600")
    docker.cli("exec", "li-old", "sh", "-c", "until [ -e /written ]; do sleep 0.05; done")
    logs = LogInterface(docker_host.name)
    first = from_rfc3339(docker.cli("logs", "--timestamps", "li-old").split()[0])
    since_then = (time.time_ns() - first) / 3.6e12  # hours
    a_moment_less = since_then - 0.1 / 3600

    assert [entry["message"] for entry in logs.get_logs("li-old", hours=a_moment_less)] == ["second"]
    assert [entry["message"] for entry in logs.get_logs("li-old", hours=1)] == ["first", "second"]


def test_a_failed_collection_is_a_runtime_error_that_names_the_host(db):
    DockerHostFactory(name="dead", address="127.0.0.1", port=1)

    with pytest.raises(RuntimeError, match=r"^dead: "):
        LogInterface("dead").get_recent_logs()


def test_what_could_be_read_is_there_all_the_same(web):
    DockerHostFactory(name="dead", address="127.0.0.1", port=1)
    logs = LogInterface(strict=False)

    assert len(logs.get_recent_logs()["li-web"]) == 2
    assert [failure.partition(":")[0] for failure in logs.collector.failures] == ["dead"]


def test_a_container_that_could_not_be_looked_for_is_not_said_to_be_absent(db):
    DockerHostFactory(name="dead", address="127.0.0.1", port=1)
    logs = LogInterface("dead", strict=False)

    assert logs.get_logs("web") == []
    assert [failure.partition(":")[0] for failure in logs.collector.failures] == ["dead"]


def test_bad_configuration_is_a_value_error(db):
    with pytest.raises(ValueError, match="no Docker host is defined"):
        LogInterface()


def test_the_environment_defines_a_host(docker, docker_sshd, settings, tmp_path):
    key = tmp_path / "key"
    key.write_text(docker_sshd.key)
    settings.PRODLOGS_HOST = f"{docker_sshd.host}:{docker_sshd.port}"
    settings.PRODLOGS_USER = docker_sshd.username
    settings.PRODLOGS_SSH_KEY = str(key)
    settings.PRODLOGS_HOST_KEY = docker_sshd.host_key
    docker.run("li-env", "echo hello; sleep 600")

    assert [entry["message"] for entry in LogInterface().get_logs("li-env")] == ["hello"]


@pytest.mark.parametrize("hours", [0, -2, "1", None])
def test_hours_that_are_none_are_a_value_error(web, hours):
    with pytest.raises(ValueError, match="hours: "):
        LogInterface().get_recent_logs(hours)
