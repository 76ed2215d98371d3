"""/api/v2/prodlogs/."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from logsite.records import to_nanoseconds
from prodlogs.entries import queries
from prodlogs.models import ContainerLogEntry, DockerHost, HostStatus, RemoteCommand
from tests.factories import (
    ContainerFactory,
    ContainerLogEntryFactory,
    DockerHostFactory,
    LogSnapshotFactory,
    RemoteCommandFactory,
)
from tests.prodlogs.keys import HOST_KEY, HOST_KEY_FINGERPRINT, OTHER_HOST_KEY, PRIVATE_KEY

pytestmark = pytest.mark.django_db
URL = "/api/v2/prodlogs/"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
LISTS = ("hosts", "containers", "logs", "errors", "snapshots", "commands")


def results(client, path, **query):
    answer = client.get(f"{URL}{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def messages(client, path="logs/", **query):
    return [entry["message"] for entry in results(client, path, **query)]


def grant(user, codename):
    user.user_permissions.add(Permission.objects.get(codename=codename, content_type__app_label="prodlogs"))
    return type(user).objects.get(pk=user.pk)


# --- Entries ----------------------------------------------------------------------------------------------------


def test_an_entry_has_this_shape(api, teammate):
    container = ContainerFactory(name="web", host__name="docker01")
    entry = ContainerLogEntryFactory(
        container=container,
        timestamp=to_nanoseconds(NOON) + 123_456_789,
        level="ERROR",
        level_rule="json:level",
        message="down",
        raw_line="\x1b[31mdown\x1b[0m",
        stream="stderr",
        sequence=3,
        truncated_bytes=7,
    )
    assert results(api(teammate), "logs/") == [
        {
            "id": entry.pk,
            "container_name": "web",
            "timestamp": "2026-05-01T12:00:00.123456789Z",
            "level": "ERROR",
            "message": "down",
            "raw_line": "\x1b[31mdown\x1b[0m",
            "stream": "stderr",
            "host": "docker01",
            "container_id": container.container_id,
            "level_rule": "json:level",
            "sequence": 3,
            "truncated_bytes": 7,
        }
    ]


def test_an_entry_without_a_level_has_null(api, teammate):
    ContainerLogEntryFactory()
    [entry] = results(api(teammate), "logs/")
    assert entry["level"] is None


def test_a_raw_line_that_is_the_message_is_given_too(api, teammate):
    ContainerLogEntryFactory(message="up")
    [entry] = results(api(teammate), "logs/")
    assert entry["raw_line"] == "up"


@pytest.fixture
def entries(db):
    """Four entries of two containers on two hosts, a second apart."""
    web = ContainerFactory(name="web", host=DockerHostFactory(name="docker01"))
    db = ContainerFactory(name="db", host=DockerHostFactory(name="docker02"))
    kinds = [
        (web, "ERROR", "stderr"),
        (web, "", "stdout"),
        (db, "CRITICAL", "stderr"),
        (db, "INFO", "stdout"),
    ]
    for number, (container, level, stream) in enumerate(kinds, 1):
        ContainerLogEntryFactory(
            container=container,
            level=level,
            stream=stream,
            message=f"message {number}",
            timestamp=to_nanoseconds(NOON) + number * 10**9,
        )
    return web, db


def test_entries_are_narrowed(api, teammate, entries):
    client, wrong = api(teammate), {}
    rows = [
        ({}, "4321"),
        ({"host": "docker01"}, "21"),
        ({"container": "db"}, "43"),
        ({"container": "db", "host": "docker01"}, ""),
        ({"stream": "stderr"}, "31"),
        ({"level": "ERROR"}, "1"),
        ({"level": ["ERROR", "INFO"]}, "41"),
        ({"since": "2026-05-01T12:00:02Z"}, "432"),
        ({"until": "2026-05-01T12:00:02Z"}, "1"),
        ({"since": "2026-05-01T13:00:02+01:00", "until": "2026-05-01T12:00:03Z"}, "2"),
        ({"text": "MESSAGE 3"}, "3"),
        ({"text": "message", "container": "web", "level": "ERROR"}, "1"),
    ]
    for query, numbers in rows:
        if (shown := messages(client, **query)) != [f"message {number}" for number in numbers]:
            wrong[str(query)] = shown
    assert wrong == {}


def test_a_container_is_found_by_docker_s_id(api, teammate, entries):
    web, _ = entries
    assert messages(api(teammate), container_id=web.container_id) == ["message 2", "message 1"]


@pytest.mark.parametrize("most", [0, 5_000])
def test_several_containers_of_one_name_are_read_together(api, teammate, entries, monkeypatch, most):
    """In either way: few are sorted, of many the newest are walked for."""
    monkeypatch.setattr(queries, "RARE", most)
    other = ContainerFactory(name="web", host=DockerHostFactory(name="docker03"))
    ContainerLogEntryFactory(container=other, message="elsewhere", timestamp=to_nanoseconds(NOON) + 9 * 10**9)
    assert messages(api(teammate), container="web") == ["elsewhere", "message 2", "message 1"]


def test_what_nobody_can_answer_is_refused_by_name(api, owner):
    client, wrong = api(owner), {}
    rows = [
        ("logs/", {"contianer": "web"}, "contianer"),
        ("logs/", {"level": "FATAL"}, "level"),
        ("logs/", {"stream": "stdin"}, "stream"),
        ("logs/", {"since": "yesterday"}, "since"),
        ("logs/", {"text": "x" * 201}, "text"),
        ("logs/", {"limit": "0"}, "limit"),
        ("logs/", {"cursor": "nonsense"}, "cursor"),
        ("errors/", {"level": "INFO"}, "level"),
        ("hosts/", {"status": "fine"}, "status"),
        ("containers/", {"removed": "maybe"}, "removed"),
        ("snapshots/", {"status": "lost"}, "status"),
        ("commands/", {"denied": "perhaps"}, "denied"),
        ("error-summary/", {"hours": "0"}, "hours"),
        ("error-summary/", {"hours": "8784.5"}, "hours"),
        ("error-summary/", {"hours": "nan"}, "hours"),
        ("error-summary/", {"hours": "²"}, "hours"),
        ("error-summary/", {"host": "nowhere"}, "host"),
        ("error-summary/", {"hour": "1"}, "hour"),
        ("health/", {"live": "yes"}, "live"),
        ("health/", {"host": "nowhere"}, "host"),
    ]
    for path, query, field in rows:
        answer = client.get(f"{URL}{path}", query)
        if (said := (answer.status_code, list(answer.json()))) != (400, [field]):
            wrong[f"{path} {query}"] = said
    assert wrong == {}


def test_errors_are_the_entries_of_the_two_worst_levels(api, teammate, entries):
    assert messages(api(teammate), "errors/") == ["message 3", "message 1"]


def test_errors_of_a_container(api, teammate, entries):
    assert messages(api(teammate), "errors/", container="web") == ["message 1"]


def test_pages_go_on_by_key(api, teammate, entries):
    first = api(teammate).get(f"{URL}logs/", {"limit": 3}).json()
    assert messages(api(teammate), cursor=first["next_cursor"]) == ["message 1"]


def test_entries_of_one_nanosecond_are_each_on_one_page(api, teammate):
    container = ContainerFactory()
    for number in range(5):
        ContainerLogEntryFactory(container=container, timestamp=10**18, sequence=number, message=str(number))
    first = api(teammate).get(f"{URL}logs/", {"limit": 3}).json()
    rest = messages(api(teammate), cursor=first["next_cursor"])
    assert [entry["message"] for entry in first["results"]] + rest == ["4", "3", "2", "1", "0"]


def test_a_text_is_looked_for_in_the_newest_entries_only(api, teammate, entries, monkeypatch):
    monkeypatch.setattr(queries, "SEARCHED", 2)
    answer = api(teammate).get(f"{URL}logs/", {"text": "message"}).json()
    assert [entry["message"] for entry in answer["results"]] == ["message 4", "message 3"]
    assert answer["searched_since"] == "2026-05-01T12:00:02.000001000Z"


def test_a_search_that_saw_everything_says_so(api, teammate, entries):
    assert api(teammate).get(f"{URL}logs/", {"text": "message"}).json()["searched_since"] is None


def test_a_search_that_is_continued_meets_every_entry(api, teammate, monkeypatch):
    """Docker's times have nanoseconds; those of the filter end at microseconds."""
    monkeypatch.setattr(queries, "SEARCHED", 2)
    noon = to_nanoseconds(NOON)
    container = ContainerFactory()
    for number in range(9):
        ContainerLogEntryFactory(
            container=container, timestamp=noon + number * 1_499, message=f"message {number}"
        )
    query, found = {"text": "message"}, []
    for _ in range(9):
        answer = api(teammate).get(f"{URL}logs/", query).json()
        found += [entry["message"] for entry in answer["results"]]
        if answer["searched_since"] is None:
            break
        query["until"] = answer["searched_since"]
    assert set(found) == {f"message {number}" for number in range(9)}


