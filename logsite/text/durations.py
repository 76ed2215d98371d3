"""Durations as a person reads them."""


def duration(milliseconds: float | None) -> str:
    """`0.3 ms`, `12 ms`, `3.4 s`; empty for None."""
    if milliseconds is None:
        return ""
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"
