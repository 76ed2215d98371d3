"""A key with our line against a real OpenSSH server: nothing but reading, whatever is sent past the client."""

import random
import shlex
import socket

import pytest

from prodlogs.docker.grammar import Ps, Stats, command_line
from prodlogs.hardening import selftest
from prodlogs.hardening.raw_access import Answer, TransportAccess
from prodlogs.hardening.wrapper import wrapper
from prodlogs.models import RemoteCommand
from tests.conftest import service_address
from tests.prodlogs.hardened import hardened
from tests.prodlogs.hostile import EVERYTHING, is_ours, random_command
from tests.prodlogs.wrapped import Wrapped


@pytest.fixture(scope="module")
def wrapped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wrapped")
    return Wrapped(folder)


@pytest.fixture(scope="module")
def server(wrapped):
    """Behind its wrapper there is no Docker, only what notes that it was called."""
    with hardened(wrapped.script) as host:
        yield host


@pytest.fixture
def access(server, wrapped):
    wrapped.calls()
    transport = server.connect(server.key)
    yield TransportAccess(transport)
    transport.close()


@pytest.fixture
def open_access(server):
    """With the same server's other key, which no line restricts."""
    transport = server.connect(server.open_key)
    yield TransportAccess(transport)
    transport.close()


@pytest.fixture
def listening(tmp_path):
    """A socket that takes connections, as Docker's does."""
    path = tmp_path / "some.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        yield str(path)


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock.getsockname()[1]


def test_every_hostile_command_line_that_goes_past_the_client_is_refused(access, wrapped):
    asked = [line for line in EVERYTHING if "\0" not in line]
    assert [line for line in asked if not selftest.by_wrapper(access.exec(line))] == []
    assert wrapped.calls() == []


def test_what_stands_behind_a_nul_reaches_nobody(server, wrapped):
    """OpenSSH ends the connection over a NUL, or takes it away where it is the last character."""
    for line in (line for line in EVERYTHING if "\0" in line):
        wrapped.calls()
        transport = server.connect(server.key)
        answer = TransportAccess(transport).exec(line)
        transport.close()
        if line.endswith("\0") and is_ours(line[:-1]):
            assert [["docker", *words] for words, _ in wrapped.calls()] == [shlex.split(line[:-1])]
        else:
            assert answer.lost or selftest.by_wrapper(answer)
            assert wrapped.calls() == []


def test_what_the_client_writes_reaches_docker_word_for_word(access, wrapped):
    chance = random.Random(5)
    for command in [Ps(), Stats(), *(random_command(chance) for _ in range(30))]:
        answer = access.exec(command_line(command))
        assert (answer.exit_code, answer.stdout, answer.stderr) == (7, b"from docker\n", b"and on stderr\n")
        assert [words for words, _ in wrapped.calls()] == [command.argv()[1:]]


def test_variables_that_the_server_takes_reach_no_docker(access, wrapped):
    access.exec(command_line(Ps()), {"DOCKER_HOST": "tcp://192.0.2.1:1", "LC_ALL": "C.UTF-8", "XYZ": "1"})
    [(_, environment)] = wrapped.calls()
    assert not {"DOCKER_HOST", "XYZ", "HOME", "USER", "SSH_CONNECTION"} & set(environment)


def test_a_command_that_does_not_end_is_no_proof(server):
    transport = server.connect(server.open_key)
    answer = TransportAccess(transport, timeout=0.5).exec("sleep 3")
    transport.close()
    assert (answer.exit_code, answer.reason, answer.lost) == (None, "no end within 0.5 s", False)
    assert not selftest.by_wrapper(answer)


def test_a_connection_that_broke_proves_nothing(server):
    transport = server.connect(server.key)
    access = TransportAccess(transport)
    transport.close()
    outcomes = selftest.examine(access, lambda attempt: lambda outcome: None)
    assert {outcome.passed for outcome in outcomes} == {False}


def test_no_shell_starts(access, open_access):
    assert selftest.by_wrapper(access.request("shell", program=True))
    assert open_access.request("shell", program=True).exit_code == 0


def test_no_sftp_starts(access, open_access):
    """OpenSSH does not pass on what a subsystem's program writes to stderr."""
    answer = access.request("subsystem", "sftp", program=True)
    assert (answer.exit_code, answer.stdout) == (126, b"")
    assert open_access.request("subsystem", "sftp", program=True).exit_code == 0


def test_no_terminal(access, open_access):
    terminal = ("pty-req", "xterm", 80, 24, 0, 0, "")
    assert not access.request(*terminal).granted
    assert open_access.request(*terminal).granted


def test_the_host_refuses_agent_forwarding(access, open_access):
    assert not access.request("auth-agent-req@openssh.com").granted
    assert open_access.request("auth-agent-req@openssh.com").granted


def test_no_x11_forwarding(access):
    assert not access.request("x11-req", False, "MIT-MAGIC-COOKIE-1", "0" * 32, 0).granted


def test_no_port_is_forwarded(access, open_access, port):
    channel = ("direct-tcpip", "127.0.0.1", port, "127.0.0.1", 0)
    assert access.open_channel(*channel).code == 1  # administratively prohibited
    assert open_access.open_channel(*channel).granted


def test_no_port_of_the_host_is_opened(access, open_access):
    assert not access.listen().granted
    assert open_access.listen().granted


