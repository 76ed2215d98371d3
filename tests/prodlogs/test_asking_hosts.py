"""What the API and the admin do with a real host: collecting now, asking for its health, accepting its key."""

import threading
from contextlib import contextmanager

import pytest
from django.db import connection

from prodlogs.models import ContainerLogEntry, DockerHost, RemoteCommand
from prodlogs.ssh import reader_lock
from prodlogs.ssh.reader_lock import reading
from tests.factories import DockerHostFactory
from tests.prodlogs.keys import OTHER_HOST_KEY

pytestmark = pytest.mark.django_db
API, ADMIN = "/api/v2/prodlogs/", "/admin/prodlogs/dockerhost/"


@pytest.fixture
def web(docker):
    """A container that wrote two lines and ended well."""
    docker.run("web-pages", "echo up; echo ERROR down >&2")
    docker.wait("web-pages")


@pytest.fixture
def gone(docker_host):
    """Nobody listens at the address."""
    DockerHost.objects.filter(pk=docker_host.pk).update(port=9)
    return docker_host


@pytest.fixture
def changed(docker_host):
    """The host shows another key than the accepted one."""
    DockerHost.objects.filter(pk=docker_host.pk).update(host_key=OTHER_HOST_KEY)
    return docker_host


@contextmanager
def read_elsewhere(host):
    """Another reader is at the host: a thread with a connection of its own."""
    begun, done = threading.Event(), threading.Event()

    def read():
        with reading(host) as free:
            assert free
            begun.set()
            done.wait(120)
        connection.close()

    thread = threading.Thread(target=read)
    thread.start()
    assert begun.wait(120)
    try:
        yield
    finally:
        done.set()
        thread.join()


def collect(client, host, **body):
    return client.post(f"{API}hosts/{host.pk}/collect/", {"containers": ["web-pages"], **body})


# --- The API --------------------------------------------------------------------------------------------------------


def test_a_collection_over_the_api_says_what_came(api, owner, web, docker_host):
    answer = collect(api(owner), docker_host)
    assert answer.status_code == 200, answer.content
    [found] = answer.json()["readings"]
    assert (found["container"], found["status"], found["lines"], found["gaps"]) == (
        "web-pages",
        "complete",
        2,
        [],
    )
    assert api(owner).get(f"{API}snapshots/{found['snapshot']}/").json()["entries"] == 2


def test_what_was_collected_is_in_the_lists(api, owner, web, docker_host):
    collect(api(owner), docker_host)
    [error] = api(owner).get(f"{API}errors/", {"host": docker_host.name}).json()["results"]
    assert (error["message"], error["stream"], error["level"]) == ("ERROR down", "stderr", "ERROR")


def test_who_collected_is_on_record(api, owner, web, docker_host):
    collect(api(owner), docker_host)
    assert set(RemoteCommand.objects.values_list("user", "via")) == {("owner", "api")}


def test_two_readers_do_not_meet(api, owner, web, docker_host, monkeypatch):
    monkeypatch.setattr(reader_lock, "PATIENCE", 0.2)
    with read_elsewhere(docker_host):
        answer = collect(api(owner), docker_host)
    assert (answer.status_code, answer.json()) == (
        409,
        {"detail": f"{docker_host.name}: another process is reading this host"},
    )
    assert not ContainerLogEntry.objects.exists()


def test_a_host_that_is_not_enabled_is_not_read(api, owner, docker_host):
    DockerHost.objects.update(enabled=False)
    answer = collect(api(owner), docker_host)
    assert (answer.status_code, answer.json()["detail"]) == (409, f"{docker_host.name} is not enabled")


def test_a_host_that_does_not_answer_is_a_bad_gateway(api, owner, gone):
    answer = collect(api(owner), gone)
    assert (answer.status_code, answer.json()["error_kind"]) == (502, "connection")
    assert gone.name in answer.json()["error"]


def test_a_changed_key_is_a_bad_gateway_that_names_the_kind(api, owner, changed):
    answer = collect(api(owner), changed)
    assert (answer.status_code, answer.json()["error_kind"]) == (502, "host_key")


def test_a_container_that_is_not_there_is_named(api, owner, docker_host, docker):
    answer = collect(api(owner), docker_host, containers=["nowhere-at-all"])
    assert answer.json()["missing"] == ["nowhere-at-all"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"since": "yesterday"}, "since"),
        ({"containers": "web"}, "containers"),
        ({"container": ["web"]}, "container"),
    ],
)
def test_a_collection_with_a_mistake_is_refused_by_name(api, owner, docker_host, body, field):
    answer = collect(api(owner), docker_host, **body)
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_health_asked_now_is_what_the_host_says_now(api, owner, docker, docker_host):
    docker.run("web-broken", "exit 3")
    docker.wait("web-broken")
    found = api(owner).get(f"{API}health/", {"live": "true"}).json()
    assert found["status"] == "degraded", found
    assert "web-broken: exited with code 3" in found["hosts"][0]["problems"]
    assert found["hosts"][0]["checked_at"] is not None


