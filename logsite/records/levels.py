"""Which levels a filter lets through."""

from logsite.records.plain import LEVELS

BESIDE = ("SECURITY", "AUDIT")  # no severities: they pass every minimum


def levels_from(minimum: str) -> tuple[str, ...]:
    """The levels that the parameter `level=minimum` lets through: as severe or more, and SECURITY and AUDIT.

    The case of `minimum` does not count. Raises ValueError for the name of no level.
    """
    number = LEVELS.get(minimum.upper())
    if number is None:
        raise ValueError(f"level {minimum[:60]!r} does not exist; levels: {', '.join(LEVELS)}")
    return tuple(level for level, other in LEVELS.items() if other >= number or level in BESIDE)