@pytest.mark.parametrize("path", ["logs/", "containers/", "hosts/", "snapshots/", "commands/"])
def test_a_longer_list_takes_no_more_queries(api, teammate, path):
    def count():
        with CaptureQueriesContext(connection) as seen:
            results(client, path)
        return len(seen)

    client = api(teammate)
    make_row()
    count()  # the first request also reads the actor's permissions
    few = count()
    for _ in range(5):
        make_row()
    assert count() == few


def make_row():
    """A host with a container, an entry, a snapshot and a command."""
    container = ContainerFactory(host=DockerHostFactory(host_key=HOST_KEY))
    ContainerLogEntryFactory(container=container)
    LogSnapshotFactory(container=container)
    RemoteCommandFactory(host=container.host)


def test_nobody_writes_what_was_read(api, owner):
    client, paths = api(owner), ("logs/", "errors/", "snapshots/", "commands/", "containers/")
    found = {
        (path, method): getattr(client, method)(f"{URL}{path}").status_code
        for path, method in product(paths, ("post", "put", "patch", "delete"))
    }
    assert {row: status for row, status in found.items() if status != 405} == {}


def test_no_entry_is_changed_by_its_address(api, owner):
    entry = ContainerLogEntryFactory(message="as it was")
    for method in ("put", "patch", "delete"):
        assert getattr(api(owner), method)(f"{URL}logs/{entry.pk}/", {"message": "forged"}).status_code == 405
    assert ContainerLogEntry.objects.get().message == "as it was"


