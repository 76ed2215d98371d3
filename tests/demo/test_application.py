"""The demo's application: what it sends is stored whole, with the token of its own."""

import json
import random

import pytest

from applogs.ingest.entries import read_entries
from demo import application, running
from logsite.intake.models import IngestToken
from logsite.intake.tokens import find_token

NOW = 1_800_000_000.0


def test_a_day_of_entries_is_taken_whole_oldest_first():
    sent = list(application.past(NOW, random.Random(7)))
    times = []
    for entries in sent:
        body = "\n".join(map(json.dumps, entries)).encode()
        incoming = read_entries(body, "application/x-ndjson", received_at=0, host=application.HOST)
        assert incoming.rejections == []
        assert all(incoming.columns["level"])
        times += incoming.columns["timestamp"]

    assert len(times) == application.PAST_ENTRIES
    assert times == sorted(times)
    assert NOW - application.DAY_SECONDS <= times[0] / 10**9 < times[-1] / 10**9 <= NOW


@pytest.mark.django_db
def test_each_start_has_a_token_of_its_own_and_the_one_before_lets_nobody_in():
    first, second = running.new_token(), running.new_token()

    assert find_token(first) is None
    assert find_token(second) is not None
    assert IngestToken.objects.count() == 1
