"""Whatever is in a body: it is refused as a whole, or each of its values is taken or rejected by itself.

Hypothesis draws the bodies; tests/applogs/drawn.py says of what.
"""

import json
from itertools import chain

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from

from applogs.entry_index import INDEX
from applogs.ingest.bodies import decode
from applogs.ingest.fields import COLUMNS, OBJECTS, TEXT_LIMITS
from applogs.ingest.levels import of_severity, read_level
from applogs.ingest.times import nanoseconds_of
from logsite.intake.bodies import BodyRefused
from logsite.records import LEVELS
from logsite.text.rfc3339 import rfc3339
from logsite.text.storable import INTEGERS, is_whole
from tests.applogs import drawn as draw
from tests.applogs.reading import read
from tests.fuzzing import drawn

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]
TYPES = ["application/json", "application/x-www-form-urlencoded", "text/plain; charset=iso-8859-1", ""]
GOOD = {
    "timestamp": "2026-01-15T10:30:45.123Z",
    "level": "INFO",
    "message": "beside",
    "context": {"a": [1, 2.5]},
}


def rows_of(incoming):
    return dict(zip(incoming.indexes, zip(*incoming.columns.values(), strict=True), strict=True))


def unstorable(incoming):
    """What of the columns a database would refuse."""
    columns = incoming.columns
    texts = list(chain.from_iterable(columns[name] for name in ("message", *TEXT_LIMITS, *OBJECTS)))
    numbers = list(
        chain.from_iterable(columns[name] for name in ("timestamp", "line", "severity", "truncated_bytes"))
    )
    objects = [text for name in OBJECTS for text in columns[name] if text is not None]
    return [
        *(text for text in texts if text is not None and ("\0" in text or not is_whole(text))),
        *(number for number in numbers if number is not None and number not in INTEGERS),
        *(text for name, limit in TEXT_LIMITS.items() for text in columns[name] if len(text) > limit),
        *(level for level in columns["level"] if level and level not in LEVELS),
        *(text for text in objects if type(json.loads(text)) is not dict or "\\u0000" in text),
    ]


@drawn(200, 2_500)
@given(draw.bodies, sampled_from(TYPES))
def test_a_body_is_refused_or_each_of_its_values_is_taken_or_rejected(body, content_type):
    try:
        values = decode(body, content_type).values
    except BodyRefused:
        with pytest.raises(BodyRefused):
            read(body, content_type)
        return

    incoming = read(body, content_type)

    rejected = [rejection.index for rejection in incoming.rejections]
    assert len(incoming.indexes) + len(rejected) == len(values)
    assert len({*incoming.indexes, *rejected}) == len(values)
    assert {name: len(column) for name, column in incoming.columns.items()} == dict.fromkeys(
        COLUMNS, len(incoming.indexes)
    )
    assert unstorable(incoming) == []
    assert len(INDEX.tokens_of_rows(incoming.columns)) == len(incoming.indexes)


@drawn(200, 2_500)
@given(draw.things)
def test_its_neighbours_are_taken_as_they_are_alone(thing):
    alone = rows_of(read([GOOD]))[0]

    for body in draw.forms([GOOD, thing, GOOD]):
        rows = rows_of(read(body))

        assert [rows[0], rows[2]] == [alone, alone], body


@drawn(120, 2_500)
@given(lists(draw.entries, max_size=3))
def test_entries_are_the_same_in_each_form(sent):
    """And whichever decoder reads them: behind NaN it is the patient one."""
    array, *others = (read(body) for body in draw.forms(sent))
    odd = read(draw.forms([*sent, float("nan")])[0])

    assert unstorable(array) == []
    assert [other.columns for other in others] == [array.columns] * len(others)
    assert odd.columns == array.columns


@drawn(60, 2_500)
@given(draw.alike())
def test_entries_with_the_same_names_are_taken_as_they_are_alone(sent):
    """Many of them are read together."""
    together = read(draw.forms(sent)[0])

    assert unstorable(together) == []
    for index, entry in enumerate(sent):
        assert rows_of(together).get(index) == rows_of(read([entry])).get(0), entry


@drawn(200, 2_500)
@given(integers(-(2**63), 2**63 - 1))
def test_a_time_to_the_nanosecond_comes_back(moment):
    assert nanoseconds_of(rfc3339(moment)) == moment


@drawn(200, 2_500)
@given(draw.values)
def test_any_value_may_stand_for_a_time_or_a_level(value):
    assert nanoseconds_of(value) is None or nanoseconds_of(value) in INTEGERS
    for found in (read_level(value), of_severity(value)):
        assert found.level in ("", *LEVELS)
        assert found.severity in range(25)


@drawn(150, 2_500)
@given(draw.secrets())
def test_a_secret_under_the_name_of_one_is_never_taken(entry):
    for body in draw.forms([entry, GOOD]):
        columns = read(body).columns

        assert draw.SECRET not in json.dumps(columns), body


@drawn(100, 2_500)
@given(draw.entries)
def test_sayings_with_secrets_are_never_taken_whole(entry):
    """Where a saying has a secret, no column has it; the objects stay objects with all else that is in them."""
    columns = read([entry]).columns

    assert not any(f"={draw.SECRET} at" in str(column) for column in columns.values())
