"""What can be wrong with a host or a container: a clear error in each interface, and the others are read."""

import os
import pwd
import socket
from contextlib import ExitStack, contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from prodlogs.models import ContainerLogEntry, DockerHost
from tests.conftest import service_address
from tests.devices.openssh import openssh
from tests.prodlogs.conftest import Docker
from tests.prodlogs.keys import OTHER_HOST_KEY

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = {
    "hung": ("timeout", "hangs"),
    "wrong_key": ("authentication", "authorized_keys"),
    "changed_key": ("host_key", "changed"),
    "no_daemon": ("daemon", "start it on the host"),
    "no_permission": ("refused", "group docker"),
}


@pytest.fixture(scope="module")
def running():
    """A container that is to be read whatever happens elsewhere."""
    engine = Docker(service_address("LOGSITE_TEST_DOCKER"))
    engine.run("fail-good", "echo still here; exec sleep 600")
    yield engine
    engine.clean()


@contextmanager
def hung():
    """Takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {"port": server.getsockname()[1]}


@contextmanager
def no_daemon(ssh_host):
    with openssh(settings="SetEnv DOCKER_HOST=unix:///nowhere/docker.sock\n") as server:
        yield ssh_host(server, name="bad")


@contextmanager
def no_permission(ssh_host, engine):
    accounts = [each for each in pwd.getpwall() if each.pw_uid and each.pw_shell in ("/bin/sh", "/bin/bash")]
    if os.geteuid() or not accounts:
        pytest.skip("only root can start a server for another account, and there has to be one")
    with openssh(accounts[-1].pw_name, settings=f"SetEnv DOCKER_HOST={engine.address}\n") as server:
        yield ssh_host(server, name="bad")


@pytest.fixture(params=list(WORDS))
def bad(request, running, docker_sshd, ssh_host, settings):
    """A host with the fault, and what must be said of it."""
    with ExitStack() as stack:
        match request.param:
            case "hung":
                settings.PRODLOGS_CONNECT_TIMEOUT = 3.0
                host = ssh_host(docker_sshd, name="bad", **stack.enter_context(hung()))
            case "wrong_key":
                host = ssh_host(docker_sshd, name="bad", ssh_key=docker_sshd.stranger)
            case "changed_key":
                host = ssh_host(docker_sshd, name="bad", host_key=OTHER_HOST_KEY)
            case "no_daemon":
                host = stack.enter_context(no_daemon(ssh_host))
            case "no_permission":
                host = stack.enter_context(no_permission(ssh_host, running))
        yield host, *WORDS[request.param]


def test_the_command_names_the_host_and_reads_the_others(bad, docker_host):
    _, kind, words = bad
    out = StringIO()

    with pytest.raises(CommandError) as error:
        call_command("prodlogs", "logs", "24", stdout=out, stderr=StringIO())

    assert str(error.value).startswith("bad: ")
    assert words in str(error.value)
    assert "fail-good - still here" in out.getvalue()
    assert DockerHost.objects.get(name="bad").error_kind == kind


def test_the_api_says_so_with_the_kind(bad, docker_host, api, owner):
    host, kind, words = bad

    answer = api(owner).post(f"/api/v2/prodlogs/hosts/{host.pk}/collect/")

    assert answer.status_code == 502
    assert answer.json()["error_kind"] == kind
    assert words in answer.json()["error"]
    assert words in api(owner).get(f"/api/v2/prodlogs/hosts/{host.pk}/").json()["error_message"]


def test_the_admin_says_so_and_reads_the_others(bad, docker_host, browser, owner):
    host, _, words = bad
    chosen = {"action": "collect_now", "_selected_action": [host.pk, docker_host.pk]}

    page = browser(owner).post("/admin/prodlogs/dockerhost/", chosen).content.decode()

    assert words in page
    assert "fail-good" in page
    assert words in browser(owner).get("/admin/prodlogs/dockerhost/").content.decode()
    assert ContainerLogEntry.objects.filter(container_name="fail-good").exists()


def test_health_calls_it_unreachable(bad, docker_host, api, owner):
    _, kind, words = bad
    out = StringIO()

    with pytest.raises(CommandError, match="unreachable"):
        call_command("prodlogs", "health", stdout=out)

    assert f"bad: unreachable: {kind}: " in out.getvalue()
    assert words in out.getvalue()


# --- Containers --------------------------------------------------------------------------------------------


def test_a_container_without_a_readable_log_does_not_stop_the_others(
    running, docker, docker_host, api, owner
):
    docker.run("fail-none", "exec sleep 600", "--log-driver=none")
    out = StringIO()

    with pytest.raises(CommandError, match=r"/fail-none: .*does not support reading"):
        call_command("prodlogs", "logs", "24", stdout=out, stderr=StringIO())

    readings = api(owner).post(f"/api/v2/prodlogs/hosts/{docker_host.pk}/collect/").json()["readings"]
    kinds = {reading["container"]: reading["error_kind"] for reading in readings}
    assert "fail-good - still here" in out.getvalue()
    assert (kinds["fail-none"], kinds["fail-good"]) == ("driver", "")


def test_a_container_that_was_removed_keeps_its_entries_and_says_so(
    running, docker, docker_host, browser, owner
):
    docker.run("fail-gone", "echo last words; exec sleep 600")
    call_command("prodlogs", "container", "fail-gone", stdout=StringIO())
    docker.remove("fail-gone")

    with pytest.raises(CommandError, match=r"fail-gone was removed; what it wrote after .* is unknown"):
        call_command("prodlogs", "logs", "24", stdout=StringIO(), stderr=StringIO())

    out = StringIO()
    call_command("prodlogs", "container", "fail-gone", stdout=out, stderr=StringIO())
    page = browser(owner).get("/admin/prodlogs/logsnapshot/").content.decode()
    assert "last words" in out.getvalue()
    assert "container removed" in page
