"""Python's garbage collector, while lines come by the hundred thousand."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

USUAL = gc.get_threshold()
MANY = 20_000  # new objects before it looks for cycles again; usually 700


@contextmanager
def fewer_collections() -> Iterator[None]:
    """Lines are tuples of texts and no cycles: looking for some among them takes a fifth of the time.

    For the whole process; where several threads are at it, the first that ends makes it usual again.
    """
    gc.set_threshold(MANY, *USUAL[1:])
    try:
        yield
    finally:
        gc.set_threshold(*USUAL)
