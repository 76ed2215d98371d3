"""/api/v2/shipping/: destinations, status, rejected; and the OpenAPI schema."""

import warnings
from datetime import timedelta

import pytest
from django.utils import timezone

from shipping.models import Destination, RejectedEntry, ShippingCursor
from tests.shipping.builders import make_events, make_session

# A row is handed out once its transaction has ended, so the rows must really be committed.
pytestmark = pytest.mark.django_db(transaction=True)
LISTS = [f"/api/v2/shipping/{name}/" for name in ("destinations", "status", "rejected")]


@pytest.fixture
def shipped(loki, run):
    session = make_session()
    make_events(session, 3)
    make_events(session, 2, timestamp=timezone.now() - timedelta(days=8))
    run("--loki", loki.url)
    make_events(session, 1)
    return loki


def test_three_actors(api, owner, teammate, outsider, shipped):
    rows = {url: [api(who).get(url).json()["results"] for who in (owner, teammate)] for url in LISTS}
    assert {url: found for url, found in rows.items() if not all(found)} == {}
    codes = {url: [api(who).get(url).status_code for who in (outsider, None)] for url in LISTS}
    assert codes == {url: [403, 401] for url in LISTS}
    methods = ("post", "put", "patch", "delete")
    codes = {url: [getattr(api(owner), method)(url).status_code for method in methods] for url in LISTS}
    assert codes == {url: [405] * 4 for url in LISTS}


def test_destinations_show_no_token(api, owner):
    Destination.objects.create(name="main", url="http://loki:3100", token="canary-token", tenant="ops")
    answer = api(owner).get(LISTS[0])
    [item] = answer.json()["results"]
    assert item == {
        "id": item["id"],
        "name": "main",
        "kind": "loki",
        "url": "http://loki:3100",
        "tenant": "ops",
        "enabled": True,
    }
    assert b"canary" not in answer.content


def test_status_tells_what_is_shipped_what_is_left_and_the_last_run(api, owner, shipped):
    [item] = api(owner).get(LISTS[1]).json()["results"]
    row = ShippingCursor.objects.get()
    assert item["cursor"] == f"{row.xact}-{row.row_id}"
    assert (item["destination"], item["source"]) == ("loki", "session")
    assert (item["shipped"], item["rejected"], item["left"]) == (3, 2, 1)
    assert (item["last_run"]["status"], item["last_run"]["shipped"]) == ("success", 3)


def test_what_cannot_be_counted_is_null(api, owner):
    destination = Destination.objects.create(name="main", url="http://loki:3100")
    ShippingCursor.objects.create(destination=destination, source="session@http://other:8000")
    [item] = api(owner).get(LISTS[1]).json()["results"]
    assert (item["left"], item["last_run"]) == (None, None)


def test_rejected_pages_by_key_and_filters(api, owner, shipped):
    client = api(owner)
    first = client.get(LISTS[2], {"limit": 1}).json()
    second = client.get(LISTS[2], {"limit": 1, "cursor": first["next_cursor"]}).json()
    ids = [page["results"][0]["row_id"] for page in (first, second)]
    assert set(ids) == set(RejectedEntry.objects.values_list("row_id", flat=True))
    assert second["next"] is None
    for query, count in (
        ({"reason": "too old"}, 2),
        ({"reason": "behind"}, 0),
        ({"destination": "loki"}, 2),
        ({"source": "x"}, 0),
        ({"start_time": timezone.now().isoformat()}, 0),
    ):
        assert len(client.get(LISTS[2], query).json()["results"]) == count, query


@pytest.mark.parametrize("query", [{"start_time": "x"}, {"cursor": "x"}, {"limit": "x"}, {"sorce": "x"}])
def test_a_bad_parameter_is_a_400_that_names_it(api, owner, query):
    answer = api(owner).get(LISTS[2], query)
    assert answer.status_code == 400
    assert list(answer.json()) == list(query)


@pytest.mark.parametrize("url", LISTS)
def test_query_counts(api, owner, shipped, django_assert_max_num_queries, url):
    client = api(owner)
    with django_assert_max_num_queries(4):
        client.get(url)


def test_the_schema_describes_the_shipping_api_without_a_warning(capsys):
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.generators import SchemaGenerator

    with warnings.catch_warnings(), GENERATOR_STATS.silence():
        GENERATOR_STATS.reset()
        schema = SchemaGenerator().get_schema(public=True)
        told = [
            str(key) for cache in (GENERATOR_STATS._warn_cache, GENERATOR_STATS._error_cache) for key in cache
        ]
    assert [text for text in told if "shipping" in text.lower()] == []
    feed = schema["paths"]["/api/monitoring/logs"]["get"]
    names = {parameter["name"] for parameter in feed["parameters"]}
    assert {"source", "cursor", "limit", "since", "until"} <= names
    assert feed["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("FeedPage")
    assert {
        "/api/v2/shipping/destinations/",
        "/api/v2/shipping/status/",
        "/api/v2/shipping/rejected/",
    } <= set(schema["paths"])
