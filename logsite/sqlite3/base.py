"""Django's engine for SQLite; where there is no database file yet, it is made with mode 600."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from logsite.private_files import make_file


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite would make the file as the umask has it; the files beside it (-wal, -shm) get the mode of the first."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        name = str(conn_params["database"])
        if name != ":memory:" and not name.startswith("file:"):
            with suppress(OSError):  # SQLite says itself why it cannot open the file
                make_file(Path(name))
        return super().get_new_connection(conn_params)
