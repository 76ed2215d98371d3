"""Following: what a container writes is in the database soon after, over one connection, whatever happens."""

import threading

import pytest
from django.db import connection

from logsite.ssh.host_keys import fingerprint
from prodlogs.errors import ConfigurationError
from prodlogs.hosts.host_keys import accept
from prodlogs.models import ContainerLogEntry, DockerHost, ErrorKind, LogSnapshot, RemoteCommand, SnapshotKind
from prodlogs.reading import following as module
from prodlogs.reading.following import follow
from prodlogs.reading.host_reading import collect_host
from prodlogs.ssh.reader_lock import reading
from tests.prodlogs.keys import private_key

pytestmark = pytest.mark.django_db(transaction=True)
WRITER = "i=0; while true; do echo line $i; i=$((i+1)); usleep 100000; done"


class Following:
    """`follow` in a thread, which ends when `until(results)` is true."""

    def __init__(self, hosts, until, containers=None):
        self.results, self.stop, self._until = [], threading.Event(), until
        self._thread = threading.Thread(target=self._run, args=(hosts, containers))
        self._thread.start()

    def _run(self, hosts, containers):
        find = hosts if callable(hosts) else lambda: hosts
        follow(find, user="netops", interval=0.2, stop=self.stop, report=self._report, containers=containers)
        connection.close()

    def _report(self, result):
        self.results.append(result)
        if self._until(self.results):
            self.stop.set()

    def join(self):
        self._thread.join(150)  # a pass takes seconds on a busy machine
        self.stop.set()
        assert not self._thread.is_alive()
        return self.results


def lines_of(results):
    return sum(reading.lines for result in results for reading in result.readings)


def with_lines(results):
    return [result for result in results if lines_of([result])]


def readings_of(container, results):
    return [reading for result in results for reading in result.readings if reading.container == container]


def test_new_lines_come_in_while_the_container_writes(docker, docker_host):
    docker.run("engine-follow", WRITER)

    def until(results):
        return lines_of(results) > 20 and len(with_lines(results)) > 3

    results = Following([docker_host], until, ["engine-follow"]).join()

    assert all(result.ok for result in results)
    assert len(with_lines(results)) > 3
    numbers = [int(text.split()[1]) for text in _messages()]
    assert numbers == list(range(len(numbers)))
    assert len(numbers) >= 20


def test_one_snapshot_is_extended_over_one_connection(docker, docker_host):
    docker.run("engine-follow", WRITER)

    Following([docker_host], lambda found: lines_of(found) > 10, ["engine-follow"]).join()

    snapshot = LogSnapshot.objects.get()
    assert (snapshot.kind, snapshot.started_by, snapshot.status) == (
        SnapshotKind.FOLLOW,
        "netops",
        "complete",
    )
    assert snapshot.entries == ContainerLogEntry.objects.count()
    assert snapshot.lines >= snapshot.entries
    assert set(RemoteCommand.objects.values_list("via", "error_kind")) == {("follow", "")}


def test_a_container_that_rests_is_not_asked_again(docker, docker_host):
    docker.run("engine-rest", "echo done")
    docker.wait("engine-rest")

    Following([docker_host], lambda found: len(found) == 5, ["engine-rest"]).join()

    asked = [argv for argv in RemoteCommand.objects.values_list("argv", flat=True) if argv[1] == "logs"]
    assert len(asked) == 3  # two readings, and the newest line as the proof of the first
    assert _messages() == ["done"]


def test_a_container_that_is_removed_is_on_record_once(docker, docker_host):
    docker.run("engine-gone", "echo last words; sleep 600")
    since_removal = []

    def until(results):
        if since_removal:
            since_removal.append(results[-1])
        elif any(reading.lines for reading in readings_of("engine-gone", results)):
            docker.remove("engine-gone")
            since_removal.append(results[-1])
        return len(since_removal) == 5

    results = Following([docker_host], until).join()

    said = readings_of("engine-gone", results)
    removed = [reading for reading in said if reading.error_kind == ErrorKind.REMOVED]
    assert len([reading for reading in removed if "was removed" in reading.error]) == 1
    assert "last words" in _messages()


def test_a_host_that_fails_is_tried_again_and_the_others_go_on(
    docker, docker_host, ssh_host, docker_sshd, monkeypatch
):
    monkeypatch.setattr(module, "SHORTEST_PAUSE", 0.1)
    docker.run("engine-follow", WRITER)
    refused = ssh_host(docker_sshd, port=1)

    def until(results):
        failures = [result for result in results if result.host == refused.name]
        good = [result for result in results if result.host == docker_host.name]
        return len(failures) >= 3 and lines_of(good) > 5

    results = Following([refused, docker_host], until, ["engine-follow"]).join()

    kinds = {result.error_kind for result in results if result.host == refused.name}
    assert kinds == {ErrorKind.CONNECTION}


def test_a_key_that_is_accepted_meanwhile_is_taken(docker, docker_host, monkeypatch):
    monkeypatch.setattr(module, "SHORTEST_PAUSE", 0.1)
    docker.run("engine-follow", WRITER)
    known = docker_host.host_key
    docker_host.host_key = ""
    docker_host.save()

    def until(results):
        if len(results) == 2:
            accept(DockerHost.objects.get(), fingerprint(known), user="netops")
        return results[-1].ok or len(results) == 6

    results = Following([docker_host], until, ["engine-follow"]).join()

    assert [result.error_kind for result in results] == [ErrorKind.HOST_KEY, ErrorKind.HOST_KEY, ""]


