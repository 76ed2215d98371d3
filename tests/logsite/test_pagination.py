"""API lists page by key: every row once, whatever is written meanwhile, and no bad parameter is passed over."""

import base64
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from logsite.api.pagination import decode_key, encode_key
from sessionlogs.models import Session, SessionLog
from tests.factories import DeviceFactory, SessionFactory, SessionLogFactory

EVENTS = "/api/v2/session-logs/"
SESSIONS = "/api/v2/sessions/"
NOON = datetime(2026, 5, 1, 12, 30, 15, 123_456, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(api, teammate):
    return api(teammate)


@pytest.fixture
def events():
    """Thirty events at three instants: a page's edge falls among rows of equal time."""
    session = SessionFactory()
    return [
        SessionLogFactory(session=session, timestamp=NOON + timedelta(seconds=n // 10)) for n in range(30)
    ]


def pages(client, url, limit, between=lambda: None):
    """The ids of each page, following `next` to the end."""
    url = f"{url}?limit={limit}"
    while url:
        answer = client.get(url).json()
        yield [row.get("id", row.get("session_id")) for row in answer["results"]]
        url = answer["next"]
        between()


def flat(pages):
    return [row for page in pages for row in page]


def forged(*content):
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def answer_to(client, **query):
    """Status and content of the list of events; of a page only the names of its parts."""
    answer = client.get(EVENTS, query)
    return answer.status_code, answer.json() if answer.status_code == 400 else list(answer.json())


def newest_first():
    return list(SessionLog.objects.order_by("-timestamp", "-id").values_list("id", flat=True))


# --- Pages -------------------------------------------------------------------------------------------------


def test_every_row_comes_once_among_equal_timestamps(client, events):
    wanted = newest_first()
    found = {limit: list(pages(client, EVENTS, limit)) for limit in (1, 3, 7, 10, 15, 29, 30, 31, 1000)}

    assert {limit: flat(cut) for limit, cut in found.items() if flat(cut) != wanted} == {}
    sizes = {limit: {len(page) for page in cut[:-1]} for limit, cut in found.items()}
    assert {limit: size for limit, size in sizes.items() if not size <= {limit}} == {}


def test_sessions_page_by_their_uuid_among_equal_starts(client):
    SessionFactory.create_batch(11)

    found = flat(pages(client, SESSIONS, 3))

    wanted = Session.objects.order_by("-started_at", "-session_id").values_list("session_id", flat=True)
    assert found == [str(session_id) for session_id in wanted]


def test_ascending_lists_page_too(api, owner):
    names = ["Zürich 1", "a", "b c", "rtr\u00a05", "ü"]
    ids = {DeviceFactory(name=name).id for name in names}

    assert set(flat(pages(api(owner), "/api/v2/devices/", 2))) == ids


def test_rows_inserted_while_paging_shift_nothing(client, events):
    wanted = newest_first()
    found = pages(
        client,
        EVENTS,
        7,
        lambda: SessionLogFactory(session=events[0].session, timestamp=NOON + timedelta(days=1)),
    )

    assert flat(found) == wanted


def test_a_page_whose_last_row_was_deleted_goes_on_where_it_stood(client, events):
    wanted = newest_first()
    first = client.get(EVENTS, {"limit": 5}).json()
    SessionLog.objects.filter(pk=first["results"][-1]["id"]).delete()

    second = client.get(first["next"]).json()

    assert [row["id"] for row in second["results"]] == wanted[5:10]


def test_the_last_page_has_no_next(client, events):
    answer = client.get(EVENTS).json()

    assert len(answer["results"]) == 30
    assert answer["next"] is None
    assert answer["next_cursor"] is None


def test_an_empty_list_is_one_empty_page(client):
    assert client.get(EVENTS).json() == {"next": None, "next_cursor": None, "results": []}


def test_next_keeps_the_filters(client, events):
    answer = client.get(EVENTS, {"limit": 2, "device": events[0].device, "event_type": "command_sent"}).json()

    query = urlsplit(answer["next"]).query
    assert "device=fw01.example.com" in query
    assert "event_type=command_sent" in query
    assert f"cursor={answer['next_cursor']}" in query


def test_the_page_has_100_rows_unless_asked_otherwise(client):
    SessionLogFactory.create_batch(101, session=SessionFactory())

    assert len(client.get(EVENTS).json()["results"]) == 100


def test_a_page_takes_one_query_for_its_rows(client, events, row_queries):
    first = client.get(EVENTS, {"limit": 10}).json()

    with row_queries() as queries:
        client.get(first["next"])
    assert len(queries) == 1  # no count, no row fetched on its own


def test_a_page_of_devices_takes_as_many_queries_for_ten_as_for_two(api, owner, row_queries):
    client = api(owner)
    counts = []
    for size in (2, 8):
        DeviceFactory.create_batch(size)
        with row_queries() as queries:
            client.get("/api/v2/devices/")
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 3


# --- Bad parameters ----------------------------------------------------------------------------------------


BAD_LIMITS = (
    "0", "-1", "1001", "abc", "１", "", " 5", "5 ", "+5", "5.0", "1e2", "0x5", "0000000019999", "9" * 5000,
)  # fmt: skip


def test_a_bad_limit_is_a_400_that_names_it(client, events):
    refused = (400, {"limit": ["must be a whole number from 1 to 1000"]})
    found = {limit: answer_to(client, limit=limit) for limit in BAD_LIMITS}

    assert {limit: answer for limit, answer in found.items() if answer != refused} == {}


NO_CURSORS = (
    "garbage", "=", "é", "\0", "W10", "e30", "bnVsbA", "MQ", "A" * 5000, "/////",
    base64.b64encode(b"[" * 6000).decode(), base64.b64encode(b"\xff\xfe").decode(),
)  # fmt: skip


def test_garbage_is_a_400_that_names_the_cursor(client, events):
    def is_refused(status, content):
        return status == 400 and [text[:12] for text in content.get("cursor", ())] == ["not a cursor"]

    found = {cursor: answer_to(client, cursor=cursor) for cursor in NO_CURSORS}

    assert {cursor: answer for cursor, answer in found.items() if not is_refused(*answer)} == {}


MODEL = "sessionlogs.sessionlog"
NOT_OF_THIS_LIST = "not a cursor of this list; take `next_cursor` from an earlier page"


def test_a_forged_cursor_is_a_400_that_names_it(client, events):
    forgeries = [
        [MODEL],
        [MODEL, "2026-05-01 12:00:00+00:00"],
        [MODEL, "2026-05-01 12:00:00+00:00", "1", "2"],
        [MODEL, "2026-05-01 12:00:00+00:00", 1],
        [MODEL, "2026-05-01 12:00:00+00:00", None],
        [MODEL, "2026-05-01 12:00:00+00:00", "x"],
        [MODEL, "2026-05-01 12:00:00+00:00", "9" * 5000],
        [MODEL, "yesterday", "1"],
        [MODEL, "2026-13-01 12:00:00+00:00", "1"],
        [MODEL, "0001-01-01 00:00:00+14:00", "1"],
        [MODEL, "9999-12-31 23:59:59-14:00", "1"],
        [MODEL, "\0", "1"],
        [MODEL, "\ud800", "1"],
        ["sessionlogs.session", "2026-05-01 12:00:00+00:00", "1"],
        ["", "2026-05-01 12:00:00+00:00", "1"],
        [[], {}, []],
    ]
    refused = (400, {"cursor": [NOT_OF_THIS_LIST]})
    found = {str(content): answer_to(client, cursor=forged(*content)) for content in forgeries}

    assert {content: answer for content, answer in found.items() if answer != refused} == {}


@pytest.mark.parametrize("moment", ["2026-05-01", "2026-05-01 12:00:00", "2026-05-01 12:00:00+05:30"])
def test_a_cursor_s_time_may_be_in_any_zone_or_none(client, events, moment):
    assert client.get(EVENTS, {"cursor": forged(MODEL, moment, "1")}).status_code == 200


def test_an_id_that_no_row_can_have_is_no_error(client, events):
    answer = client.get(EVENTS, {"cursor": forged(MODEL, NOON.isoformat(), "9" * 30)})

    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["a\0b", "\ud800"])
def test_texts_that_no_database_takes_are_refused_in_a_cursor(api, owner, name):
    answer = api(owner).get("/api/v2/devices/", {"cursor": forged("devices.device", name, "1")})

    assert answer.status_code == 400


def test_a_cursor_of_another_list_is_refused(api, owner, events):
    client = api(owner)
    SessionFactory.create_batch(2)
    DeviceFactory.create_batch(2)
    lists = [EVENTS, SESSIONS, "/api/v2/devices/"]
    cursors = {url: client.get(url, {"limit": 1}).json()["next_cursor"] for url in lists}

    for url in lists:
        for origin, cursor in cursors.items():
            assert client.get(url, {"cursor": cursor}).status_code == (200 if origin == url else 400)


@pytest.mark.parametrize("url", [EVENTS, SESSIONS])
def test_an_unknown_parameter_is_a_400_that_names_it_and_the_known_ones(client, events, url):
    answer = client.get(url, {"devcie": "fw01.example.com"})

    assert answer.status_code == 400
    [message] = answer.json()["devcie"]
    assert message.startswith("unknown parameter; known parameters: ")
    assert "device" in message


def test_a_bad_filter_is_a_400_that_names_it(client, events):
    filters = [
        ("start_time", "yesterday"), ("end_time", "2026-13-01T00:00:00Z"), ("device", "a\0b"),
        ("start_time", "0001-01-01T00:00:00+14:00"), ("end_time", "9999-12-31T23:59:59-14:00"),
        ("event_type", "explosion"), ("session_id", "abc"),
        ("slow_ms", "-1"), ("slow_ms", "slow"), ("slow_ms", "NaN"), ("error_kind", "none"),
    ]  # fmt: skip
    found = {(name, value): answer_to(client, **{name: value}) for name, value in filters}

    wrong = {row: answer for row, answer in found.items() if (answer[0], list(answer[1])) != (400, [row[0]])}
    assert wrong == {}


def test_a_detail_page_does_not_mind_other_parameters(client, events):
    assert client.get(f"{EVENTS}{events[0].id}/", {"utm_source": "mail"}).status_code == 200


# --- Who ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", [EVENTS, SESSIONS, "/api/v2/devices/", "/api/v2/interfaces/"])
def test_lists_are_for_those_who_may_see_the_rows(api, owner, teammate, outsider, url):
    answers = [api(user).get(url).status_code for user in (owner, teammate, outsider, None)]

    assert answers == [200, 200, 403, 401]


# --- The cursor itself -------------------------------------------------------------------------------------


def test_a_key_comes_back_with_its_types():
    event = SessionLogFactory(timestamp=NOON)
    ordering = ["-timestamp", "-id"]

    assert decode_key(SessionLog, ordering, encode_key(event, ordering)) == [NOON, event.id]