# --- Snapshots, commands, containers --------------------------------------------------------------------------------


def test_a_snapshot_says_what_is_missing(api, teammate):
    gap = {
        "stream": "stdout",
        "after": "2026-05-01T11:00:00.000000001Z",
        "before": None,
        "reason": "rotated away",
    }
    LogSnapshotFactory(status="gap", gaps=[gap], first=to_nanoseconds(NOON))
    [snapshot] = results(api(teammate), "snapshots/", status="gap")
    assert (snapshot["gaps"], snapshot["first"], snapshot["last"]) == (
        [gap],
        "2026-05-01T12:00:00.000000000Z",
        None,
    )


def test_denied_commands_can_be_asked_for(api, teammate):
    RemoteCommandFactory()
    RemoteCommandFactory(argv=["docker", "exec", "web", "sh"], denied=True)
    [command] = results(api(teammate), "commands/", denied="true")
    assert command["argv"] == ["docker", "exec", "web", "sh"]


def test_hosts_and_containers_are_found_by_when_they_were_last_seen(api, teammate):
    for name, hour in (("early", 11), ("late", 12)):
        seen = NOON.replace(hour=hour)
        host = DockerHostFactory(name=f"host-{name}", checked_at=seen)
        ContainerFactory(name=name, host=host, seen_at=seen)
    client, noon = api(teammate), "2026-05-01T12:00:00Z"

    assert [row["name"] for row in results(client, "hosts/", since=noon)] == ["host-late"]
    assert [row["name"] for row in results(client, "hosts/", until=noon)] == ["host-early"]
    assert [row["name"] for row in results(client, "containers/", since=noon)] == ["late"]
    assert [row["name"] for row in results(client, "containers/", until=noon)] == ["early"]


