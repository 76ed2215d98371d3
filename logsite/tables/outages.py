"""Errors of the database that end by themselves or by an operator's hand, and are no defect of LogSite.

A page answers them with 503 (error_pages.py), a command with one sentence (commands.py).
"""

from django.db import Error

# Primary result codes of SQLite, https://www.sqlite.org/rescode.html: the low byte of `sqlite_errorcode`.
SQLITE = {
    5: "the database is locked by another process",
    6: "the database is locked by another process",
    7: "the database has no memory left",
    8: "the database is read-only: its file or folder cannot be written",
    10: "the disk of the database fails or is full",
    13: "the disk of the database is full",
    14: "the database file cannot be opened",
    15: "the database is locked by another process",
}
# SQLSTATEs of PostgreSQL, or their first two characters: https://www.postgresql.org/docs/current/errcodes-appendix.html
POSTGRESQL = {
    "25006": "the database is read-only",
    "40": "another transaction changed the same rows",
    "53100": "the disk of the database is full",
    "53200": "the database server has no memory left",
    "53300": "the database server has too many connections",
    "53": "the database server lacks resources",
    "55P03": "a lock of the database is held by another process",
    "57014": "the statement took too long, and the database ended it",
    "57": "the database server is shutting down or starting",
    "58": "the database server cannot read or write its files",
    "08": "the connection to the database broke",
}
NO_ANSWER = "the database server does not answer"


def outage(error: BaseException | None) -> str | None:
    """What the database lacks, as a sentence without its last word; None where the error is of another kind.

    The database's own text is left out: it may hold the connection string or a row.
    """
    cause = error.__cause__ or error if isinstance(error, Error) else error
    if code := getattr(cause, "sqlite_errorcode", None):
        return SQLITE.get(code & 0xFF)
    if not type(cause).__module__.startswith("psycopg"):
        return None
    if state := getattr(cause, "sqlstate", None):
        return POSTGRESQL.get(state) or POSTGRESQL.get(state[:2])
    # libpq gives no SQLSTATE where it reached no server, or where the connection broke.
    return NO_ANSWER if type(cause).__name__ in ("OperationalError", "InterfaceError") else None
