"""Why a query was refused, and where."""

from typing import Any


class QueryError(ValueError):
    """A query that is refused. `position` counts characters of the query from 0.

    A refused query matches nothing: a guess could show more than was asked for. `field` is the parameter by which the
    query came, for those who take it by another name.
    """

    field = "query"

    def __init__(self, position: int, reason: str, hint: str = "") -> None:
        super().__init__(f"query, position {position}: {reason}" + (f"; {hint}" if hint else ""))
        self.position = position
        self.reason = reason
        self.hint = hint

    def as_json(self) -> dict[str, Any]:
        """The body of the answer with status 400."""
        return {
            "error": {
                "field": self.field,
                "position": self.position,
                "reason": self.reason,
                "hint": self.hint,
            }
        }


class UnknownField(QueryError):
    """A name that is neither a field of the source nor, as it has no open columns, a key in one of them."""


class Withheld(QueryError):
    """A field that the reader lacks the permission for."""