def test_removed_containers_can_be_left_out(api, teammate):
    ContainerFactory(removed_at=NOON)
    ContainerFactory(name="still-there", stats={"cpu_percent": 1.5})
    [container] = results(api(teammate), "containers/", removed="false")
    assert (container["name"], container["stats"]) == ("still-there", {"cpu_percent": 1.5})


# --- Hosts ---------------------------------------------------------------------------------------------------------


def new_host(**different):
    return {"name": "docker09", "address": "192.0.2.9", "user": "logs", "ssh_key": PRIVATE_KEY} | different


def test_a_host_is_made_and_its_key_never_shown(api, owner):
    answer = api(owner).post(f"{URL}hosts/", new_host())
    assert answer.status_code == 201, answer.content
    assert DockerHost.objects.get(name="docker09").ssh_key == PRIVATE_KEY
    assert "ssh_key" not in answer.json()
    assert "PRIVATE KEY" not in api(owner).get(f"{URL}hosts/").content.decode()


def test_a_host_is_changed_and_keeps_its_key(api, owner):
    host = DockerHostFactory(ssh_key=PRIVATE_KEY)
    assert api(owner).patch(f"{URL}hosts/{host.pk}/", {"port": 2222}).status_code == 200
    host = DockerHost.objects.get()
    assert (host.port, host.ssh_key) == (2222, PRIVATE_KEY)


@pytest.mark.parametrize(
    ("different", "field"),
    [
        ({"ssh_key": "my key"}, "ssh_key"),
        ({"ssh_key": ""}, "ssh_key"),
        ({"address": "a b"}, "address"),
        ({"address": "-oProxyCommand=x"}, "address"),
        ({"user": "root; id"}, "user"),
        ({"port": 0}, "port"),
        ({"name": "../etc"}, "name"),
    ],
)
def test_a_host_with_a_mistake_is_refused_by_name(api, owner, different, field):
    answer = api(owner).post(f"{URL}hosts/", new_host(**different))
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert not DockerHost.objects.exists()


def test_who_may_change_hosts_changes_them(api, teammate):
    host = DockerHostFactory()
    client = api(grant(teammate, "change_dockerhost"))
    assert client.patch(f"{URL}hosts/{host.pk}/", {"enabled": False}).status_code == 200
    assert client.post(f"{URL}hosts/", new_host()).status_code == 403


def test_a_host_without_a_key_is_refused(api, owner):
    answer = api(owner).post(f"{URL}hosts/", {"name": "docker09", "address": "192.0.2.9", "user": "logs"})
    assert (answer.status_code, list(answer.json())) == (400, ["ssh_key"])


def test_a_new_key_does_not_keep_the_old_passphrase(api, owner):
    host = DockerHostFactory(ssh_key="old", ssh_key_passphrase="of the old one")

    answer = api(owner).patch(f"{URL}hosts/{host.pk}/", {"ssh_key": PRIVATE_KEY}, format="json")

    assert answer.status_code == 200
    assert DockerHost.objects.get(pk=host.pk).ssh_key_passphrase == ""


def test_a_host_of_the_environment_is_not_changed(api, owner):
    host = DockerHostFactory(from_environment=True)
    answer = api(owner).patch(f"{URL}hosts/{host.pk}/", {"address": "192.0.2.99"})
    assert (answer.status_code, list(answer.json())) == (400, ["address"])


@pytest.mark.parametrize("read_only", ["host_key", "status", "from_environment", "offered_host_key"])
def test_what_the_site_itself_knows_of_a_host_cannot_be_given(api, owner, read_only):
    host = DockerHostFactory()
    before = DockerHost.objects.values().get()
    api(owner).patch(f"{URL}hosts/{host.pk}/", {read_only: "ok"})
    assert DockerHost.objects.values().get() == before


