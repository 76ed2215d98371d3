"""Django's engine for SQLite; where there is no database file yet, it is made with mode 600.

It has two functions more, which queries use: `logsite_has_term(text, pattern)` and
`logsite_in_network(address, network)`.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from logsite.private_files import make_file
from logsite.records.query.patterns import has_term
from logsite.records.query.predicate import in_network


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite would make the file as the umask has it; the files beside it (-wal, -shm) get the mode of the first."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        name = str(conn_params["database"])
        if name != ":memory:" and not name.startswith("file:"):
            with suppress(OSError):  # SQLite says itself why it cannot open the file
                make_file(Path(name))
        connection = super().get_new_connection(conn_params)
        connection.create_function("logsite_has_term", 2, has_term, deterministic=True)
        connection.create_function("logsite_in_network", 2, in_network, deterministic=True)
        return connection
