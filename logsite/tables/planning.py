"""How PostgreSQL reads a table, where its planner would guess wrong. On SQLite nothing changes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.db import connection, transaction


def without_sequential_scans() -> AbstractContextManager[None]:
    """A planner without statistics would read the rows of a day rather than the index of their tokens."""
    return _without("enable_seqscan")


def in_order_of_an_index() -> AbstractContextManager[None]:
    """For the first few of many rows. The planner takes a row that has the words of a query for a rare one: it would
    read and sort the rows of a day to find a hundred of which the index of times has every third."""
    return _without("enable_seqscan", "enable_bitmapscan", "enable_sort")


@contextmanager
def _without(*ways: str) -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as sql:
        sql.execute("; ".join(f"SET LOCAL {way} = off" for way in ways))
        yield
        sql.execute("; ".join(f"SET LOCAL {way} TO DEFAULT" for way in ways))
