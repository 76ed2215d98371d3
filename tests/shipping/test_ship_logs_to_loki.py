"""The command, with session events in the database."""

import re
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from logsite.audit.models import AuditEntry
from shipping.models import Destination, RejectedEntry, ShippingCursor, ShippingRun
from tests.ports import free_port
from tests.shipping.builders import ListSource, make_events, make_session
from tests.shipping.loki_stand_in import Fault, LokiStandIn

# A row is handed out once its transaction has ended, so the rows must really be committed.
pytestmark = pytest.mark.django_db(transaction=True)


def test_it_ships_every_session_event_with_labels_line_and_metadata(loki, run, settings):
    session = make_session(tags=["edge", "eu"])
    [event] = make_events(session, command="show clock", response="12:00")
    result = run("--loki", loki.url)
    assert (result.code, result.err) == (0, "")
    assert result.out == "session: shipped 1, rejected 0, left 0\n"
    [entry] = loki.stored()
    assert entry.labels == {
        "job": settings.SHIPPING_JOB,
        "source": "session",
        "server_id": "7",
        "server_tag": "fw01",
        "agent_type": "network",
        "status": "Success",
        "execution_status": "Running",
    }
    assert entry.line == "STEP: 1 | COMMAND: show clock | EXIT_CODE: 0 | STDOUT: 12:00 | STDERR:"
    assert entry.metadata == {
        "row_id": str(event.pk),
        "level": "INFO",
        "session_id": str(session.session_id),
        "event_type": "command_response",
        "user": "netops",
        "tags": "edge,eu",
        "duration_ms": "1.5",
    }
    assert entry.timestamp == int(event.timestamp.timestamp()) * 10**9 + event.timestamp.microsecond * 1000


def test_the_second_run_ships_nothing_and_says_so(loki, run):
    make_events(make_session(), 5)
    assert "shipped 5" in run("--loki", loki.url).out
    assert run("--loki", loki.url).out == "session: nothing to ship, every entry is shipped\n"
    assert len(loki.bodies) == 1
    make_events(make_session(), 1)
    assert "shipped 1," in run("--loki", loki.url).out


def test_oldest_first(loki, run):
    events = make_events(make_session(), 25)
    run("--loki", loki.url, "--batch-size", "10")
    sent = [int(n) for body in loki.bodies for n in re.findall(rb'"row_id":"(\d+)"', body)]
    assert sent == [event.pk for event in events]
    assert len(loki.bodies) == 3


def test_refused_entries_are_counted_by_reason_and_recorded(loki, run):
    session = make_session()
    make_events(session, 3)
    make_events(session, 2, timestamp=timezone.now() - timedelta(days=8))
    make_events(session, 1, timestamp=timezone.now() + timedelta(hours=1))
    result = run("--loki", loki.url)
    assert result.code == 0
    assert result.out.splitlines() == [
        "session: shipped 3, rejected 3, left 0",
        "  rejected 2: older than Loki accepts",
        "  rejected 1: in the future",
    ]
    assert RejectedEntry.objects.count() == 3
    assert len(loki.stored()) == 3


def test_loki_down_is_one_line_nothing_is_lost_and_the_next_run_catches_up(run):
    make_events(make_session(), 3)
    port = free_port()
    result = run("--loki", f"http://127.0.0.1:{port}")
    assert result.code == 1
    assert result.err.splitlines()[-1] == (
        f"Loki at http://127.0.0.1:{port} refused the connection after 3 tries; nothing is lost, "
        "3 entries wait: run again when it is back"
    )
    assert "left 3" in result.out
    with LokiStandIn(port) as loki:
        assert run("--loki", loki.url).out == "session: shipped 3, rejected 0, left 0\n"
        assert len(loki.stored()) == 3


@pytest.mark.parametrize("fault", [Fault(429, "slow down", {"Retry-After": "0"}), Fault(500, "boom")])
def test_429_and_500_are_tried_again(loki, run, fault):
    make_events(make_session(), 3)
    loki.faults.extend([fault, fault])
    result = run("--loki", loki.url)
    assert result.code == 0
    assert "trying again in" in result.err
    assert len(loki.stored()) == 3


@pytest.mark.parametrize(
    ("code", "hint"), [(401, "token"), (403, "token"), (404, "address"), (307, "redirect")]
)
def test_a_configuration_error_ends_it_with_the_cursor_unmoved(loki, run, code, hint):
    make_events(make_session(), 1)
    loki.faults.append(Fault(code, "no"))
    result = run("--loki", loki.url)
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert str(code) in result.err
    assert hint in result.err
    assert ShippingCursor.objects.get().row_id == 0


