"""The forms of a body: which are read, with which indexes, and which are refused as a whole."""

import json
import random
import tracemalloc

import pytest

from logsite.intake.bodies import BodyRefused
from tests.applogs.reading import entries_of, read

FORM = "application/x-www-form-urlencoded"
TWO = '{"message": "a"}\n{"message": "b"}'


@pytest.mark.parametrize(
    ("body", "indexes"),
    [
        ('{"message": "a"}', [0]),
        ('[{"message": "a"}, {"message": "b"}]', [0, 1]),
        ('{"message": "a"}{"message": "b"}', [0, 1]),
        (TWO, [0, 1]),
        ('\n{"message":"a"}\r\n\r\n  \n{"message":"b"}', [1, 4]),
        ('{"message":\n"a"}\n{"message": "b"}\n', [0, 1]),
        ('{"message": "a"} {"message": "b"}\n\n{"message": "c"}', [0, 1, 2]),
        ('\ufeff[{"message": "a"}]', [0]),
        ("  [ ]\n", []),
        ("", []),
        ("\r\n\n", []),
    ],
)
def test_each_form_of_json_is_read_and_its_indexes_can_be_found(body, indexes):
    incoming = read(body)

    assert incoming.indexes == indexes
    assert incoming.columns["message"] == ["a", "b", "c"][: len(indexes)]


@pytest.mark.parametrize("odd", ['{"message": NaN}', '{"message": "\\ud800"}', '{"message": "a\tb"}'])
def test_an_odd_line_is_found_by_its_index_too(odd):
    assert read(f"\n{TWO}\n\n{odd}\n").indexes == [1, 2, 4]


@pytest.mark.parametrize(
    "content_type",
    [
        *("application/json", "application/x-ndjson", "application/jsonl", "text/plain", "", FORM),
        *("application/json; charset=utf-8", "APPLICATION/JSON;charset=UTF-8", "application/vnd.api+json"),
    ],
)
@pytest.mark.parametrize("body", [TWO, f"[{TWO.replace(chr(10), ',')}]"])
def test_the_body_says_its_form_and_not_the_type(body, content_type):
    assert read(body, content_type).columns["message"] == ["a", "b"]


@pytest.mark.parametrize(
    "content_type",
    [
        *(
            "application/msgpack",
            "application/x-protobuf",
            "application/xml",
            "multipart/form-data",
            "json",
            "é",
        ),
        *(
            "application/json; charset=utf-16",
            "application/json; charset*=utf-8''x",
            "application/json\r\nx: y",
        ),
    ],
)
def test_another_type_is_refused_with_those_that_are_taken(content_type):
    with pytest.raises(BodyRefused, match="application/json, application/x-ndjson") as error:
        read(TWO, content_type)

    assert error.value.status == 415


def test_a_body_in_a_named_charset_is_read_in_it():
    body = '{"message": "Grüße"}'.encode("latin-1")

    assert read(body, "text/plain; charset=ISO-8859-1").columns["message"] == ["Grüße"]
    assert read(body, "text/plain").columns["message"] == ["Gr\ufffd\ufffde"]


@pytest.mark.parametrize(
    "body",
    [
        *(
            '[{"message":"a"},{"message":"b"},{"mess',
            '{"message":"a"}\n{"mess',
            '{"message":"a"},{"message":"b"}',
        ),
        *(
            '[{"message":"a"}] [{"message":"b"}]',
            '[{"message":"a"}',
            '{"message":"a"}]',
            "[1,]",
            "{'message': 'a'}",
        ),
        *(
            "hello",
            "17",
            '"text"',
            "null",
            "<xml/>",
            "\x82\xa7",
            '{"message":"a"}\nhello',
            "[",
            "{",
            '{"a":}',
        ),
        *("[" * 100_000, '{"a":' * 100_000, "[" + "[" * 5000 + "]" * 5000 + "]"),
        '[{"message": "a"}]'.encode("utf-16"),
    ],
    ids=range(22),
)
def test_a_body_that_is_not_json_to_its_end_is_refused_as_a_whole(body):
    with pytest.raises(BodyRefused, match=r"^the body is not ") as error:
        read(body)

    assert error.value.status == 400
    assert len(error.value.reason) < 200


@pytest.mark.parametrize(
    ("form", "entry"),
    [
        ("msg=paid&args=%28%29&exc_info=None", {"message": "paid"}),
        ("msg=%25s+ok&args=%2847%2C%29", {"message": "47 ok", "attributes": {"msg": "%s ok", "args": "(47,)"}}),
        ("msg=%25(n)03d&args={'n':+7}", {"message": "007", "attributes": {"msg": "%(n)03d", "args": "{'n': 7}"}}),
        ("msg=%25s&args=(<object>,)", {"message": "%s", "attributes": {"args": "(<object>,)"}}),
        ("msg=%25d&args=('x',)", {"message": "%d", "attributes": {"args": "('x',)"}}),
        ("msg=100%25&args=(1,)", {"message": "100%", "attributes": {"args": "(1,)"}}),
        ("msg=%25999999999d&args=(1,)", {"message": "%999999999d", "attributes": {"args": "(1,)"}}),
        ("msg=%25*d&args=(999999999,1)", {"message": "%*d", "attributes": {"args": "(999999999,1)"}}),
        ("message=a&nothing=None&empty=", {"message": "a", "attributes": {"nothing": "None", "empty": ""}}),
        ("msg=a%00b&msg=c%00d%FF", {"message": "c␀d\ufffd"}),
        ("msg=a&name=shop&lineno=3&funcName=pay&created=1795989076.5898821&levelname=ERROR&pathname=%2Fa.py&filename=a.py",
         {"message": "a", "logger": "shop", "line": 3, "function": "pay", "timestamp": 1795989076589882100,
          "level": "ERROR", "severity": 17, "file": "/a.py", "attributes": {"filename": "a.py"}}),
    ],
)  # fmt: skip
def test_the_fields_of_pythons_handler_are_an_entry(form, entry):
    (found,) = entries_of(read(form, FORM))

    assert found == {"timestamp": found["timestamp"], **entry}


