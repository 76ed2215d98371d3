"""Pages by key: the rows behind a key in an order, never an offset."""

from typing import Any

from django.db.models import Q


def beyond(ordering: list[str], key: list[Any], *, reverse: bool = False) -> Q:
    """The rows that come after `key` in `ordering` (before it, when `reverse`).

    The first column's bound is said once more on its own, so that an index on it can be entered at `key`.
    """
    condition = Q()
    equal = Q()
    for name, value in zip(ordering, key, strict=True):
        column, descending = name.lstrip("-"), name.startswith("-")
        step = "lt" if descending != reverse else "gt"
        condition |= equal & Q(**{f"{column}__{step}": value})
        equal &= Q(**{column: value})
    first, descending = ordering[0].lstrip("-"), ordering[0].startswith("-")
    bound = "lte" if descending != reverse else "gte"
    return Q(**{f"{first}__{bound}": key[0]}) & condition
