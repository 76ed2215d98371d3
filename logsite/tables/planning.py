"""How PostgreSQL reads a table, where its planner would guess wrong. On SQLite nothing changes."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from django.db import connection, transaction

# Compiling an expression takes twenty milliseconds, and starting workers as many.
_SMALL = {"jit": "off", "max_parallel_workers_per_gather": "0"}


def without_sequential_scans() -> AbstractContextManager[None]:
    """A planner without statistics would read the rows of a day rather than the index of their tokens."""
    return _with({**_SMALL, "enable_seqscan": "off"})


def in_order_of_an_index() -> AbstractContextManager[None]:
    """For the first few of many rows. The planner thinks that few rows have the words of a query: it would read and
    sort all rows of a day, where the index of times gives a hundred soon."""
    return _with({**_SMALL, "enable_seqscan": "off", "enable_bitmapscan": "off", "enable_sort": "off"})


@contextmanager
def _with(settings: Mapping[str, str]) -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic(), connection.cursor() as sql:
        sql.execute("; ".join(f"SET LOCAL {name} = {value}" for name, value in settings.items()))
        yield
        sql.execute("; ".join(f"SET LOCAL {name} TO DEFAULT" for name in settings))
