"""Entries that Hypothesis draws: sent over HTTP, stored and read again; what thousands of bodies leave in memory."""

import gc
import json
import logging
import random
import tracemalloc
from contextlib import suppress
from itertools import count

import pytest
from django.test import Client, RequestFactory
from hypothesis import given
from hypothesis.strategies import lists

from applogs.ingest.http import ingest
from applogs.models import LogEntry
from logsite.intake.bodies import BodyRefused
from logsite.intake.tokens import make_token
from logsite.text.rfc3339 import rfc3339
from tests.applogs import drawn as draw
from tests.applogs.reading import read
from tests.applogs.test_bodies import GOOD, mutated
from tests.fuzzing import drawn
from tests.soak import short_or_long

pytestmark = [pytest.mark.django_db, pytest.mark.soak, pytest.mark.timeout(1800)]
URL = "/api/v2/logs"
OBJECTS = ("context", "metadata", "performance_data")
TEXTS = ("category", "app", "host", "logger", "module", "function", "trace_id", "span_id", "entry_id")


@pytest.fixture
def send():
    token, client = make_token("billing", app="billing")[1], Client()
    return lambda body, kind="application/json": client.post(
        f"{URL}/ingest", body, content_type=kind, headers={"Authorization": f"Bearer {token}"}
    )


def same(value):
    """`value` with each number as the float that it is closest to: databases write 1e3 as 1000."""
    if isinstance(value, dict):
        return {name: same(item) for name, item in value.items()}
    if isinstance(value, list):
        return [same(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(str(value))
    return value


def shown(columns, row):
    """What of an entry the API shall show, from the columns that the decoder made."""
    cells = {name: column[row] for name, column in columns.items()}
    objects = {name: json.loads(text) for name in OBJECTS if (text := cells[name])}
    sent = json.loads(cells["attributes"] or "{}")
    if cells["file"] and "file" in sent:  # the whole one of one that was cut
        sent["file_"] = sent.pop("file")
    return {
        "timestamp": rfc3339(cells["timestamp"]),
        "level": cells["level"],
        "message": cells["message"],
        **{name: text for name in TEXTS if (text := cells[name])},
        **objects,
        "attributes": {**sent, **({"file": cells["file"]} if cells["file"] else {})},
    }


def test_what_is_stored_is_what_is_shown(send, api, owner):
    last, client = count(1), api(owner)

    @drawn(40, 800)
    @given(lists(draw.entries, min_size=1, max_size=3))
    def check(sent):
        # Each has a time and an id of its own: it is no repetition.
        sent = [{**entry, "timestamp": 10**9 + next(last), "id": f"e{next(last)}"} for entry in sent]
        body = json.dumps(sent).encode()
        expected = read(body, app="billing")
        highest = max(LogEntry.objects.values_list("pk", flat=True), default=0)

        answer = send(body)

        assert answer.status_code == 202, answer.content
        assert (answer.json()["accepted"], answer.json()["rejected"]) == (
            len(expected.indexes),
            len(expected.rejections),
        )
        ids = list(LogEntry.objects.filter(pk__gt=highest).order_by("pk").values_list("pk", flat=True))
        found = [client.get(f"{URL}/entries/app/{pk}").json() for pk in ids]
        wanted = [shown(expected.columns, row) for row in range(len(expected.indexes))]
        assert len(found) == len(wanted)
        for entry, parts in zip(found, wanted, strict=True):
            assert same({name: entry.get(name) for name in parts}) == same(parts)

    check()


@pytest.mark.django_db(transaction=True)  # what shall happen at the end of a test's transaction would be kept
def test_thousands_of_malformed_bodies_leave_nothing_in_memory():
    """Each has eight thousand characters of its own: what kept one of each would keep megabytes.

    Every fifth goes to the view, and not by Django's test client, which keeps a little of each request.
    """
    headers = {"Authorization": f"Bearer {make_token('billing', app='billing')[1]}"}
    chance = random.Random(7)
    lines = [json.dumps(entry).encode() for entry in GOOD]

    def take(number):
        for each in range(number):
            text = f"{chance.getrandbits(32_000):x}".encode()
            body = mutated(chance, b"[%s]" % b",".join([*lines, b'{"message": "%s"}' % text]))
            kind = chance.choice(["application/json", "application/x-www-form-urlencoded"])
            if each % 5:
                with suppress(BodyRefused):
                    read(body, kind)
            else:
                request = RequestFactory().post(f"{URL}/ingest", body, content_type=kind, headers=headers)
                assert ingest(request).status_code in (202, 400)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    logging.disable()  # pytest keeps what is logged
    tracemalloc.start()
    try:
        before, after = take(200), take(short_or_long(1000, 10_000))
    finally:
        tracemalloc.stop()
        logging.disable(logging.NOTSET)

    assert after - before < 1024**2
