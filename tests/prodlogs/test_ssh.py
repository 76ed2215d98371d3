"""Logging in to a host: with a real OpenSSH server, and with hosts that hang, trickle or lie."""

import logging
import signal
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from logsite.ssh.host_keys import fingerprint
from prodlogs.errors import HostError
from prodlogs.models import DockerHost, ErrorKind
from prodlogs.ssh import login
from prodlogs.ssh.login import connect
from tests.devices.emulator import private_key
from tests.devices.openssh import PASSPHRASE, openssh
from tests.factories import DockerHostFactory
from tests.prodlogs.conftest import processes_of, send_to_each
from tests.prodlogs.keys import generated

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def server():
    with openssh() as running:
        yield running


@contextmanager
def service(behave):
    """The port of a server that does `behave(client)` with each client."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            clients.append(threading.Thread(target=attend, args=(client,), daemon=True))
            clients[-1].start()

    def attend(client):
        with client, suppress(OSError):
            behave(client)

    clients: list[threading.Thread] = []
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for each in (thread, *clients):
            each.join(120)


def local(port, **columns):
    return DockerHostFactory(address="127.0.0.1", port=port, ssh_key=private_key()[1], **columns)


def failure(host, timeout=5.0):
    """The error of connecting, and the seconds until it came."""
    began = time.monotonic()
    with pytest.raises(HostError) as caught:
        connect(host, timeout)
    return caught.value, time.monotonic() - began


# --- in ---------------------------------------------------------------------------------------------------


def test_a_login_by_key(server, ssh_host):
    with connect(ssh_host(server)) as connection:
        assert connection.active
        assert connection.host_key_fingerprint == fingerprint(server.host_key)


def test_a_login_by_a_key_with_a_passphrase(server, ssh_host):
    host = ssh_host(server, ssh_key=server.locked_key, ssh_key_passphrase=PASSPHRASE)

    with connect(host) as connection:
        assert connection.active


def test_small_answers_do_not_wait_for_acknowledgements(server, ssh_host):
    with connect(ssh_host(server)) as connection:
        sock = connection._transport.sock
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_the_keys_of_an_agent_are_not_tried(server, ssh_host, tmp_path, monkeypatch):
    path = str(tmp_path / "agent")
    monkeypatch.setenv("SSH_AUTH_SOCK", path)
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(path)
        agent.listen()
        agent.setblocking(False)

        error, _ = failure(ssh_host(server, ssh_key=server.stranger))

        with pytest.raises(BlockingIOError):  # nobody has knocked
            agent.accept()
    assert error.kind == ErrorKind.AUTHENTICATION


def test_a_connection_does_not_show_secrets(server, ssh_host):
    host = ssh_host(server)

    with connect(host) as connection:
        assert repr(connection) == f"<HostConnection: {host.name}>"


# --- not in -----------------------------------------------------------------------------------------------


def test_a_key_that_is_not_let_in(server, ssh_host):
    error, _ = failure(ssh_host(server, ssh_key=server.stranger))

    assert error.kind == ErrorKind.AUTHENTICATION
    assert "the host refused the key SHA256:" in str(error)
    assert "authorized_keys" in str(error)


def test_a_host_whose_key_is_not_known_learns_nothing_of_us(ssh_host):
    """Not even the user's name: the key is compared before the login begins."""
    with openssh(settings="LogLevel VERBOSE\n") as server:
        error, _ = failure(ssh_host(server, host_key=""))
        log = server.stop()

    assert error.kind == ErrorKind.HOST_KEY
    assert "Connection from 127.0.0.1" in log
    assert f"user {server.username}" not in log


def test_a_host_whose_key_has_changed(server, ssh_host):
    other = private_key()[0]
    accepted = f"{other.get_name()} {other.get_base64()}"
    host = ssh_host(server, host_key=accepted)

    error, _ = failure(host)

    assert error.kind == ErrorKind.HOST_KEY
    assert fingerprint(accepted) in str(error)
    assert fingerprint(server.host_key) in str(error)
    assert DockerHost.objects.get(pk=host.pk).offered_host_key == server.host_key


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_host_of_several_keys_shows_the_accepted_one(ssh_host, several_keys, kind):
    server, keys = several_keys

    with connect(ssh_host(server, host_key=keys[kind])) as connection:
        assert connection.host_key_fingerprint == fingerprint(keys[kind])


