"""The LogQL of the documents' examples, strictly: a selector of equal labels, and lines that contain a text."""

import re
from collections.abc import Iterable

from tests.shipping.loki_stand_in import Stored

# {job="aoss", status="Failed"} |= "STDERR"
QUERY = re.compile(
    r'\{(?P<labels>[a-zA-Z_]\w*="[^"\\]*"(?:, [a-zA-Z_]\w*="[^"\\]*")*)\}(?: \|= "(?P<text>[^"\\]+)")?',
    re.ASCII,
)
LABEL = re.compile(r'([a-zA-Z_]\w*)="([^"\\]*)"', re.ASCII)


def select(query: str, entries: Iterable[Stored]) -> list[Stored]:
    """The entries that `query` finds, in their order. Raises ValueError for anything but the documents' forms."""
    if not (found := QUERY.fullmatch(query)):
        raise ValueError(f"not a query of the documents' forms: {query}")
    wanted = LABEL.findall(found["labels"])
    text = found["text"] or ""
    return [
        entry
        for entry in entries
        if all(entry.labels.get(name, "") == value for name, value in wanted) and text in entry.line
    ]
