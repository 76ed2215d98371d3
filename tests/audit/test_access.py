"""Log-ins, log-outs, denials, exports, purges, and the reading of the audit itself are on record."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import OperationalError
from django.test import Client

from logsite.audit.models import AuditEntry
from prodlogs.entries.json_file import save_entries
from tests.factories import AuditEntryFactory, ContainerLogEntryFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/audit/auditentry/"
API = "/api/v2/audit/"
LOGIN = "/admin/login/"


def entries(**wanted):
    return list(AuditEntry.objects.filter(**wanted).order_by("id"))


@pytest.fixture
def broken(monkeypatch):
    """No audit entry can be written."""

    def fail(self, **_):
        raise OperationalError("disk full")

    def break_it():
        monkeypatch.setattr(AuditEntry, "save", fail)

    return break_it


# --- log-ins ------------------------------------------------------------------------------------------------


def test_a_log_in_and_a_log_out_in_the_browser_are_on_record(teammate):
    client = Client(REMOTE_ADDR="198.51.100.7")
    client.post(LOGIN, {"username": "teammate", "password": "teammate-password"})
    client.post("/admin/logout/")
    login, logout = entries(what__in=("login", "logout"))

    assert (login.event_type, login.user, login.address, login.via) == (
        "authn_login_success",
        "teammate",
        "198.51.100.7",
        "admin",
    )
    assert (logout.event_type, logout.user, logout.details) == (
        "session_expired",
        "teammate",
        {"reason": "logout"},
    )


def test_a_failed_log_in_is_on_record_without_the_password(api, teammate):
    body = {"username": "teammate", "password": "wrong-horse"}
    api(None).post("/api/v2/auth/login/", body)
    Client().post(LOGIN, body)
    by_api, by_page = entries(what="login")

    assert [(row.event_type, row.severity, row.target, row.user, row.via) for row in (by_api, by_page)] == [
        ("authn_login_fail", "WARNING", "teammate", "", via) for via in ("api", "admin")
    ]
    assert "wrong-horse" not in str(AuditEntry.objects.values_list())


def test_too_many_failures_are_one_entry_however_long_somebody_tries(settings, teammate):
    settings.LOGIN_ADDRESS_LIMIT = 2
    for _ in range(6):
        Client(REMOTE_ADDR="203.0.113.9").post(LOGIN, {"username": "teammate", "password": "wrong"})

    found = [row.event_type for row in entries(what="login")]
    assert found == ["authn_login_fail", "authn_login_fail", "authn_login_fail_max"]
    [limit] = entries(event_type="authn_login_fail_max")
    assert (limit.address, limit.details) == ("203.0.113.9", {"limit": 2, "counted_by": "address"})


def test_nobody_gets_in_whose_log_in_cannot_be_put_on_record(teammate, broken):
    broken()
    client = Client(raise_request_exception=False)
    answer = client.post(LOGIN, {"username": "teammate", "password": "teammate-password"})

    assert answer.status_code in (500, 503)
    assert client.get("/admin/").status_code == 302


def test_a_log_out_works_also_where_it_cannot_be_put_on_record(browser, teammate, broken, caplog):
    client = browser(teammate)
    broken()

    assert client.post("/admin/logout/").status_code == 200
    assert client.get("/admin/").status_code == 302
    assert "the log-out of 'teammate' could not be put on record" in caplog.text


# --- denials ------------------------------------------------------------------------------------------------


def test_what_a_user_was_denied_is_on_record(api, browser, teammate, outsider):
    browser(teammate).get("/admin/devices/device/add/?x=hunter22")
    browser(outsider).get("/admin/devices/device/")
    api(outsider).get("/api/v2/devices/")
    api(teammate).post("/api/v2/devices/", {"name": "x"})

    assert [
        (row.user, row.via, row.target, row.details["method"]) for row in entries(event_type="authz_fail")
    ] == [
        ("teammate", "admin", "/admin/devices/device/add/", "GET"),
        ("outsider", "admin", "/admin/devices/device/", "GET"),
        ("outsider", "api", "/api/v2/devices/", "GET"),
        ("teammate", "api", "/api/v2/devices/", "POST"),
    ]


def test_strangers_and_those_who_may_leave_no_denial(api, browser, owner):
    browser(None).get("/admin/devices/device/")
    api(None).get("/api/v2/devices/")
    browser(None).post(LOGIN, {})
    browser(owner).get("/admin/devices/device/")
    browser(owner).get("/")

    assert entries(event_type="authz_fail") == []


# --- reading, exports, purges -------------------------------------------------------------------------------


def test_who_reads_the_audit_is_on_record(api, browser, owner):
    row = AuditEntryFactory()
    client = browser(owner)
    client.get(f"{LIST}?user=olivia")
    client.get(f"{LIST}{row.pk}/change/")
    api(owner).get(f"{API}?user=olivia")

    found = entries(event_type="sensitive_read", what="audit")
    assert [(each.user, each.via, each.count, each.details) for each in found] == [
        ("owner", "admin", 1, {"query": "user=olivia"}),
        ("owner", "admin", 1, {"id": row.pk}),
        ("owner", "api", 1, {"query": "user=olivia"}),
    ]


@pytest.mark.parametrize("address", [LIST, API])
def test_the_audit_is_not_shown_where_the_reading_cannot_be_put_on_record(
    address, api, browser, owner, broken
):
    AuditEntryFactory(target="rtr-secret")
    clients = browser(owner), api(owner)
    broken()
    client = clients[address == API]
    client.raise_request_exception = False
    answer = client.get(address)

    assert answer.status_code in (500, 503)
    assert b"rtr-secret" not in answer.content


def test_the_permission_of_the_audit_is_its_own(api, browser, teammate):
    assert api(teammate).get(API).status_code == 403
    teammate.user_permissions.add(Permission.objects.get(codename="view_auditentry"))

    again = type(teammate).objects.get(pk=teammate.pk)
    assert api(again).get(API).status_code == 200
    assert browser(again).get(LIST).status_code == 200


def test_the_api_filters_and_refuses_what_it_does_not_know(api, owner):
    old = AuditEntryFactory(timestamp=datetime(2026, 1, 1, tzinfo=UTC))
    new = AuditEntryFactory(event_type="authz_fail", target="fw01", via="api")
    client = api(owner)

    def found(query):
        answer = client.get(f"{API}?{query}")
        assert answer.status_code == 200, answer.content
        return [row["id"] for row in answer.json()["results"] if row["id"] in (old.pk, new.pk)]

    wanted = {
        "query=target:fw01": [new.pk],
        "query=user:olivia+NOT+fw01": [old.pk],
        "query=event_type:authz_*+AND+via:api": [new.pk],
        "query=timestamp:<2026-02-01": [old.pk],
        "query=user:olivia&target=FW": [new.pk],
        "query=address:10.0.0.0/8+NOT+address:10.0.0.7": [],
        "query=details.nosuch:x": [],
        "user=olivia": [new.pk, old.pk],
        "event_type=authz_fail": [new.pk],
        "event_type=authz_fail&event_type=sensitive_update": [new.pk, old.pk],
        "target=FW": [new.pk],
        "via=admin": [old.pk],
        "end_time=2026-02-01T00:00:00Z": [old.pk],
        "start_time=2026-02-01T00:00:00Z&what=devices.device": [new.pk],
    }
    assert {query: found(query) for query in wanted} == wanted
    assert [
        client.get(f"{API}?{bad}").status_code
        for bad in ("usr=x", "via=x", "start_time=x", "limit=0", "query=(x", "query=via:x", "query=a&query=b")
    ] == [400] * 7


def test_a_query_of_the_audit_that_cannot_be_read_shows_no_entry(api, owner, teammate):
    AuditEntryFactory(target="rtr-secret")
    refused = {
        query: api(owner).get(API, {"query": query}) for query in ("(rtr", "level:loud", "nosuch", "x:*")
    }
    positions = {
        query: answer.json().get("error", {}).get("position", answer.status_code)
        for query, answer in refused.items()
    }

    assert positions == {"(rtr": 0, "level:loud": 6, "nosuch": 200, "x:*": 200}
    assert not any(b"rtr-secret" in answer.content for answer in refused.values())
    assert [api(teammate).get(API, {"query": query}).status_code for query in ("rtr*", "(rtr")] == [403] * 2


def test_the_page_refuses_a_filter_that_it_does_not_know_or_cannot_read(browser, owner):
    client = browser(owner)
    wrong = ("usr=x", "since=yesterday", "via=x", "event_type=x", "severity__exact=x", "details__icontains=x")

    assert {query: client.get(f"{LIST}?{query}").status_code for query in wrong} == dict.fromkeys(wrong, 400)
    assert [row.count for row in entries(what="audit")] == [0] * len(wrong)


def test_an_export_is_on_record_before_the_file_is_there(tmp_path, broken):
    entry = ContainerLogEntryFactory()
    since = datetime(2020, 1, 1, tzinfo=UTC)
    path, number = save_entries([entry.container.host], since, tmp_path / "logs.json")
    [found] = entries(what="export")

    assert (found.event_type, found.target, found.count) == ("sensitive_read", str(path), number)
    assert found.details["hosts"] == [entry.container.host.name]
    broken()
    with pytest.raises(OperationalError):
        save_entries([entry.container.host], since, tmp_path / "more.json")
    assert not (tmp_path / "more.json").exists()


def test_a_purge_is_on_record_at_its_begin_and_its_end(settings, capsys):
    settings.RETENTION_DAYS_AUDIT = 365
    AuditEntryFactory(timestamp=datetime(2020, 1, 1, tzinfo=UTC))
    call_command("purge_logs")
    begun, ended = entries(what="purge")

    assert (begun.event_type, begun.details["stage"], begun.count) == ("sensitive_delete", "begun", 0)
    assert "audit: 365 days" in begun.details["rules"]
    assert (ended.details["stage"], ended.details["status"], ended.count) == ("ended", "success", 1)
    assert ended.details["counts"]["audit"] == {"entries": 1}
    assert "audit: 365 days: 1 entries removed" in capsys.readouterr().out


def test_nothing_is_purged_where_the_purge_cannot_be_put_on_record(settings, broken):
    old = AuditEntryFactory(timestamp=datetime(2020, 1, 1, tzinfo=UTC))
    broken()
    with pytest.raises(Exception, match="database"):
        call_command("purge_logs")

    assert AuditEntry.objects.filter(pk=old.pk).exists()


@pytest.mark.parametrize(("days", "kept"), [(365, {"new"}), (0, {"old", "new"})])
def test_old_entries_go_by_the_setting(settings, days, kept, capsys):
    settings.RETENTION_DAYS_AUDIT = days
    AuditEntryFactory(timestamp=datetime(2020, 1, 1, tzinfo=UTC), target="old")
    AuditEntryFactory(timestamp=datetime(2100, 1, 1, tzinfo=UTC), target="new")
    call_command("purge_logs", dry_run=True)
    assert len(entries(target__in=("old", "new"))) == 2
    call_command("purge_logs")

    assert {row.target for row in entries(target__in=("old", "new"))} == kept
