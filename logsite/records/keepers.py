"""Which rows must not be removed yet, because a reader has not read them.

A reader by cursor registers here, and a purge asks `lowest_needed(source)`: so `purge_logs` keeps what is not
shipped, and the log apps know nothing of shipping.
"""

from collections.abc import Callable, Iterable

from logsite.records.plain import Cursor

Keeper = Callable[[str], Iterable[Cursor]]
_keepers: list[Keeper] = []


def register_keeper(keeper: Keeper) -> None:
    """Make known who still needs rows: called with a source's name, `keeper` gives the cursor of each reader.

    So a room that removes rows need not know the rooms that read them; these register in `AppConfig.ready`.
    """
    _keepers.append(keeper)


def lowest_needed(source: str) -> Cursor | None:
    """The lowest cursor of all readers of `source`: rows after it must stay. None if the source has no reader."""
    return min((cursor for keeper in _keepers for cursor in keeper(source)), default=None)
