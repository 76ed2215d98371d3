"""The admin pages of Docker hosts, containers, readings, entries and sent commands."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from logsite.records import to_nanoseconds
from prodlogs.entries import queries
from prodlogs.models import ContainerLogEntry, DockerHost, HostStatus
from tests.factories import (
    ContainerFactory,
    ContainerLogEntryFactory,
    DockerHostFactory,
    LogSnapshotFactory,
    RemoteCommandFactory,
)
from tests.prodlogs.keys import (
    HOST_KEY,
    HOST_KEY_FINGERPRINT,
    OTHER_FINGERPRINT,
    OTHER_HOST_KEY,
    PRIVATE_KEY,
    private_key,
)

pytestmark = pytest.mark.django_db
ADMIN = "/admin/prodlogs/"
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def text_of(client, path, **query):
    answer = client.get(f"{ADMIN}{path}", query)
    assert answer.status_code == 200, (answer.status_code, answer.content[:300])
    return answer.content.decode()


def rows_of(client, path, **query):
    """The objects that a list shows, in its order."""
    answer = client.get(f"{ADMIN}{path}", query)
    assert answer.status_code == 200, (answer.status_code, answer.headers.get("Location"))
    return list(answer.context["cl"].result_list)


def entry_links(page):
    """The links of a page to a part of the entries."""
    return {
        unescape(link) for link in re.findall(r'href="(/admin/prodlogs/containerlogentry/\?[^"]*)"', page)
    }


def grant(user, *codenames):
    for codename in codenames:
        user.user_permissions.add(
            Permission.objects.get(codename=codename, content_type__app_label="prodlogs")
        )


# --- Hosts: the form ----------------------------------------------------------------------------------------------


def form(**different):
    return {
        "name": "docker01",
        "address": "192.0.2.1",
        "port": "22",
        "user": "logs",
        "enabled": "on",
        "ssh_key": "",
        "ssh_key_passphrase": "",
    } | different


def test_a_key_is_uploaded_and_stored(browser, owner):
    file = SimpleUploadedFile("id_ed25519", PRIVATE_KEY.encode())
    answer = browser(owner).post(f"{ADMIN}dockerhost/add/", form(ssh_key_file=file))
    assert answer.status_code == 302, answer.context["errors"]
    assert DockerHost.objects.get().ssh_key == PRIVATE_KEY


def test_a_key_is_pasted_with_its_passphrase(browser, owner):
    locked = private_key("a long passphrase")
    answer = browser(owner).post(
        f"{ADMIN}dockerhost/add/", form(ssh_key=locked, ssh_key_passphrase="a long passphrase")
    )
    assert answer.status_code == 302, answer.context["errors"]
    host = DockerHost.objects.get()
    assert (host.ssh_key, host.ssh_key_passphrase) == (locked, "a long passphrase")


def test_a_key_is_never_shown_again(browser, owner):
    host = DockerHostFactory(ssh_key=PRIVATE_KEY, ssh_key_passphrase="a long passphrase")
    text = text_of(browser(owner), f"dockerhost/{host.pk}/change/")
    assert PRIVATE_KEY.splitlines()[1] not in text
    assert "a long passphrase" not in text
    assert "A value is stored. Leave this field empty to keep it." in text


def test_an_empty_field_keeps_the_key(browser, owner):
    host = DockerHostFactory(ssh_key=PRIVATE_KEY, ssh_key_passphrase="secret")
    answer = browser(owner).post(f"{ADMIN}dockerhost/{host.pk}/change/", form(address="192.0.2.7"))
    assert answer.status_code == 302, answer.context["errors"]
    host = DockerHost.objects.get()
    assert (host.address, host.ssh_key, host.ssh_key_passphrase) == ("192.0.2.7", PRIVATE_KEY, "secret")


def test_a_new_key_does_not_keep_the_old_passphrase(browser, owner):
    host = DockerHostFactory(ssh_key=PRIVATE_KEY, ssh_key_passphrase="secret")
    browser(owner).post(f"{ADMIN}dockerhost/{host.pk}/change/", form(ssh_key=private_key()))
    assert DockerHost.objects.get().ssh_key_passphrase == ""


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "Give a key"),
        ("ssh-ed25519 AAAA", "not a private key"),
        (PRIVATE_KEY[:100], "not a private key"),
    ],
    ids=["empty", "a public key", "cut off"],
)
def test_what_is_no_key_is_refused(browser, owner, key, problem):
    answer = browser(owner).post(f"{ADMIN}dockerhost/add/", form(ssh_key=key))
    assert problem in answer.content.decode()
    assert not DockerHost.objects.exists()


def test_an_encrypted_key_asks_for_its_passphrase(browser, owner):
    answer = browser(owner).post(f"{ADMIN}dockerhost/add/", form(ssh_key=private_key("locked")))
    assert "give its passphrase" in answer.content.decode()


def test_who_may_only_look_sees_no_field_of_a_key(browser, teammate):
    host = DockerHostFactory(ssh_key=PRIVATE_KEY)
    text = text_of(browser(teammate), f"dockerhost/{host.pk}/change/")
    assert "ssh_key" not in text
    assert PRIVATE_KEY.splitlines()[1] not in text


def test_a_host_of_the_environment_is_changed_there(browser, owner):
    host = DockerHostFactory(from_environment=True, name="default")
    assert "change it there" in text_of(browser(owner), f"dockerhost/{host.pk}/change/")
    answer = browser(owner).post(f"{ADMIN}dockerhost/{host.pk}/change/", form(address="192.0.2.66"))
    assert answer.status_code == 302
    assert DockerHost.objects.get().address == host.address


def test_a_host_whose_entries_are_stored_is_not_deleted(browser, owner):
    host = ContainerLogEntryFactory().container.host
    assert browser(owner).post(f"{ADMIN}dockerhost/{host.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_host_without_entries_is_deleted(browser, owner):
    host = DockerHostFactory()
    browser(owner).post(f"{ADMIN}dockerhost/{host.pk}/delete/", {"post": "yes"})
    assert not DockerHost.objects.exists()


# --- Hosts: list and page -----------------------------------------------------------------------------------------


def test_failures_stand_first(browser, teammate):
    DockerHostFactory(name="a-well", status=HostStatus.OK)
    DockerHostFactory(name="z-ill", status=HostStatus.FAILED, error_message="z-ill: no route to host")
    assert [host.name for host in rows_of(browser(teammate), "dockerhost/")] == ["z-ill", "a-well"]


def test_the_list_says_what_is_wrong_and_how_many_run(browser, teammate):
    host = DockerHostFactory(status=HostStatus.FAILED, error_message="no route to host")
    ContainerFactory(host=host)
    ContainerFactory(host=host, state="exited")
    ContainerFactory(host=host, removed_at=NOON)
    text = text_of(browser(teammate), "dockerhost/")
    assert "no route to host" in text
    assert "1 of 2" in text


def test_a_host_s_page_shows_containers_readings_and_commands(browser, teammate):
    container = ContainerFactory(
        name="shop-web", stats={"cpu_percent": 12.5, "memory_bytes": 2**20, "memory_limit_bytes": 2**30}
    )
    LogSnapshotFactory(container=container, status="gap", gaps=[gap()])
    RemoteCommandFactory(host=container.host, argv=["docker", "exec", "web", "id"], denied=True)
    text = text_of(browser(teammate), f"dockerhost/{container.host.pk}/change/")
    for part in ("shop-web", "12.5 %", "1.0 MB of 1.0 GB", "gap between", "docker exec web id", "denied"):
        assert part in text


def test_a_host_s_page_shows_only_what_its_reader_may_see(browser, teammate):
    container = ContainerFactory(name="shop-web")
    RemoteCommandFactory(host=container.host, argv=["docker", "ps", "--all"])
    teammate.user_permissions.set(Permission.objects.filter(codename="view_dockerhost"))
    text = text_of(browser(teammate), f"dockerhost/{container.host.pk}/change/")
    assert "shop-web" not in text
    assert "docker ps --all" not in text


@pytest.mark.parametrize(
    ("codenames", "buttons"),
    [
        ((), set()),
        (("collect_logs",), {"Collect now", "Check health"}),
        (("accept_host_key",), {"Accept the offered"}),
    ],
)
def test_buttons_are_for_whom_may_press_them(browser, teammate, codenames, buttons):
    grant(teammate, *codenames)
    host = DockerHostFactory(offered_host_key=HOST_KEY)
    text = text_of(browser(teammate), f"dockerhost/{host.pk}/change/")
    assert {name for name in ("Collect now", "Check health", "Accept the offered") if name in text} == buttons


# --- Accepting a host key -----------------------------------------------------------------------------------------


@pytest.fixture
def changed(db):
    """A host that shows another key than the accepted one."""
    return DockerHostFactory(host_key=HOST_KEY, offered_host_key=OTHER_HOST_KEY, offered_at=NOON)


def accept_url(host):
    return f"{ADMIN}dockerhost/{host.pk}/accept-host-key/"


def test_both_fingerprints_stand_side_by_side(browser, teammate, changed):
    for path in (f"dockerhost/{changed.pk}/change/", f"dockerhost/{changed.pk}/accept-host-key/"):
        grant(teammate, "accept_host_key")
        text = text_of(browser(teammate), path)
        assert HOST_KEY_FINGERPRINT in text
        assert OTHER_FINGERPRINT in text


def test_the_key_that_was_looked_at_is_accepted(browser, teammate, changed):
    grant(teammate, "accept_host_key")
    answer = browser(teammate).post(accept_url(changed), {"fingerprint": OTHER_FINGERPRINT}, follow=True)
    assert f"The key of {changed.name} is accepted" in answer.content.decode()
    assert DockerHost.objects.get().host_key == OTHER_HOST_KEY


def test_the_acceptance_is_on_record(browser, teammate, changed):
    grant(teammate, "accept_host_key")
    browser(teammate).post(accept_url(changed), {"fingerprint": OTHER_FINGERPRINT})
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (teammate, str(changed.pk))
    assert OTHER_FINGERPRINT in entry.change_message


def test_a_key_that_changed_meanwhile_is_not_accepted(browser, owner, changed):
    answer = browser(owner).post(accept_url(changed), {"fingerprint": "SHA256:of-another-key"}, follow=True)
    assert "load the offered key again" in answer.content.decode()
    assert DockerHost.objects.get().host_key == HOST_KEY


@pytest.mark.parametrize("method", ["get", "post"])
def test_accepting_asks_for_its_permission(browser, teammate, changed, method):
    answer = getattr(browser(teammate), method)(accept_url(changed), {"fingerprint": OTHER_FINGERPRINT})
    assert answer.status_code == 403
    assert DockerHost.objects.get().host_key == HOST_KEY


def test_without_an_offered_key_there_is_nothing_to_accept(browser, owner):
    answer = browser(owner).get(accept_url(DockerHostFactory()), follow=True)
    assert "has not offered a key" in answer.content.decode()


def test_a_request_from_another_site_accepts_nothing(owner, changed):
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    assert client.post(accept_url(changed), {"fingerprint": OTHER_FINGERPRINT}).status_code == 403


# --- Collecting, asking for health: who may, and how --------------------------------------------------------------


@pytest.mark.parametrize("page", ["collect", "check-health"])
def test_a_visit_alone_collects_nothing(browser, owner, page):
    host = DockerHostFactory()
    assert browser(owner).get(f"{ADMIN}dockerhost/{host.pk}/{page}/").status_code == 405


@pytest.mark.parametrize("page", ["collect", "check-health"])
def test_collecting_asks_for_its_permission(browser, teammate, page):
    host = DockerHostFactory()
    assert browser(teammate).post(f"{ADMIN}dockerhost/{host.pk}/{page}/").status_code == 403


@pytest.mark.parametrize("page", ["collect", "check-health"])
def test_a_host_that_is_not_enabled_is_not_asked(browser, owner, page):
    host = DockerHostFactory(enabled=False)
    answer = browser(owner).post(f"{ADMIN}dockerhost/{host.pk}/{page}/", follow=True)
    assert f"The host {host.name} is not enabled" in answer.content.decode()


@pytest.mark.parametrize("action", ["collect_now", "check_health"])
def test_the_actions_are_for_whom_may_collect(browser, teammate, action):
    DockerHostFactory()
    assert f'value="{action}"' not in text_of(browser(teammate), "dockerhost/")
    grant(teammate, "collect_logs")
    assert f'value="{action}"' in text_of(browser(teammate), "dockerhost/")


# --- Containers ---------------------------------------------------------------------------------------------------


def test_containers_show_state_use_and_errors(browser, teammate):
    container = ContainerFactory(
        name="db", state="exited", exit_code=137, health="unhealthy", restarts=4, stats={"cpu_percent": 3.25}
    )
    now = to_nanoseconds(timezone.now())
    for level, age in (("ERROR", 1), ("CRITICAL", 2), ("WARNING", 3), ("ERROR", 25 * 3600)):
        ContainerLogEntryFactory(container=container, level=level, timestamp=now - age * 10**9)
    text = text_of(browser(teammate), "container/")
    for part in ("exited (137)", "unhealthy", "3.2 %"):
        assert part in text
    [row] = rows_of(browser(teammate), "container/")
    assert row.errors == 2


def test_the_links_of_a_container_lead_to_its_entries(browser, teammate):
    entry = ContainerLogEntryFactory(
        level="ERROR", timestamp=to_nanoseconds(timezone.now() - timedelta(minutes=1))
    )
    ContainerLogEntryFactory(level="ERROR")
    links = entry_links(text_of(browser(teammate), "container/"))
    with_errors = next(link for link in links if "level=errors" in link)
    [row] = browser(teammate).get(with_errors).context["cl"].result_list
    assert row.pk == entry.pk


@pytest.mark.parametrize(("there", "names"), [("yes", ["here"]), ("no", ["gone"])])
def test_removed_containers_can_be_told_apart(browser, teammate, there, names):
    ContainerFactory(name="here")
    ContainerFactory(name="gone", removed_at=NOON)
    assert [row.name for row in rows_of(browser(teammate), "container/", there=there)] == names


# --- Snapshots ----------------------------------------------------------------------------------------------------


def gap():
    return {
        "stream": "stdout",
        "after": "2026-05-01T11:59:00.000000001Z",
        "before": "2026-05-01T12:30:00.5Z",
        "reason": "rotated away",
    }


def test_a_gap_is_told_in_words(browser, teammate):
    LogSnapshotFactory(status="gap", gaps=[gap()])
    text = text_of(browser(teammate), "logsnapshot/")
    assert "stdout: gap between 2026-05-01 11:59:00 and 2026-05-01 12:30:00 (rotated away)" in text


def test_a_reading_leads_to_its_entries(browser, teammate):
    container = ContainerFactory(name="web")
    entries = [ContainerLogEntryFactory(container=container) for _ in range(4)]
    LogSnapshotFactory(container=container, first=entries[1].timestamp, last=entries[2].timestamp, entries=2)
    [link] = entry_links(text_of(browser(teammate), "logsnapshot/"))
    found = browser(teammate).get(link).context["cl"].result_list
    assert [row.pk for row in found] == [entries[2].pk, entries[1].pk]


# --- Entries ------------------------------------------------------------------------------------------------------


@pytest.fixture
def entries(db):
    """Five entries, a second apart; the last one is the newest."""
    web = ContainerFactory(name="web", host=DockerHostFactory(name="docker01"))
    db = ContainerFactory(name="db", host=DockerHostFactory(name="docker02"))
    kinds = [
        (web, "ERROR", "stderr"),
        (web, "", "stdout"),
        (db, "CRITICAL", "stderr"),
        (db, "INFO", "stdout"),
        (db, "WARNING", "stdout"),
    ]
    for number, (container, level, stream) in enumerate(kinds, 1):
        ContainerLogEntryFactory(
            container=container,
            level=level,
            stream=stream,
            message=f"message {number}",
            timestamp=to_nanoseconds(NOON) + number * 10**9,
        )


def test_entries_are_narrowed(browser, teammate, entries):
    client, wrong = browser(teammate), {}
    rows = [
        ({}, "54321"),
        ({"level": "errors"}, "31"),
        ({"level": "warnings"}, "531"),
        ({"level": "INFO"}, "4"),
        ({"level": "INFO,WARNING"}, "54"),
        ({"level": "none"}, "2"),
        ({"host": "docker01"}, "21"),
        ({"container": "db"}, "543"),
        ({"host": "docker02", "container": "web"}, ""),
        ({"stream__exact": "stderr"}, "31"),
        ({"since": "2026-05-01T12:00:03", "until": "2026-05-01T12:00:05"}, "43"),
        ({"q": "SAGE 4"}, "4"),
        ({"q": "message", "container": "web", "level": "errors"}, "1"),
    ]
    for query, numbers in rows:
        shown = [row.beginning for row in rows_of(client, "containerlogentry/", **query)]
        if shown != [f"message {number}" for number in numbers]:
            wrong[str(query)] = shown
    assert wrong == {}


@pytest.mark.parametrize(
    "query", [{"message__regex": "(a+)+$"}, {"since": "yesterday"}, {"timestamp__gte": "x"}]
)
def test_what_cannot_be_looked_up_shows_no_entry(browser, teammate, entries, query):
    answer = browser(teammate).get(f"{ADMIN}containerlogentry/", query)
    assert answer.status_code == 400
    assert not answer.context["cl"].result_list


def test_errors_have_an_entrance_of_their_own(browser, teammate, entries):
    answer = browser(teammate).get(f"{ADMIN}errors/", follow=True)
    assert [row.beginning for row in answer.context["cl"].result_list] == ["message 3", "message 1"]


def test_a_search_is_bounded_and_says_how_far_it_went(browser, teammate, entries, monkeypatch):
    monkeypatch.setattr(queries, "SEARCHED", 2)
    answer = browser(teammate).get(f"{ADMIN}containerlogentry/", {"q": "message"})
    assert [row.beginning for row in answer.context["cl"].result_list] == ["message 5", "message 4"]
    assert "Searched back to 2026-05-01 12:00:04" in answer.content.decode()


def test_a_search_that_is_continued_meets_every_entry(browser, teammate, entries, monkeypatch):
    monkeypatch.setattr(queries, "SEARCHED", 2)
    client, query, found = browser(teammate), {"q": "message"}, []
    for _ in range(5):
        answer = client.get(f"{ADMIN}containerlogentry/", query)
        found += [row.beginning for row in answer.context["cl"].result_list]
        if not (back := re.search(r"Searched back to ([\d-]+) ([\d:]+)", answer.content.decode())):
            break
        query["until"] = f"{back[1]}T{back[2]}"
    assert set(found) == {f"message {number}" for number in range(1, 6)}


def test_a_trace_is_one_entry_to_unfold(browser, teammate):
    ContainerLogEntryFactory(message="Traceback (most recent call last):\n  File <x>\nKeyError: 1")
    text = text_of(browser(teammate), "containerlogentry/")
    assert "+ 2 lines" in text
    assert "File &lt;x&gt;\nKeyError: 1</pre></details>" in text


def test_a_list_reads_the_beginning_of_long_messages(browser, teammate):
    ContainerLogEntryFactory(message="x" * 100_000)
    assert len(text_of(browser(teammate), "containerlogentry/")) < 60_000


def test_what_a_container_writes_is_text_and_nothing_else(browser, teammate):
    ContainerLogEntryFactory(message="<script>alert(1)</script>\n<b>\x1b[31m")
    for path in ("containerlogentry/", f"containerlogentry/{ContainerLogEntry.objects.get().pk}/change/"):
        text = text_of(browser(teammate), path)
        assert "<script>alert(1)" not in text
        assert "\x1b" not in text


def test_an_entry_s_page_shows_the_raw_line_and_the_rule(browser, teammate):
    entry = ContainerLogEntryFactory(
        message="down", raw_line="\x1b[31mdown", level="ERROR", level_rule="bracket", timestamp=10**18 + 1
    )
    text = text_of(browser(teammate), f"containerlogentry/{entry.pk}/change/")
    for part in ("^[[31mdown", "<code>bracket</code>", ".000000001"):
        assert part in text


def test_an_entry_s_page_shows_what_stood_around_it(browser, teammate):
    container = ContainerFactory()
    made = [ContainerLogEntryFactory(container=container, message=f"line {n:02d}.") for n in range(30)]
    ContainerLogEntryFactory(message="of another container", timestamp=made[15].timestamp)
    text = text_of(browser(teammate), f"containerlogentry/{made[15].pk}/change/")
    assert [n for n in range(30) if f"line {n:02d}." in text] == list(range(5, 26))
    assert "of another container" not in text


def test_entries_page_by_key(browser, teammate):
    container = ContainerFactory()
    for number in range(150):
        ContainerLogEntryFactory(container=container, timestamp=10**18, sequence=number, message=str(number))
    answer = browser(teammate).get(f"{ADMIN}containerlogentry/")
    older = browser(teammate).get(f"{ADMIN}containerlogentry/{answer.context['cl'].older_url}")
    seen = [row.beginning for page in (answer, older) for row in page.context["cl"].result_list]
    assert seen == [str(number) for number in range(149, -1, -1)]


@pytest.mark.parametrize("model", ["containerlogentry", "logsnapshot", "remotecommand", "container"])
def test_not_even_the_owner_writes_what_hosts_said(browser, owner, model):
    row = {
        "containerlogentry": ContainerLogEntryFactory,
        "logsnapshot": LogSnapshotFactory,
        "remotecommand": RemoteCommandFactory,
        "container": ContainerFactory,
    }[model]()
    client = browser(owner)
    codes = [
        client.post(f"{ADMIN}{model}/add/", {}).status_code,
        client.post(f"{ADMIN}{model}/{row.pk}/change/", {"message": "forged", "name": "forged"}).status_code,
        client.post(f"{ADMIN}{model}/{row.pk}/delete/", {"post": "yes"}).status_code,
    ]
    assert codes == [403, 403, 403]
    assert type(row).objects.filter(pk=row.pk).exists()


# --- Sent commands ------------------------------------------------------------------------------------------------


def test_denied_commands_are_marked(browser, teammate):
    RemoteCommandFactory(argv=["docker", "exec", "web", "sh -c 'id\nls'"], denied=True)
    text = text_of(browser(teammate), "remotecommand/")
    assert "denied</span>" in text
    assert "id↵ls" in text


def test_a_list_of_commands_leaves_out_what_is_always_the_same(browser, teammate):
    RemoteCommandFactory(argv=["docker", "inspect", "--format", "{{json .Id}}", "a" * 64])
    text = text_of(browser(teammate), "remotecommand/")
    assert f"docker inspect --format … {'a' * 12}…" in text


def test_the_page_of_a_command_has_it_whole(browser, teammate):
    command = RemoteCommandFactory(argv=["docker", "inspect", "--format", "{{json .Id}}", "a" * 64])
    text = text_of(browser(teammate), f"remotecommand/{command.pk}/change/")
    assert "--format &#x27;{{json .Id}}&#x27;" in text
    assert "a" * 64 in text


def test_commands_of_a_user_can_be_asked_for(browser, teammate):
    mine = RemoteCommandFactory(user="eve")
    RemoteCommandFactory(user="adam")
    assert rows_of(browser(teammate), "remotecommand/", user="eve") == [mine]


# --- Queries ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["dockerhost/", "container/", "logsnapshot/", "containerlogentry/", "remotecommand/"]
)
def test_a_longer_list_takes_no_more_queries(browser, teammate, path):
    def make_row():
        container = ContainerFactory(host=DockerHostFactory(host_key=HOST_KEY))
        ContainerLogEntryFactory(container=container)
        LogSnapshotFactory(container=container)
        RemoteCommandFactory(host=container.host)

    def count():
        with CaptureQueriesContext(connection) as seen:
            text_of(client, path)
        return len(seen)

    client = browser(teammate)
    make_row()
    count()
    few = count()
    for _ in range(5):
        make_row()
    assert count() == few
