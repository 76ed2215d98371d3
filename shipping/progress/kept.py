"""How far shipping has got with a source: what lies behind must not be removed yet."""

from collections.abc import Iterator

from logsite.records import Cursor
from shipping.models import ShippingCursor


def cursors_of(source: str) -> Iterator[Cursor]:
    """The live cursor of every enabled destination that gets `source`.

    Not those of backfills: a window that was given up would keep its rows for ever.
    """
    rows = ShippingCursor.objects.filter(destination__enabled=True, source=source)
    for xact, row_id in rows.values_list("xact", "row_id"):
        yield Cursor(xact, row_id)
