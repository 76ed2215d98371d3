"""Search for parts of words in commands, answers and errors, newest first.

A network engineer looks for pieces (an address, a serial number, `Gi0/1`), so a word index is no use. On
PostgreSQL a trigram index finds them; where its extension is missing, and on SQLite, whose trigram index
writes 25 times slower and whose sites are small, the rows of the time range asked for are read.

Either way the matches are found once, apart from the order: asked for the newest hundred, a planner would
walk the time index backwards, through everything for a rare word. Only a frequent word is walked for.
"""

import logging
from collections.abc import Sequence
from typing import Any

from django.db import Error, connections, transaction
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import StrIndex, Upper
from django.utils.text import smart_split, unescape_string_literal

from sessionlogs.models import IS_STDERR, SessionLog

log = logging.getLogger(__name__)
OWN_ERROR = "error_message without stderr"
COMMANDS = ("command", OWN_ERROR)
EVERYTHING = ("command", "response", "error_message")
RARE = 5000  # a word with more matches is found among the newest rows soon enough
TRIGRAM = 3
INDEX = "session_logs_fulltext"


def search(rows: QuerySet[SessionLog], text: str, columns: Sequence[str]) -> QuerySet[SessionLog]:
    """Those of `rows` that hold every word of `text` in one of `columns`, whatever its case; "in quotes" is
    one word. The caller orders them."""
    words = words_of(text)
    if not words:
        return rows
    contained = rows
    for word in words:
        contained = contained.filter(_any(columns, word))
    if connections[rows.db].vendor == "postgresql" and max(map(len, words)) < TRIGRAM:
        return _walked(rows, words, columns)
    found = list(contained.order_by().values_list("id", flat=True)[: RARE + 1])
    if len(found) <= RARE:
        return rows.filter(id__in=found)
    return _walked(rows, words, columns)


def words_of(text: str) -> list[str]:
    words = []
    for word in smart_split(text):
        if word[0] in "\"'" and len(word) > 1 and word[-1] == word[0]:
            word = unescape_string_literal(word)
        words.append(word)
    return [word for word in words if word]


def _any(columns: Sequence[str], word: str) -> Q:
    matches = Q()
    for column in columns:
        name, only = _column(column)
        matches |= Q(**{f"{name}__icontains": word}) & only
    return matches


def _column(column: str) -> tuple[str, Q]:
    """The name of a column to search, and the rows in which it may be searched."""
    return ("error_message", ~IS_STDERR) if column == OWN_ERROR else (column, Q())


def _walked(rows: QuerySet[Any], words: Sequence[str], columns: Sequence[str]) -> QuerySet[Any]:
    """The same condition in a form that no index serves, so that the time index is walked."""
    for word in words:
        matches = Q()
        for column in columns:
            name, only = _column(column)
            rows = rows.alias(**{f"{name}_at": StrIndex(Upper(name), Upper(Value(word)))})
            matches |= Q(**{f"{name}_at__gt": 0}) & only
        rows = rows.filter(matches)
    return rows


def has_index(using: str = "default") -> bool:
    """Whether the trigram index is there; asked of PostgreSQL only."""
    with connections[using].cursor() as sql:
        sql.execute("SELECT 1 FROM pg_indexes WHERE indexname = %s", [INDEX])
        return sql.fetchone() is not None


def create_index(using: str = "default") -> bool:
    """Create the trigram index on PostgreSQL unless it is there. False where it cannot be: the extension
    `pg_trgm` needs a superuser, or the right to create in the database."""
    connection = connections[using]
    if connection.vendor != "postgresql":
        return False
    if has_index(using):
        return True
    try:
        with transaction.atomic(using=using), connection.cursor() as sql:
            sql.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            columns = ", ".join(f"upper({column}) gin_trgm_ops" for column in EVERYTHING)
            sql.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON session_logs USING gin ({columns})")
    except Error as error:
        log.warning("no index for full-text search: %s", str(error).splitlines()[0])
        return False
    return True


def create_index_after_migrate(using: str, **_: Any) -> None:
    """With every `migrate`, so that it comes about once the extension is there."""
    if SessionLog._meta.db_table in connections[using].introspection.table_names():
        create_index(using)