def test_no_host_is_deleted_over_the_api(api, owner):
    host = DockerHostFactory()
    assert api(owner).delete(f"{URL}hosts/{host.pk}/").status_code == 405


def test_hosts_show_the_fingerprints_of_both_keys(api, teammate):
    DockerHostFactory(host_key=HOST_KEY, offered_host_key=OTHER_HOST_KEY)
    [host] = results(api(teammate), "hosts/")
    assert host["host_key_fingerprint"] == HOST_KEY_FINGERPRINT
    assert host["offered_host_key_fingerprint"].startswith("SHA256:")
    assert host["offered_host_key_fingerprint"] != HOST_KEY_FINGERPRINT


# --- Accepting a host key ------------------------------------------------------------------------------------------


def accept(client, host, fingerprint):
    return client.post(f"{URL}hosts/{host.pk}/accept-host-key/", {"fingerprint": fingerprint})


def test_the_offered_key_is_accepted_by_its_fingerprint(api, teammate):
    host = DockerHostFactory(offered_host_key=HOST_KEY)
    answer = accept(api(grant(teammate, "accept_host_key")), host, HOST_KEY_FINGERPRINT)
    assert (answer.status_code, answer.json()["host_key_fingerprint"]) == (200, HOST_KEY_FINGERPRINT)
    assert DockerHost.objects.values_list("host_key", "offered_host_key").get() == (HOST_KEY, "")


def test_accepting_a_key_is_on_record(api, teammate):
    host = DockerHostFactory(offered_host_key=HOST_KEY)
    accept(api(grant(teammate, "accept_host_key")), host, HOST_KEY_FINGERPRINT)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (teammate, str(host.pk))
    assert HOST_KEY_FINGERPRINT in entry.change_message


def test_a_key_that_nobody_looked_at_is_not_accepted(api, owner):
    host = DockerHostFactory(offered_host_key=OTHER_HOST_KEY)
    assert accept(api(owner), host, HOST_KEY_FINGERPRINT).status_code == 409
    assert DockerHost.objects.get().host_key == ""
    assert not LogEntry.objects.exists()


def test_accepting_asks_for_its_permission(api, teammate):
    host = DockerHostFactory(offered_host_key=HOST_KEY)
    assert accept(api(teammate), host, HOST_KEY_FINGERPRINT).status_code == 403


def test_a_fingerprint_has_to_be_given(api, owner):
    answer = api(owner).post(f"{URL}hosts/{DockerHostFactory().pk}/accept-host-key/", {})
    assert (answer.status_code, list(answer.json())) == (400, ["fingerprint"])


# --- Reports -------------------------------------------------------------------------------------------------------


@pytest.fixture
def recent(db):
    """An error of each of two containers on two hosts, a minute old."""
    for name, host, level in (("web", "docker01", "ERROR"), ("db", "docker02", "CRITICAL")):
        container = ContainerFactory(name=name, host=DockerHostFactory(name=host))
        moment = to_nanoseconds(timezone.now() - timedelta(minutes=1))
        ContainerLogEntryFactory(container=container, level=level, timestamp=moment)
        ContainerLogEntryFactory(container=container, level=level, timestamp=moment - 3 * 3600 * 10**9)


@pytest.mark.parametrize("hours", [1, 0.5])
def test_the_error_summary_counts_by_container(api, teammate, recent, hours):
    found = api(teammate).get(f"{URL}error-summary/", {"hours": hours}).json()
    assert (found["total_error_entries"], found["containers_with_errors"]) == (2, 2)
    assert set(found["error_breakdown"]) == {"web", "db"}


def test_the_error_summary_of_a_host(api, teammate, recent):
    found = api(teammate).get(f"{URL}error-summary/", {"host": "docker01", "hours": 24}).json()
    assert {name: part["error_count"] for name, part in found["error_breakdown"].items()} == {"web": 2}


