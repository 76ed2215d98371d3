"""What senders may send, drawn by Hypothesis: values, entries, bodies, and credentials in them."""

import json

from hypothesis.strategies import (
    SearchStrategy,
    binary,
    composite,
    dictionaries,
    fixed_dictionaries,
    lists,
    one_of,
    sampled_from,
    text,
)

from applogs.ingest.alike import FEW
from applogs.ingest.fields import PLACES
from tests.fuzzing import json_values, texts

SECRET = "hunter2"
SAYINGS = [
    f"password={SECRET} at",
    f'password="{SECRET}"',
    f"Authorization: Bearer {SECRET}{SECRET}",
    f"https://me:{SECRET}@host1/",
    "password=\\",
    "enable secret 5 ",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7bq6\n",
    "config system snmp community\nedit 1",
    "\n\x1e\nend\n/\x1e\n",
    'a "quoted" \\ text\n',
    "é\u2028",
]


def nested_as(opened: str, closed: str, depth: int) -> object:
    return json.loads(opened * depth + ("1" if closed == "}" else "") + closed * depth)


ODD: list[object] = [
    *(2**63, -(2**63) - 1, 2**63 - 1, 10**400, 1e308, 1e-400, -0.0, "\0", "\ud800", "\udfffa", "x" * 2000),
    *(nested_as("[", "]", 120), nested_as('{"password":', "}", 450), nested_as("[", "]", 500)),
    *("2026-01-15T10:30:45.123456789Z", "1795989076.5898821", 1795989076589, "0001-01-01T00:00:00+14:00", ""),
    *("ERROR", "error ", "ERROR+4", 30, 17, "17", "security", True, None, {}, [], "9" * 5000, "ﬁ", "\u0661"),
]
SIGNS = [
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\0", b"\xff", b"\n"),
    *(b"NaN", b"1e999", b"\\ud800", b"\\u0000"),
]
SECRET_NAMES = "password Passwd access_token X-Api-Key Set-Cookie clientSecret psk PRIVATE.KEY".split()
OTHER_NAMES = ["log", "service", "origin", "file", "user", "a"]
names = sampled_from(sorted(PLACES)) | sampled_from(OTHER_NAMES) | texts()
values = one_of(json_values(), sampled_from(ODD), sampled_from(SAYINGS))
nested = dictionaries(names, values, max_size=3)
fields = values | nested | lists(nested, max_size=2)
entries: SearchStrategy[dict[str, object]] = dictionaries(names, fields, max_size=6)
things = entries | values
pieces = sampled_from(SIGNS) | things.map(json.dumps).map(str.encode)
bodies = binary(max_size=60) | lists(pieces, max_size=8).map(b"".join)


def forms(sent: list[object]) -> list[bytes]:
    """The bodies that hold `sent`: an array, one a line, and back to back, without blanks and with some."""
    each = [json.dumps(one).encode() for one in sent]
    return [b"[%s]" % b",".join(each), b"\n".join(each), b"".join(each), b" \r\n\t".join(each)]


@composite
def alike(draw) -> list[object]:
    """Entries with the same names, as many as are read together, and one of another kind among them."""
    named = draw(lists(names, min_size=1, max_size=4, unique=True))
    usual = [draw(lists(fields, min_size=1, max_size=3)) for _ in named]
    sent: list[object] = [
        dict(zip(named, (each[number % len(each)] for each in usual), strict=True))
        for number in range(FEW + 2)
    ]
    return [*sent[:3], draw(things), *sent[3:]]


@composite
def secrets(draw) -> dict[str, object]:
    """An entry with SECRET under the name of a secret, somewhere."""
    name = draw(text(max_size=4)) + draw(sampled_from(["", "_", "-", " "])) + draw(sampled_from(SECRET_NAMES))
    value: object = draw(text(max_size=5)) + SECRET + draw(text(max_size=5))
    for form in draw(lists(sampled_from("[{"), max_size=3)):
        value = [value, 1] if form == "[" else {draw(texts()): value, "b": 1}
    value = {name: value, **draw(nested)}
    for form in draw(lists(sampled_from("[{"), max_size=3)):
        value = [draw(values), value] if form == "[" else {**draw(nested), "inner": value}
    at = draw(sampled_from(["message", "context", "labels", "attributes", "metadata", "other", ""]))
    value = value if isinstance(value, dict) else {"list": value}
    return {
        **draw(fixed_dictionaries({"level": sampled_from(["INFO", "x"])})),
        **({at: value} if at else value),
    }