def test_a_backfill_has_its_own_cursor_and_streams(loki, run):
    session = make_session()
    now = timezone.now()
    make_events(session, 2, timestamp=now - timedelta(hours=5))
    make_events(session, 2, timestamp=now - timedelta(hours=3))
    make_events(session, 2, timestamp=now - timedelta(minutes=1))
    window = [
        "--since",
        (now - timedelta(hours=4)).isoformat(),
        "--until",
        (now - timedelta(hours=1)).isoformat(),
    ]
    result = run("--loki", loki.url, *window)
    assert "shipped 2, rejected 0, left 0" in result.out
    assert {entry.labels.get("backfill") for entry in loki.stored()} == {"true"}
    assert "nothing to ship" in run("--loki", loki.url, *window).out
    assert not ShippingCursor.objects.filter(source="session").exists()
    assert "shipped 6" in run("--loki", loki.url).out
    assert len(loki.stored()) == 8


def test_a_backfill_is_resumed(loki, run):
    now = timezone.now()
    make_events(make_session(), 4, timestamp=now - timedelta(hours=2))
    words = ["--loki", loki.url, "--since", (now - timedelta(hours=3)).isoformat(), "--batch-size", "2"]
    loki.faults.extend([Fault(store=True), Fault(404, "gone")])
    assert run(*words).code == 1
    assert "shipped 2," in run(*words).out


@pytest.mark.parametrize(("since", "shipped"), [("2h", 1), ("7d", 2), ("30m", 0), ("2w", 3)])
def test_since_accepts_an_age(loki, run, since, shipped):
    now = timezone.now()
    session = make_session()
    for age in (timedelta(hours=1), timedelta(days=3), timedelta(days=13)):
        make_events(session, timestamp=now - age)
    result = run("--loki", loki.url, "--since", since)
    assert ShippingCursor.objects.get().shipped + ShippingCursor.objects.get().rejected == shipped, result.out


def test_from_start_ships_everything_again_and_loki_keeps_each_once(loki, run):
    make_events(make_session(), 4)
    run("--loki", loki.url)
    assert "shipped 4" in run("--loki", loki.url, "--from-start").out
    assert len(loki.stored()) == 4
    [entry] = AuditEntry.objects.filter(what="shipping.shippingcursor")
    assert (entry.target, entry.details["cursors"]) == (Destination.objects.get().name, ["session"])


def test_a_dry_run_pushes_nothing_and_moves_nothing(loki, run):
    make_events(make_session(), 4)
    result = run("--loki", loki.url, "--dry-run", "--batch-size", "2")
    assert re.fullmatch(
        rf"session: would ship 4 entries \(0 in parts\) of 1 streams in 2 pushes, [\d,]+ bytes, to {loki.url}\n",
        result.out,
    )
    assert loki.bodies == []
    assert not Destination.objects.exists()
    run("--loki", loki.url)
    assert "would ship 0 entries" in run("--loki", loki.url, "--dry-run").out
    assert "would ship 4 entries" in run("--loki", loki.url, "--dry-run", "--from-start").out


def test_a_long_response_comes_back_whole(loki, run, settings):
    settings.SHIPPING_OUTPUT_CHARACTERS = 0
    response = "".join(f"{n} ä€𝄞\n" for n in range(60_000))
    make_events(make_session(), 1, response=response)
    assert "shipped 1, 1 of them in parts" in run("--loki", loki.url).out
    parts = sorted(loki.stored(), key=lambda entry: int(entry.metadata["part"].split("/")[0]))
    assert len(parts) > 3
    joined = "".join(entry.line for entry in parts)
    assert joined == f"STEP: 1 | COMMAND: show clock | EXIT_CODE: 0 | STDOUT: {response} | STDERR:"


def test_only_the_chosen_sources(loki, run, other_sources):
    other_sources["other"] = ListSource()
    make_events(make_session(), 2)
    run("--loki", loki.url, "--source", "other")
    assert {entry.labels["source"] for entry in loki.stored()} == {"other"}
    assert run("--loki", loki.url).out.splitlines() == [
        "other: nothing to ship, every entry is shipped",
        "session: shipped 2, rejected 0, left 0",
    ]


