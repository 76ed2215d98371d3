"""What the tests of the ingest share: read a body, and look at its entries one by one."""

import json

from applogs.ingest.entries import read_entries
from applogs.ingest.fields import OBJECTS

RECEIVED = 1_800_000_000_000_000_001  # nanoseconds
EMPTY = ("", None, 0)


def entries_of(incoming):
    """The entries as dicts of what is in them, objects as Python has them."""
    rows = zip(*incoming.columns.values(), strict=True)
    entries = [dict(zip(incoming.columns, row, strict=True)) for row in rows]
    return [
        {
            name: json.loads(value) if name in OBJECTS else value
            for name, value in entry.items()
            if value not in EMPTY or name == "timestamp"
        }
        for entry in entries
    ]


def read(body, content_type="application/json", **token):
    """The Incoming of a body, which may be anything that JSON can hold."""
    if not isinstance(body, bytes | str):
        body = json.dumps(body)
    body = body if isinstance(body, bytes) else body.encode()
    return read_entries(body, content_type, received_at=RECEIVED, **token)


def read_one(body, **token):
    """The one entry of a body, of which none is rejected, without the time of receipt."""
    incoming = read(body, **token)
    assert incoming.rejections == []
    (entry,) = entries_of(incoming)
    if entry["timestamp"] == RECEIVED:
        del entry["timestamp"]
    return entry
