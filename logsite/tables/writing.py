"""The threads of a process take turns at writing to SQLite, which lets one transaction write at a time.

SQLite by itself lets who finds it taken sleep and look again, up to a tenth of a second at a time and in no
order: among fifty threads some wait for half a second though no transaction takes longer than a few milliseconds.
PostgreSQL needs no turns.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

PATIENCE = 20.0  # seconds that a thread waits for its turn; then SQLite itself decides which one is next
_turn = threading.Lock()


@contextmanager
def writing() -> Iterator[None]:
    """`transaction.atomic()`, on SQLite begun when it is this thread's turn.

    Nothing in it may wait for another thread. Within a transaction it is a savepoint: who waited for a turn
    there would hold up who has it.
    """
    turn = _turn
    takes_turns = connection.vendor == "sqlite" and not connection.in_atomic_block
    ours = takes_turns and turn.acquire(timeout=PATIENCE)
    try:
        with transaction.atomic():
            yield
    finally:
        if ours:
            turn.release()


def _renew_after_fork() -> None:
    """The thread that holds the lock is not among the child's."""
    global _turn
    _turn = threading.Lock()


os.register_at_fork(after_in_child=_renew_after_fork)
