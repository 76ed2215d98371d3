"""From the unpacked bytes of a body to the columns of its entries. Nothing here reads or writes the database."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.conf import settings

from applogs.ingest.alike import rows_alike
from applogs.ingest.bodies import decode
from applogs.ingest.fields import COLUMNS, MAX_NAMES
from applogs.ingest.redacting import redact_columns
from applogs.ingest.rows import APP, HOST, Row, RowRefused, row_of
from applogs.ingest.values import ValueRefused, plain_value, write_json
from logsite.intake.rejected import Rejection
from logsite.text.cutting import shortened

_TYPES = {
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    list: "an array",
    type(None): "null",
}


class Incoming(NamedTuple):
    """The entries of one body.

    `columns`: a list a column of LogEntry, in the order of COLUMNS, objects as JSON texts, None for an empty one.
    `indexes`: of each accepted entry its index in the body, from 0.
    """

    columns: dict[str, list[Any]]
    indexes: list[int]
    rejections: list[Rejection]


class EntryReader:
    """Takes decoded entries, of any protocol, and returns their columns."""

    def __init__(self, *, received_at: int, app: str = "", host: str = "") -> None:
        """`app` and `host` are those of the ingest token: an entry may leave them out, and not name others."""
        self._received_at, self._app, self._host = received_at, app, host
        self._limit: int = settings.APPLOGS_MESSAGE_BYTES
        self._rows: list[Row] = []
        self._indexes: list[int] = []
        self._rejections: list[Rejection] = []

    def add(self, indexes: Iterable[int], values: Sequence[Any], *, odd: bool = True) -> None:
        """Read entries. `odd`: their texts may have NUL or halves of surrogate pairs."""
        rows = [None] * len(values) if odd else rows_alike(values, self._received_at, self._limit)
        free = not (self._app or self._host)
        for index, value, row in zip(indexes, values, rows, strict=True):
            if free and row is not None:
                self._rows.append(row)
                self._indexes.append(index)
            else:
                self._take(index, value, row, odd)

    def _take(self, index: int, value: Any, row: Row | None, odd: bool) -> None:
        try:
            self._rows.append(self._own(self._row(value, odd) if row is None else row))
        except RowRefused as error:
            self._rejections.append(Rejection(error.reason, _raw(value), error.field, index))
        else:
            self._indexes.append(index)

    def incoming(self) -> Incoming:
        """All entries so far, redacted."""
        lists = map(list, zip(*self._rows, strict=True)) if self._rows else ([] for _ in COLUMNS)
        columns = dict(zip(COLUMNS, lists, strict=True))
        redact_columns(columns)
        return Incoming(columns, self._indexes, self._rejections)

    def _row(self, value: Any, odd: bool) -> Row:
        if type(value) is not dict:
            raise RowRefused("", f"an entry is an object, and this is {_TYPES.get(type(value), 'a number')}")
        if not value:
            raise RowRefused("", "the entry is empty")
        if len(value) > MAX_NAMES:
            raise RowRefused("", f"the entry has more than {MAX_NAMES:,} fields")
        if odd:
            try:
                value = plain_value(value)
            except ValueRefused as error:
                raise RowRefused("", f"the entry is {error}") from None
        return row_of(value, self._received_at, self._limit)

    def _own(self, row: Row) -> Row:
        """`row` as the token allows it. Raises RowRefused."""
        if self._app and row[APP] != self._app:
            row[APP] = _own("app", self._app, row[APP])
        if self._host and row[HOST] != self._host:
            row[HOST] = _own("host", self._host, row[HOST])
        return row


def _own(field: str, own: str, named: str) -> str:
    """The token's app or host. Raises RowRefused if the entry names another."""
    if named:
        raise RowRefused(field, f"the token is for {field} {own!r}, the entry names {shortened(named, 60)!r}")
    return own


def _raw(value: Any) -> bytes:
    """What is kept of a rejected entry: its JSON, or nothing where it is nested too deeply to be written."""
    try:
        return write_json(value).encode()
    except (RecursionError, UnicodeEncodeError):
        return b""


def read_entries(
    body: bytes, content_type: str, *, received_at: int, app: str = "", host: str = ""
) -> Incoming:
    """The entries in `body`, redacted, and those that are rejected; `received_at` is in nanoseconds.

    Raises BodyRefused, with nothing taken: 415 for another type of body, 400 for one that cannot be decoded.
    """
    decoded = decode(body, content_type)
    reader = EntryReader(received_at=received_at, app=app, host=host)
    reader.add(decoded.indexes, decoded.values, odd=decoded.odd)
    return reader.incoming()