def test_health_shows_what_hosts_last_said(api, teammate):
    sick = DockerHostFactory(name="b-sick", status=HostStatus.OK, checked_at=NOON)
    ContainerFactory(host=sick, name="web", health="unhealthy")
    DockerHostFactory(
        name="c-gone", status=HostStatus.FAILED, error_message="c-gone: no route", error_kind="connection"
    )
    DockerHostFactory(name="d-new")
    found = api(teammate).get(f"{URL}health/").json()
    assert found["status"] == "unreachable"
    assert {host["host"]: host["status"] for host in found["hosts"]} == {
        "b-sick": "degraded",
        "c-gone": "unreachable",
        "d-new": "unknown",
    }
    assert found["hosts"][1]["error"] == "c-gone: no route"


def test_asking_hosts_now_asks_for_its_permission(api, teammate):
    assert api(teammate).get(f"{URL}health/", {"live": "true"}).status_code == 403


def test_a_host_that_is_not_enabled_is_not_asked_for_its_health(api, owner):
    host = DockerHostFactory(name="off", enabled=False, address="127.0.0.1", port=1)

    answer = api(owner).get(f"{URL}health/", {"live": "true", "host": "off"})

    assert (answer.status_code, answer.json()) == (
        400,
        {"host": ["off is not enabled: LogSite does not connect to it"]},
    )
    assert not host.commands.exists()


# --- Collecting -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("since", ["1969-12-31T23:59:59Z", "2999-01-01T00:00:00Z"])
def test_a_collection_reaches_back_to_a_time_that_was(api, owner, since):
    """A container that was first read «from next year on» would lose what it writes until then."""
    host = DockerHostFactory(address="127.0.0.1", port=1)

    answer = api(owner).post(f"{URL}hosts/{host.pk}/collect/", {"since": since}, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["since"])


@pytest.mark.parametrize("name", ["web; reboot", "--follow", "web\0", "x" * 256, ""])
def test_a_hostile_name_is_refused_on_record(api, owner, name):
    host = DockerHostFactory(address="127.0.0.1", port=1)

    answer = api(owner).post(f"{URL}hosts/{host.pk}/collect/", {"containers": [name]}, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["containers"])
    row = RemoteCommand.objects.get()
    assert row.argv[-1] == name.replace("\0", "\\x00")
    assert (row.denied, row.user, row.via, row.host) == (True, "owner", "api", host)


@pytest.mark.parametrize("name", [7, None, ["web"], {}])
def test_a_name_is_a_text(api, owner, name):
    host = DockerHostFactory(address="127.0.0.1", port=1)

    answer = api(owner).post(f"{URL}hosts/{host.pk}/collect/", {"containers": [name]}, format="json")

    assert (answer.status_code, list(answer.json())) == (400, ["containers"])


@pytest.mark.parametrize(
    ("codename", "path"), [("collect_logs", "collect"), ("accept_host_key", "accept-host-key")]
)
def test_who_may_not_see_hosts_does_nothing_with_them(api, outsider, codename, path):
    host = DockerHostFactory(address="127.0.0.1", port=1, offered_host_key=HOST_KEY)

    answer = api(grant(outsider, codename)).post(
        f"{URL}hosts/{host.pk}/{path}/", {"fingerprint": HOST_KEY_FINGERPRINT}, format="json"
    )

    assert answer.status_code == 403


def test_the_host_of_the_environment_is_listed_before_anybody_read_it(api, teammate, browser, settings):
    settings.PRODLOGS_HOST, settings.PRODLOGS_USER = "docker01.example.com", "logs"
    settings.PRODLOGS_SSH_KEY = PRIVATE_KEY

    [host] = api(teammate).get("/api/v2/prodlogs/hosts/").json()["results"]

    assert (host["name"], host["address"], host["from_environment"]) == (
        "default",
        "docker01.example.com",
        True,
    )
    assert "docker01.example.com" in browser(teammate).get("/admin/prodlogs/dockerhost/").content.decode()


def test_a_host_of_the_environment_that_is_half_set_breaks_no_list(api, teammate, settings):
    settings.PRODLOGS_HOST = "docker01.example.com"

    assert api(teammate).get("/api/v2/prodlogs/hosts/").json()["results"] == []