def test_a_bad_option_is_one_line_that_names_it(run):
    rows = [
        (["--source", "nope"], "--source: source 'nope' does not exist"),
        (["--loki", "nonsense"], "--loki: it is not a URL"),
        (["--loki", "ftp://x"], "--loki: it is not a URL"),
        (["--loki", "http://[::1"], "--loki: it is not a URL"),
        (["--loki", "http://h/" + "x" * 500], "--loki: it is longer than 500"),
        (["--loki", "http://h:99999"], "--loki: it is not a URL"),
        (["--since", "yesterday"], "--since: 'yesterday' is not a time"),
        (["--since", "2026-13-45"], "--since: "),
        (["--until", "99999999d"], "--until: "),
        (["--until", "9" * 6 + "w"], "--until: "),
        (["--since", "1h", "--until", "2h"], "--until must be after --since"),
        (["--batch-size", "0"], "--batch-size must be a whole number from 1 to 5000, got "),
        (["--batch-size", "5001"], "--batch-size must be a whole number from 1 to 5000, got "),
        (["--batch-size", "x"], "--batch-size must be a whole number from 1 to 5000, got "),
        (["--token", "t"], "--token needs --backend"),
        (["--backend", "http://127.0.0.1:9"], "--backend needs --token"),
        (["--backend", "x", "--token", "t"], "--backend: it is not a URL"),
        (["--backend", "http://u:p@h", "--token", "t"], "--backend: it carries a user and password"),
        (["--backend", "http://h", "--token", "a\nb"], "--token contains characters"),
        (["--follow", "--dry-run"], "--dry-run and --follow exclude each other"),
    ]
    wrong = {}
    for words, said in rows:
        result = run(*words)
        lines = result.err.splitlines()
        if result.code != 2 or len(lines) != 1 or not lines[0].startswith(said):
            wrong[" ".join(words)] = (result.code, result.err)
    assert wrong == {}
    assert not ShippingRun.objects.exists()


def test_a_destination_that_is_switched_off(loki, run):
    Destination.objects.create(name="main", url=loki.url, enabled=False)
    result = run("--loki", loki.url)
    assert (result.code, result.err) == (1, "the destination main is switched off in the admin\n")


def test_user_and_password_of_the_url_log_in_and_are_not_kept(loki, run):
    make_events(make_session())
    url = loki.url.replace("http://", "http://ops:canary-password@")
    result = run("--loki", url)
    assert result.code == 0
    assert loki.headers[0]["Authorization"].startswith("Basic ")
    assert Destination.objects.get().url == loki.url
    loki.faults.append(Fault(401, "no"))
    make_events(make_session())
    result = run("--loki", url)
    assert result.code == 1
    assert "canary-password" not in result.out + result.err


def test_the_token_of_a_destination_is_sent_and_stored_encrypted(loki, run):
    from django.db import connection

    Destination.objects.create(name="main", url=loki.url, token="canary-token")
    make_events(make_session())
    assert run("--loki", loki.url).code == 0
    assert loki.headers[0]["Authorization"] == "Bearer canary-token"
    with connection.cursor() as sql:
        sql.execute("SELECT * FROM shipping_destination")
        assert "canary-token" not in str(sql.fetchall())


def test_each_loki_and_tenant_is_a_destination_of_its_own(loki, run, settings):
    make_events(make_session(), 2)
    run("--loki", loki.url)
    with LokiStandIn() as second:
        assert "shipped 2" in run("--loki", second.url + "/").out
        assert set(Destination.objects.values_list("name", flat=True)) == {"loki", second.url}
    settings.LOKI_TENANT = "ops"
    assert "shipped 2" in run("--loki", loki.url).out
    assert Destination.objects.count() == 3


def test_a_failing_database_is_one_line(loki, run, monkeypatch):
    def fail(*args, **kwargs):
        raise OperationalError("connection to postgres://user:canary@db failed")

    monkeypatch.setattr(Destination.objects, "filter", fail)
    result = run("--loki", loki.url)
    assert (result.code, result.err) == (
        1,
        "the database failed (OperationalError); nothing is lost, run again\n",
    )


def test_a_cursor_ahead_of_the_database_points_to_the_guide(loki, run):
    make_events(make_session())
    run("--loki", loki.url)
    ShippingCursor.objects.update(xact=2**60, row_id=2**60)
    result = run("--loki", loki.url)
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert "«After a restore» in docs/shipping.md" in result.err
    assert "shipped 1" in run("--loki", loki.url, "--from-start").out


def test_a_run_takes_few_queries(loki, run, django_assert_max_num_queries):
    make_events(make_session(), 20)
    with django_assert_max_num_queries(30):  # two begin and commit the new destination with its audit entry
        run("--loki", loki.url)


def test_more_than_ten_thousand_are_not_counted(run, monkeypatch):
    from shipping import feed
    from shipping import run as runs

    monkeypatch.setattr(feed, "LEFT_CAP", 3)
    monkeypatch.setattr(runs, "LEFT_CAP", 3)
    make_events(make_session(), 9)
    result = run("--loki", f"http://127.0.0.1:{free_port()}")
    assert "more than 3 entries wait" in result.err