def test_a_host_that_is_switched_off_is_left_alone_until_it_is_on_again(docker, docker_host, monkeypatch):
    monkeypatch.setattr(module, "SHORTEST_PAUSE", 0.1)
    docker.run("engine-follow", WRITER)
    tries = Tries(monkeypatch)
    off = threading.Event()

    def until(results):
        if not off.is_set():
            DockerHost.objects.update(enabled=False)
            off.set()
        return len(results) == 2

    following = Following([docker_host], until, ["engine-follow"])
    assert off.wait(120)
    tries.wait_for(1)  # the one under way ends
    sent = RemoteCommand.objects.count()
    tries.wait_for(2)
    assert RemoteCommand.objects.count() == sent
    DockerHost.objects.update(enabled=True)
    following.join()

    assert sent < RemoteCommand.objects.count()


class Tries:
    """How often a follower has ended trying a host."""

    def __init__(self, monkeypatch):
        self._ended = threading.Semaphore(0)
        once = module._Follower._try

        def counted(follower):
            try:
                return once(follower)
            finally:
                self._ended.release()

        monkeypatch.setattr(module._Follower, "_try", counted)

    def wait_for(self, number):
        for _ in range(number):
            assert self._ended.acquire(timeout=120)


def test_whoever_cannot_be_told_any_more_ends_it(docker, docker_host):
    docker.run("engine-follow", WRITER)

    def report(result):
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        follow(lambda: [docker_host], user="netops", interval=0.1, stop=threading.Event(), report=report)


def test_it_waits_for_another_reader(docker, docker_host, monkeypatch):
    monkeypatch.setattr(module, "SHORTEST_PAUSE", 0.1)
    docker.run("engine-follow", WRITER)
    waiting = threading.Event()

    def until(results):
        if results[-1].running:
            waiting.set()
        return results[-1].ok and lines_of(results) > 0

    with reading(docker_host):
        following = Following([docker_host], until, ["engine-follow"])
        assert waiting.wait(120)
    results = following.join()

    assert results[0].running
    assert results[-1].ok


def test_who_asks_for_logs_meanwhile_gets_them(docker, docker_host):
    docker.run("engine-follow", WRITER)
    asked = []

    def until(results):
        if len(results) == 2:
            asking.start()
        return bool(asked) and lines_of(results[2:]) > 0

    def ask():
        asked.append(collect_host(docker_host, containers=["engine-follow"]))
        connection.close()

    asking = threading.Thread(target=ask)
    Following([docker_host], until, ["engine-follow"]).join()
    asking.join()

    assert asked[0].ok
    numbers = [int(text.split()[1]) for text in _messages()]
    assert numbers == list(range(len(numbers)))


def test_a_host_that_is_added_meanwhile_is_followed_too(
    docker, docker_host, ssh_host, docker_sshd, monkeypatch
):
    monkeypatch.setattr(module, "LOOK", 0.1)
    docker.run("engine-follow", WRITER)

    def until(results):
        if len(results) == 1:
            ssh_host(docker_sshd, name="added")
        return results[-1].host == "added"

    results = Following(lambda: list(DockerHost.objects.all()), until, ["engine-follow"]).join()

    assert {result.host for result in results} == {docker_host.name, "added"}


def test_a_look_for_hosts_that_fails_is_told_once_and_stops_nobody(caplog):
    found = [
        ["docker01"],
        ConfigurationError("none is enabled"),
        ConfigurationError("still none"),
        ["docker02"],
    ]

    def find():
        if isinstance(next_one := found.pop(0), Exception):
            raise next_one
        return next_one

    look = module._Look(find)

    assert [look.hosts() for _ in range(4)] == [["docker01"], [], [], ["docker02"]]
    assert [record.getMessage() for record in caplog.records] == [
        "looking for hosts failed (ConfigurationError)"
    ]


def test_without_any_host_at_first_it_says_so():
    def find():
        raise ConfigurationError("no Docker host is defined")

    with pytest.raises(ConfigurationError):
        follow(find, user="netops", interval=0.1, stop=threading.Event(), report=print)


def test_a_host_that_is_deleted_is_followed_no_more(docker, docker_host, monkeypatch):
    monkeypatch.setattr(module, "SHORTEST_PAUSE", 0.05)
    follower = module._Follower(docker_host, "netops", 0.1, threading.Event(), lambda result: None, None)
    DockerHost.objects.all().delete()

    assert follower._try() is False


def test_following_takes_up_a_replaced_login_key(docker, docker_host, monkeypatch):
    monkeypatch.setattr(module, "SHORTEST_PAUSE", 0.1)
    docker.run("engine-follow", WRITER)
    right, docker_host.ssh_key = docker_host.ssh_key, private_key()
    docker_host.save()

    def until(results):
        if len(results) == 2:
            host = DockerHost.objects.get()
            host.ssh_key = right
            host.save()
        return results[-1].ok or len(results) == 6

    results = Following([docker_host], until, ["engine-follow"]).join()

    assert [result.error_kind for result in results] == [ErrorKind.AUTHENTICATION] * 2 + [""]


def _messages():
    return list(ContainerLogEntry.objects.order_by("timestamp", "sequence").values_list("message", flat=True))
