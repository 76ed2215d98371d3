"""A receiver is one class: the engine needs no change for it."""

import ast
import re

import pytest

from logsite.records import Cursor
from shipping.engine import Shipper
from shipping.errors import Unavailable
from shipping.models import Destination, RejectedEntry, ShippingCursor
from shipping.receivers.base import Item, Receiver, Refusal
from shipping.run import rehearse
from tests.shipping.builders import ListFeed, make_record
from tests.shipping.processes import ROOT

pytestmark = pytest.mark.django_db


class Letters(Receiver):
    """Takes two items of a record, at most three records a push, and no line with a `z`."""

    def __init__(self, faults=0):
        self.stored, self.sent, self.faults = [], [], faults

    def encode(self, cursor, record):
        half = len(record.message) // 2
        texts = [record.message[:half], record.message[half:]]
        return [Item(cursor, f"{n}/2", text, len(text)) for n, text in enumerate(texts, 1)]

    def fits(self, push, items):
        return len(push.records) < 3

    def deliver(self, items, *, uncertain):
        self.sent.append(uncertain)
        if self.faults:
            self.faults -= 1
            raise Unavailable("the letter box is full")
        refused = [Refusal(item, "z is no letter") for item in items if "z" in item.payload]
        self.stored += [item.payload for item in items if "z" not in item.payload]
        return refused


def shipper_to(receiver, records, **fields):
    destination, _ = Destination.objects.get_or_create(name="letters", defaults={"url": "letters:"})
    return Shipper(destination, receiver, ListFeed(records), **{"batch_size": 100, **fields})


def ship(shipper):
    with shipper:
        while shipper.step():
            pass


def test_a_receiver_gets_each_record_once_in_pushes_that_it_takes():
    receiver = Letters()

    ship(shipper_to(receiver, [make_record(n, message=f"a{n}b{n}") for n in range(1, 8)]))

    assert receiver.stored == [text for n in range(1, 8) for text in (f"a{n}", f"b{n}")]
    assert len(receiver.sent) == 3
    assert (ShippingCursor.objects.get().row_id, ShippingCursor.objects.get().shipped) == (7, 7)


def test_what_a_receiver_refuses_is_recorded_with_its_words_and_its_part():
    shipper = shipper_to(
        Letters(), [make_record(1), make_record(2, message="abzz", labels={"server_tag": "fw9"})]
    )

    ship(shipper)

    entry = RejectedEntry.objects.get()
    assert (entry.row_id, entry.part, entry.reason, entry.line) == (2, "2/2", "z is no letter", "abzz")
    assert entry.labels == {"server_tag": "fw9"}
    assert shipper.totals.reasons == {"z is no letter": 1}


def test_a_receiver_is_told_whether_items_may_have_been_sent_before():
    receiver = Letters(faults=1)
    records = [make_record(n) for n in range(1, 8)]
    with pytest.raises(Unavailable):
        ship(shipper_to(receiver, records))

    ship(shipper_to(receiver, records))

    assert receiver.sent == [True, True, False, False]


def test_a_rehearsal_counts_what_a_receiver_would_get():
    receiver = Letters()

    found = rehearse(ListFeed([make_record(n) for n in range(1, 8)]), Cursor(), receiver, batch_size=5)

    assert (found.records, found.pushes, found.split, receiver.sent) == (7, 3, 7, [])


FOR_EVERY_RECEIVER = (
    "engine",
    "errors",
    "feed",
    "progress/kept",
    "progress/lanes",
    "progress/refused",
    "retry",
    "run",
)


def test_what_serves_every_receiver_names_none_and_imports_only_their_contract():
    found = {}
    for name in FOR_EVERY_RECEIVER:
        text = (ROOT / "shipping" / f"{name}.py").read_text(encoding="utf-8")
        modules = {
            node.module
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("shipping.receivers")
        }
        words = re.findall(r"(?i)loki|stream|tenant|elastic|logstash", text)
        if words or modules - {"shipping.receivers.base"}:
            found[name] = (words, modules)
    assert found == {}