def test_a_key_is_accepted_and_then_good_for_reading(api, owner, web, changed):
    collect(api(owner), changed)
    shown = api(owner).get(f"{API}hosts/{changed.pk}/").json()["offered_host_key_fingerprint"]
    answer = api(owner).post(f"{API}hosts/{changed.pk}/accept-host-key/", {"fingerprint": shown})
    assert answer.status_code == 200, answer.content
    assert collect(api(owner), changed).status_code == 200


FAILURES = {
    "permission denied": (
        "echo 'permission denied while trying to connect to the Docker daemon socket' >&2; exit 1",
        "refused",
    ),
    "daemon stopped": (
        "echo 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?' "
        ">&2; exit 1",
        "daemon",
    ),
    "hung": ("sleep 60", "timeout"),
    "no docker": ("exit 127", "configuration"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_each_failure_is_told_over_the_api_and_in_the_admin(api, browser, owner, scripted, settings, failure):
    script, kind = FAILURES[failure]
    if failure == "hung":
        settings.PRODLOGS_DEADLINE = 0.5
    scripted.docker(script)
    answer = collect(api(owner), scripted.row)
    assert answer.status_code == 502, answer.content
    assert scripted.row.name in answer.json()["error"]
    assert answer.json()["error_kind"] == kind
    text = text_of(browser(owner).post(f"{ADMIN}{scripted.row.pk}/collect/"))
    assert "errornote" in text
    assert "failed</span>" in text


# --- The admin ------------------------------------------------------------------------------------------------------


def text_of(answer):
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_collect_now_reports_each_container(browser, owner, docker, docker_host, web):
    docker.run("web-unlogged", "echo unseen", "--log-driver=none")
    docker.wait("web-unlogged")
    text = text_of(browser(owner).post(f"{ADMIN}{docker_host.pk}/collect/"))
    assert "web-pages" in text
    assert ">complete</span>" in text
    assert "web-unlogged" in text
    assert ">failed</span>" in text
    assert ContainerLogEntry.objects.filter(container_name="web-pages").count() == 2


def test_the_action_collects_the_chosen_hosts_and_reports_the_one_that_failed(
    browser, owner, web, docker_host
):
    gone = DockerHostFactory(name="gone", address="127.0.0.1", port=9, ssh_key=docker_host.ssh_key)
    chosen = {"action": "collect_now", "_selected_action": [gone.pk]}
    text = text_of(browser(owner).post(ADMIN, chosen))
    assert "errornote" in text
    assert "gone" in text


@pytest.mark.django_db(transaction=True)
def test_a_host_that_failed_does_not_stop_the_others(browser, owner, web, docker_host):
    gone = DockerHostFactory(name="gone", address="127.0.0.1", port=9, ssh_key=docker_host.ssh_key)
    chosen = {"action": "collect_now", "_selected_action": [gone.pk, docker_host.pk]}
    text = text_of(browser(owner).post(ADMIN, chosen))
    assert "errornote" in text
    assert "web-pages" in text
    assert ContainerLogEntry.objects.filter(container_name="web-pages").count() == 2


def test_a_host_that_is_read_already_says_so(browser, owner, docker_host, monkeypatch):
    monkeypatch.setattr(reader_lock, "PATIENCE", 0.2)
    with read_elsewhere(docker_host):
        assert "another process is reading" in text_of(
            browser(owner).post(f"{ADMIN}{docker_host.pk}/collect/")
        )


def test_health_is_shown_with_its_problems(browser, owner, docker, docker_host):
    docker.run("web-broken", "exit 3")
    docker.wait("web-broken")
    text = text_of(browser(owner).post(f"{ADMIN}{docker_host.pk}/check-health/"))
    assert "degraded</span>" in text
    assert "web-broken: exited with code 3" in text


def test_the_health_of_a_host_that_is_gone_says_why(browser, owner, gone):
    text = text_of(browser(owner).post(f"{ADMIN}{gone.pk}/check-health/"))
    assert "unreachable</span>" in text
    assert "errornote" in text


def test_a_changed_key_shows_on_the_list_and_can_be_accepted(browser, owner, changed):
    report = text_of(browser(owner).post(f"{ADMIN}{changed.pk}/collect/"))
    assert f'href="{ADMIN}{changed.pk}/accept-host-key/"' in report
    assert "changed</span>" in text_of(browser(owner).get(ADMIN))
    page = browser(owner).get(f"{ADMIN}{changed.pk}/accept-host-key/")
    browser(owner).post(f"{ADMIN}{changed.pk}/accept-host-key/", {"fingerprint": page.context["offered"]})
    host = DockerHost.objects.get()
    assert (host.offered_host_key, host.host_key == OTHER_HOST_KEY) == ("", False)
