"""Credentials out of a batch of entries, whose texts are searched as one."""

import json
import random
import time
import tracemalloc

import pytest

from applogs.ingest import redacting
from applogs.ingest.fields import TEXT_LIMITS
from applogs.ingest.redacting import BETWEEN
from logsite.redaction import redact, register_secrets
from tests.applogs.reading import entries_of, read, read_one

KEY = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA7bq6\n" * 3
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "field", ["message", "file", "logger", "function", "module", "app", "host", "span_id", "id"]
)
def test_a_secret_is_taken_out_of_each_text(field):
    found = read_one({field: "password=hunter2 at", "line": 1})

    assert "hunter2" not in str(found)
    assert "<redacted:password> at" in str(found)


@pytest.mark.parametrize(
    "field", ["context", "metadata", "performance_data", "labels", "attributes", "other"]
)
@pytest.mark.parametrize(
    "text",
    [
        *("password=hunter2 at", 'password="hunter2" at', 'say "password: hunter2" at', "x\npassword=hunter2\nat"),
        *("https://me:hunter2@host1/ at", "Authorization: Bearer hunter2hunter2 at", "é password=hunter2 at"),
    ],
)  # fmt: skip
def test_a_secret_is_taken_out_of_each_object_which_stays_json(field, text):
    for value in ({"note": text, "b": "kept"}, {"a": {"list": [1, text, "kept"]}}, {text: "kept"}):
        found = json.dumps(read_one({field: value}), ensure_ascii=False)

        assert "hunter2" not in found
        assert "<redacted:" in found
        assert "kept" in found or field == "labels"  # an object there is a text, of which more is masked


def test_a_mark_that_is_longer_than_its_secret_stays_within_the_column():
    for field, limit in TEXT_LIMITS.items():
        text = "password=hunter2".rjust(limit)

        found = read({"message": "a", field: text}).columns[field][0]

        assert len(found) == limit
        assert "hunter2" not in found


SECRET_NAMES = [
    *(
        "password",
        "Password",
        "db_password",
        "userPassword",
        "passwd",
        "pwd",
        "passphrase",
        "secret",
        "clientSecret",
    ),
    *(
        "token",
        "access_token",
        "refreshToken",
        "X-Auth-Token",
        "authorization",
        "Proxy-Authorization",
        "api_key",
    ),
    *(
        "apiKey",
        "X-Api-Key",
        "private_key",
        "secret.key",
        "Cookie",
        "set-cookie",
        "cookies",
        "psk",
        "credentials",
    ),
]


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize(
    "value", ["hunter2", 4711, 1.5, ["hunter2", 4711], {"a": {"b": "hunter2"}}, "it is, hunter2}"]
)
def test_a_value_under_the_name_of_a_secret_is_masked(name, value):
    for entry in (
        {"context": {"a": [{name: value}], "b": 1}},
        {name: value, "b": 1},
        {"message": {name: value, "b": 1}},
    ):
        text = json.dumps(read_one(entry))

        assert not any(sign in text for sign in ("hunter2", "4711", "1.5"))
        assert "<redacted:" in text
        assert "1" in text


@pytest.mark.parametrize("name", SECRET_NAMES)
@pytest.mark.parametrize(
    "value", ["hunter2", 4711, ["hunter2", 4711], {"a": {"b": "hunter2"}}, "it is, hunter2}"]
)
def test_it_is_masked_in_an_object_that_becomes_the_text_of_a_label(name, value):
    labels = read_one({"labels": {"a": {"list": [2**63, {name: value}]}}})["labels"]

    assert not any(sign in labels["a"] for sign in ("hunter2", "4711"))
    assert "<redacted:" in labels["a"]


@pytest.mark.parametrize(
    "value",
    [
        {
            "auth_method": "password",
            "kind": "token",
            "total_tokens": 1500,
            "password_age": 3,
            "monkey": "x",
            "key": "k",
        },
        {"token": None, "password": "", "secret": True, "cookie": {}, "psk": []},
        {"a": "the password was changed", "b": "secret santa", "c": 'a "quoted" \\ text', "d": "é\u2028"},
        {"a": 0.12345678901234567, "b": 2**70},
    ],
)
def test_what_is_no_secret_stays_to_the_letter(value):
    text = read({"context": value}).columns["context"][0]

    assert json.loads(text) == value


def test_a_masked_object_keeps_its_numbers():
    body = '{"context": {"password": "hunter2", "n": 0.12345678901234567890123, "m": 123456789012345678901234567890}}'

    assert read(body).columns["context"] == [
        '{"password":"<redacted:password>","n":0.12345678901234567890123,"m":123456789012345678901234567890}'
    ]


def test_two_names_that_differ_in_their_secrets_stay_two():
    found = read_one({"context": {"password=hunter2": 1, "password=hunter3": 2}})

    assert sorted(found["context"].values()) == [1, 2]
    assert "hunter" not in str(found)