@pytest.fixture(scope="module")
def several_keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("host-keys")
    # Beside the ECDSA key that the server has anyway.
    more = {"ed25519": generated("ed25519"), "rsa": generated("rsa", "-b", "2048")}
    for kind, made in more.items():
        (folder / kind).write_text(made.private)
        (folder / kind).chmod(0o600)
    texts = {kind: " ".join(made.public.split()[:2]) for kind, made in more.items()}
    with openssh(settings="".join(f"HostKey {folder}/{kind}\n" for kind in more)) as server:
        yield server, {**texts, "ecdsa": server.host_key}


# --- no host ----------------------------------------------------------------------------------------------


def test_a_port_where_nobody_listens():
    error, seconds = failure(local(1))

    assert error.kind == ErrorKind.CONNECTION
    assert "Connection refused" in str(error)
    assert seconds < 5  # the time it was given


def test_a_name_that_is_none():
    error, _ = failure(DockerHostFactory(address="no-such-host.invalid", ssh_key=private_key()[1]))

    assert error.kind == ErrorKind.CONNECTION
    assert "no-such-host.invalid cannot be found" in str(error)


def test_a_name_lookup_that_hangs(monkeypatch):
    """No name server of ours can be made to hang for this process alone."""
    released = threading.Event()
    monkeypatch.setattr(login.socket, "getaddrinfo", lambda *args, **options: released.wait(20) and [])

    error, seconds = failure(local(22), timeout=0.3)
    released.set()

    assert (error.kind, seconds < 15) == (ErrorKind.TIMEOUT, True)


def silent(client):
    while client.recv(4096):  # until the other side hangs up
        pass


def trickling(client):
    """A banner that never ends, a byte at a time."""
    for byte in b"SSH-2.0-" + b"x" * 200:
        client.send(bytes([byte]))
        time.sleep(0.05)


def chattering(client):
    """Line after line before the banner, as a server may."""
    while True:
        client.send(b"one moment please\r\n")
        time.sleep(0.05)


def banner_only(client):
    client.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    while client.recv(4096):
        pass


@pytest.mark.parametrize("behave", [silent, trickling, chattering, banner_only])
def test_a_host_that_hangs_is_left_within_the_time(behave):
    with service(behave) as port:
        error, seconds = failure(local(port), timeout=0.5)

    assert error.kind == ErrorKind.TIMEOUT
    assert "within 0.5 s" in str(error)
    assert seconds < 12  # Paramiko's own limit for a banner is 15 s


def test_a_service_that_is_no_ssh():
    def http(client):
        client.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        client.close()

    with service(http) as port:
        error, _ = failure(local(port))

    assert error.kind == ErrorKind.CONNECTION


def test_a_host_that_hangs_in_the_login(ssh_host, monkeypatch):
    """After the key exchange sshd's processes stand still, as on a machine that swaps."""
    with openssh() as server:
        log_in = login._Login._log_in

        def standing_still(login, transport, key):
            stopped = processes_of(server.pid)
            send_to_each(stopped, signal.SIGSTOP)
            try:
                log_in(login, transport, key)
            finally:
                send_to_each(stopped, signal.SIGCONT)

        monkeypatch.setattr(login._Login, "_log_in", standing_still)
        error, seconds = failure(ssh_host(server), timeout=1.0)

    assert error.kind == ErrorKind.TIMEOUT
    assert "did not answer the login" in str(error)
    assert seconds < 20  # Paramiko's own limit for a login is 30 s


def test_no_failure_is_logged_with_the_key(server, ssh_host, caplog):
    caplog.set_level(logging.DEBUG)

    error, _ = failure(ssh_host(server, ssh_key=server.stranger))

    body = server.stranger.splitlines()[1]
    assert body not in caplog.text
    assert body not in str(error)