def test_no_socket_is_forwarded(access, open_access, listening):
    channel = ("direct-streamlocal@openssh.com", listening, "", 0)
    assert not access.open_channel(*channel).granted
    assert open_access.open_channel(*channel).granted


@pytest.mark.service("docker")
def test_opensshs_own_client_reaches_dockers_socket_with_an_open_key_only(server, service):
    """`command=` is no help against it: a forwarding runs no command."""
    path = service("LOGSITE_TEST_DOCKER").removeprefix("unix://")
    with server.forwarded(server.open_key, path) as tunnel:
        assert ping(tunnel).endswith(b"OK")
    with server.forwarded(server.key, path) as tunnel:
        assert ping(tunnel) == b""


@pytest.mark.service("docker")
def test_command_alone_leaves_the_socket_open(server, service):
    """Why the line begins with `restrict`."""
    path = service("LOGSITE_TEST_DOCKER").removeprefix("unix://")
    keys = server.server.folder / "authorized_keys"
    before = keys.read_text()
    keys.write_text(before.replace("restrict,", ""))
    try:
        with server.forwarded(server.key, path) as tunnel:
            assert ping(tunnel).endswith(b"OK")
    finally:
        keys.write_text(before)


def ping(path):
    """What Docker answers to its simplest request; nothing where the connection is closed."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(30)
        sock.connect(str(path))
        try:
            sock.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: sock.recv(4096), b""))
        except (BrokenPipeError, ConnectionResetError):
            return b""


@pytest.fixture(scope="module")
def docker_server(tmp_path_factory):
    """The engine of the tests behind a wrapper; sessions without it get the engine by the environment."""
    address = service_address("LOGSITE_TEST_DOCKER")
    script = tmp_path_factory.mktemp("wrapper") / "logsite-docker-read"
    script.write_text(wrapper(docker_host=address))
    script.chmod(0o755)
    with hardened(script, DOCKER_HOST=address) as host:
        yield host


@pytest.fixture
def sockets(service):
    return [service("LOGSITE_TEST_DOCKER").removeprefix("unix://")]


@pytest.mark.service("docker")
@pytest.mark.django_db(transaction=True)
def test_a_hardened_host_passes_and_all_of_it_is_in_the_audit(ssh_host, docker_server, docker, sockets):
    docker.run("grammar-web", "echo hello; sleep 600")
    seen = []
    host = ssh_host(docker_server)
    outcomes = selftest.run(host, user="owner", sockets=sockets, report=seen.append)
    assert [outcome for outcome in outcomes if not outcome.passed] == []
    assert selftest.passed(outcomes)
    assert seen == outcomes
    assert {outcome.name for outcome in outcomes if not outcome.hostile} == {
        "docker ps",
        "docker inspect",
        "docker logs",
        "docker stats",
        "environment",
    }
    rows = list(RemoteCommand.objects.order_by("id"))
    assert [(row.argv, row.denied, row.exit_code) for row in rows] == [
        ([outcome.tried], outcome.hostile, outcome.exit_code) for outcome in outcomes
    ]
    assert {(row.user, row.via) for row in rows} == {("owner", "selftest")}
    assert all(row.host_key_fingerprint and row.key_fingerprint and row.duration_ms for row in rows)


@pytest.mark.service("docker")
@pytest.mark.django_db(transaction=True)
def test_a_host_whose_key_is_open_fails_each_proof_and_is_not_harmed(
    ssh_host, docker_server, docker, sockets
):
    identity = docker.run("grammar-web", "echo hello; sleep 600")
    outcomes = selftest.run(ssh_host(docker_server, ssh_key=docker_server.open_key), sockets=sockets)
    refused = {outcome.name for outcome in outcomes if outcome.hostile and outcome.refused}
    assert refused <= {"X11 forwarding"}  # needs xauth on the host
    assert not selftest.passed(outcomes)
    assert docker.cli("inspect", "--format={{.Id}} {{.State.Running}}", "grammar-web") == f"{identity} true"


@pytest.mark.parametrize(
    ("answer", "proof"),
    [
        (Answer(granted=True, exit_code=126, stderr=b"logsite-docker-read: refused: why\n"), True),
        (Answer(granted=True, exit_code=126, stderr=b"rc file\nlogsite-docker-read: refused: why\n"), True),
        (Answer(granted=False, reason="administratively prohibited"), True),
        (Answer(granted=True, exit_code=126, stderr=b"sh: docker: Permission denied\n"), False),
        (Answer(granted=True, exit_code=1, stderr=b"Error: No such container\n"), False),
        (
            Answer(granted=True, exit_code=126, stdout=b"x", stderr=b"logsite-docker-read: refused: why\n"),
            False,
        ),
        (Answer(granted=True, exit_code=None, stderr=b"logsite-docker-read: refused: why\n"), False),
        (Answer(granted=False, lost=True), False),
    ],
)
def test_only_the_wrappers_own_refusal_is_a_proof(answer, proof):
    assert selftest.by_wrapper(answer) is proof


def test_nothing_attempted_could_harm_a_container():
    for attempt in selftest.attempts():
        words = attempt.tried.split()
        if words[:1] == ["docker"] and words[1] in ("exec", "stop", "kill", "rm", "run", "attach", "cp"):
            assert selftest.NOBODY in attempt.tried


def test_there_are_enough_attempts_and_each_has_a_name_of_its_own():
    names = [attempt.name for attempt in selftest.attempts()]
    assert len(names) == len(set(names)) >= 60


def test_nothing_is_proven_by_nothing():
    assert not selftest.passed([])