@pytest.mark.parametrize(
    "opened",
    [
        KEY,
        "-----BEGIN PKCS12-----\nMIIEpAIBAAKCAQEA",
        "Private-Lines: 14\nAAAA",
        "Private-Key: (2048 bit)\n00:11:22:33",
        "password=\\",
        "config system snmp community\nedit 1",
        "/snmp community\nadd",
        BETWEEN,
        f"a{BETWEEN}password=\\",
        f"password=hunter2{BETWEEN}",
        "password=",
        'password="',
        "enable secret 5 ",
    ],
)
@pytest.mark.parametrize(
    "neighbour",
    ["plain neighbour", "MIIEpAIBAAKCAQEA7bq6", "set name neighbour", "name=neighbour", "00:11:22:33 aa:bb"],
)
def test_a_secret_that_goes_on_takes_nothing_of_its_neighbours(opened, neighbour):
    """Each is redacted as if it came alone, whatever stands before it."""
    texts = ["first", opened, neighbour, "between", opened, neighbour, "last"]

    found = read([{"message": text} for text in texts]).columns["message"]

    assert found == [redact(text) for text in texts]


@pytest.mark.parametrize("opened", [KEY, "password=\\", "/snmp community\nadd", "password="])
def test_it_takes_nothing_of_the_objects_beside_it(opened):
    entry = {"context": {"a": opened}, "metadata": {"name": "neighbour", "b": "c"}, "labels": {"x": "name=y"}}

    found = entries_of(read([entry, entry]))

    assert found[0] == found[1]
    assert found[0]["metadata"] == entry["metadata"]
    assert found[0]["labels"] == entry["labels"]


def test_a_key_of_several_lines_is_one_mark_in_its_entry():
    found = read_one(
        {"message": f"{KEY}-----END RSA PRIVATE KEY-----", "context": {"key_file": f"{KEY}-----END RSA"}}
    )

    assert "MIIEpA" not in str(found)
    assert (
        found["message"]
        == "-----BEGIN RSA PRIVATE KEY-----\n<redacted:private-key>\n-----END RSA PRIVATE KEY-----"
    )


def test_a_secret_that_the_process_knows_is_found_in_each_field():
    with register_secrets({"api": "correct horse"}):
        found = read_one(
            {"message": "correct horse", "context": {"a": "a correct horse"}, "logger": "correct horse"}
        )

    assert "correct horse" not in str(found)


WORDS = [
    *(
        "password=hunter2",
        "token=abcdefgh12345",
        JWT,
        "enable secret 5 $1$abcd$0123456789abcdefghijkl",
        "plain",
        "é",
    ),
    *(
        "https://me:hunter2@host/",
        "snmp-server community public RO",
        "x" * 300,
        "password=\\",
        KEY,
        "",
        "name=x",
    ),
]


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_is_redacted_as_its_entries_alone(seed):
    chance = random.Random(seed)
    entries = [
        {
            "message": " ".join(chance.choices(WORDS, k=3)),
            "context": {"a": chance.choice(WORDS), chance.choice(("password", "b")): chance.choice(WORDS)},
            "user": [chance.choice(WORDS)],
        }
        for _ in range(60)
    ]

    together = entries_of(read(entries))

    assert together == [entries_of(read([entry]))[0] for entry in entries]
    assert "hunter2" not in str(together)
    assert JWT not in str(together)


def test_redacting_twice_changes_nothing():
    first = entries_of(read([{"message": word, "context": {"a": word, "token": word}} for word in WORDS]))

    assert entries_of(read([{**entry} for entry in first])) == first


def test_a_batch_is_searched_at_once(monkeypatch):
    calls = []
    monkeypatch.setattr(redacting, "redact", lambda text: calls.append(text) or text)

    read(
        [
            {"message": f"entry {number}", "context": {"n": number, "method": "password"}}
            for number in range(1000)
        ]
    )

    assert len(calls) == 2


def test_a_batch_of_open_secrets_is_redacted_in_a_bounded_number_of_calls(monkeypatch):
    """Halves of halves: as many calls as there are entries, twice at most."""
    calls = []
    monkeypatch.setattr(redacting, "redact", lambda text: calls.append(text) or redact(text))

    read([{"message": f"{number} password=\\"} for number in range(256)])

    assert len(calls) <= 3 * 256 + 2
    assert sum(map(len, calls)) < 20 * 256 * 40


def test_hostile_texts_take_linear_time():
    text = ('password="' * 2000 + "secret=\\" * 2000)[:30_000]
    begun = time.process_time()

    read([{"message": text, "context": {"a": text, "token": text}}] * 3)

    assert time.process_time() - begun < 10


def test_a_long_name_is_masked_and_not_remembered():
    read({"context": {"x" * 1_000_000 + "password": "hunter2"}})
    tracemalloc.start()
    try:
        for number in range(20):
            columns = read({"context": {f"{number}{'x' * 1_000_000}password": "hunter2"}}).columns
            assert "hunter2" not in columns["context"][0]
        del columns
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert kept < 5_000_000
