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
ODD = [
    *(2**63, -(2**63) - 1, 2**63 - 1, 10**400, 1e308, 1e-400, -0.0, "\0", "\ud800", "\udfffa", "x" * 2000),
    *("2026-01-15T10:30:45.123456789Z", "1795989076.5898821", 1795989076589, "0001-01-01T00:00:00+14:00", ""),
    *("ERROR", "error ", "ERROR+4", 30, 17, "17", "security", True, None, {}, [], "9" * 5000, "ﬁ", "\u0661"),
]
SIGNS = [
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b",", b":", b"\0", b"\xff", b"\n"),
    *(b"NaN", b"1e999", b"\\ud800", b"\\u0000"),
]
SECRET_NAMES = [
    "password",
    "Passwd",
    "access_token",
    "X-Api-Key",
    "Set-Cookie",
    "clientSecret",
    "psk",
    "PRIVATE.KEY",
]
OTHER_NAMES = ["log", "service", "origin", "file", "user", "a"]
names = sampled_from(sorted(PLACES)) | sampled_from(OTHER_NAMES) | texts()
values = one_of(json_values(), sampled_from(ODD), sampled_from(SAYINGS))
nested = dictionaries(names, values, max_size=3)
entries: SearchStrategy[dict[str, object]] = dictionaries(
    names, values | nested | lists(nested, max_size=2), max_size=6
)
things = entries | values
bodies = binary(max_size=60) | lists(
    sampled_from(SIGNS) | things.map(json.dumps).map(str.encode), max_size=8
).map(b"".join)


def forms(sent: list[object]) -> list[bytes]:
    """The bodies that hold `sent`: an array, an entry a line, back to back, and one object where it is one."""
    texts = [json.dumps(each).encode() for each in sent]
    return [b"[%s]" % b",".join(texts), b"\n".join(texts), b"".join(texts), b" \r\n".join(texts)]


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