@pytest.mark.parametrize("form", ["a=b", "hello world", "&".join(["msg=a"] * 2000), "=" * 9])
def test_other_forms_are_refused(form):
    with pytest.raises(BodyRefused) as error:
        read(form, FORM)

    assert error.value.status == 400


def test_a_template_cannot_make_a_text_of_any_size():
    form = f"msg={'%25(a)s' * 20_000}&args={{'a':+'{'x' * 9_000}'}}"

    assert len(read(form, FORM).columns["message"][0]) < 200_000


MUTATIONS = 10_000
GOOD = [
    {
        "timestamp": "2026-01-15T10:30:45.123Z",
        "level": "INFO",
        "message": f"neighbour {number}",
        "line": number,
        "context": {"a": [1, {"b": 1.5}]},
    }
    for number in range(3)
]
PIECES = [
    *(
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b",",
        b":",
        b"\x00",
        b"\xff",
        b"NaN",
        b"-",
        b"1e999",
        b"null",
        b"\n",
    ),
    *(b"\\u0000", b"\\ud800", b"9" * 5000, b"[" * 150, b"{}", b'"line":', b"\xef\xbb\xbf"),
]


def mutated(chance, body):
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(body) + 1)
        gone = chance.choice([0, 0, 1, 1, chance.randint(1, 40)])
        body = body[:place] + chance.choice([b"", *PIECES]) + body[place + gone :]
    return body


def test_no_mutation_of_a_body_raises_anything_but_a_refusal():
    """Of an array, of lines, and of forms: what is not refused has all its values, each taken or rejected."""
    chance = random.Random(20)
    lines = [json.dumps(entry).encode() for entry in GOOD]
    bodies = [
        b"[%s]" % b",".join(lines),
        b"\n".join(lines),
        b"".join(lines),
        b"msg=%25s&args=('a',)&levelname=INFO",
    ]
    outcomes = {"taken": 0, "rejected": 0, 400: 0}
    for number in range(MUTATIONS):
        body = mutated(chance, bodies[number % 4])
        try:
            incoming = read(body, chance.choice(["application/json", FORM]))
        except BodyRefused as error:
            outcomes[error.status] += 1
            continue
        assert {len(column) for column in incoming.columns.values()} == {len(incoming.indexes)}
        outcomes["taken"] += len(incoming.indexes)
        outcomes["rejected"] += len(incoming.rejections)
        json.dumps(entries_of(incoming), ensure_ascii=False).encode()

    assert all(outcomes.values()), outcomes


@pytest.mark.parametrize(
    "bad",
    [
        *("{}", "[]", "7", "null", '"text"', "true", "NaN", "[" * 150 + "]" * 150),
        '{"message": "b", "app": "other"}',
        '{"message": "b", "context": ' + '{"a":' * 120 + "1" + "}" * 121,
        json.dumps({"message": "b", "context": {"a": [{"b": 1}] * 5001}}),
        json.dumps(dict.fromkeys(map(str, range(1001)))),
    ],
    ids=range(12),
)  # fmt: skip
@pytest.mark.parametrize("form", ["[{},{},{}]", "{}\n{}\n{}"])
def test_a_bad_entry_is_rejected_with_its_reason_and_its_neighbours_are_stored(form, bad):
    body = form.replace("{}", "%s") % ('{"message": "a"}', bad, '{"message": "c"}')

    incoming = read(body, app="mine")

    assert incoming.columns["message"] == ["a", "c"]
    assert incoming.indexes == [0, 2]
    (rejection,) = incoming.rejections
    assert rejection.index == 1
    assert rejection.reason


@pytest.mark.parametrize("field", ["message", "labels", "context", "attributes", "host", "other"])
@pytest.mark.parametrize("form", ["[]", '{"a": }'])
def test_what_is_nested_as_deep_as_it_can_be_read_is_rejected_alone(field, form):
    opened, closed = form[:-1], form[-1]
    for depth in (120, 400, 600, 900):
        value = f'{{"a": {opened * depth}{"1" if closed == "}" else ""}{closed * depth}}}'

        incoming = read(f'[{{"message": "a"}}, {{"{field}": {value}}}, {{"message": "c"}}]')

        assert incoming.columns["message"] == ["a", "c"]
        assert [rejection.index for rejection in incoming.rejections] == [1]


@pytest.mark.parametrize(
    "body",
    [
        b"[%s]" % b",".join([b"{}"] * 3_000_000),
        b'{"a": [%s]}' % b",".join([b"[]"] * 3_000_000),
        b"[%s]" % b",".join([b"1"] * 3_000_000),
        b'{"a":1}' * 200_001,
    ],
    ids=["objects", "arrays", "numbers", "lines"],
)
def test_the_memory_of_many_small_things_is_bounded(body):
    """Nine megabytes of empty objects would be hundreds as entries."""
    tracemalloc.start()
    try:
        with pytest.raises(BodyRefused) as error:
            read(body)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert error.value.status == 413
    assert peak < 100 * 1024**2
