"""Cuts responses that are larger than anybody reads, and says so in their place."""

from django.conf import settings

from logsite.text.cutting import cut_place


def limited(text: str) -> tuple[str, int]:
    """`text` within SESSION_LOG_RESPONSE_LIMIT bytes of UTF-8, and how many bytes of it were cut.

    Cut at a line's end, or inside the line where the first one alone is too long. A last line says what is
    missing; it is not counted. `text` must be redacted before: redaction cannot find a secret that is cut in half.
    """
    limit = settings.SESSION_LOG_RESPONSE_LIMIT
    if len(text) * 4 <= limit:  # no character has more than four bytes
        return text, 0
    raw = text.encode()
    if len(raw) <= limit:
        return text, 0
    kept = raw[: raw.rfind(b"\n", 0, limit) + 1] or raw[: cut_place(raw, limit)]
    cut = len(raw) - len(kept)
    line_end = "" if kept.endswith(b"\n") or not kept else "\n"
    return f"{kept.decode()}{line_end}<truncated: {cut} of {len(raw)} bytes>", cut
