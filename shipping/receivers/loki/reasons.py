"""Loki's reasons by kind, to count them: its own texts carry times and streams and never repeat."""

import re
from datetime import datetime

_TOO_OLD = re.compile(
    r"(?:(\d+) errors like: )?(entry for stream '.*?' has timestamp too old: (\S+), "
    r"oldest acceptable timestamp is: \S+?)(?:; |\s*$)"
)
# A request that one of Loki's servers does not take whole, said with 429 or 500 by the server before it:
# `rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5229930 vs. 4194304)`
# `rpc error: code = ResourceExhausted desc = trying to send message larger than max (4311296 vs. 4194304)`
# `http: request body too large`
# Before it are no quotes and braces, so no label of an entry: its text must not decide.
_TOO_LARGE = re.compile(
    r"(?:[\w .=()-]{1,100}: ){0,4}(?:[\w .=()-]{0,100} )?"
    r"(?:(?:received|trying to send) message (?:after decompression )?larger than max|message size too large than max"
    r"|request (?:body|entity) too large)",
    re.IGNORECASE,
)
# `Ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting to ingest '1000' lines
# totaling '6494575' bytes, reduce log volume or …`
# `Per stream rate limit exceeded (limit: 3MB/sec) while attempting to ingest for stream '{…}' totaling 5.2MB, …`
_RATES = (
    re.compile(
        r"ingestion rate limit exceeded\b[^(]{0,200}\(limit: (\d{1,15}) (b)ytes/sec\) while attempting to ingest "
        r"'\d+' lines totaling '(\d{1,15})' (b)ytes",
        re.IGNORECASE,
    ),
    re.compile(
        r"per stream rate limit exceeded \(limit: (\d[\d.]{0,9}) ?([kmgt]?b)/sec\) while attempting to ingest "
        r"for stream '.*' totaling (\d[\d.]{0,9}) ?([kmgt]?b)\b",
        re.IGNORECASE | re.DOTALL,
    ),
)
_UNITS = {"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
_LABELS = re.compile(
    r'\{(?:[^{}"]|"(?:[^"\\]|\\.)*+")*+\}'
)  # such as {app="shop", note="a } and a \" in it"}
_KINDS = {
    "too far behind": "more than an hour behind the newest entry of its stream",
    "timestamp too old": "older than Loki accepts",
    "timestamp too new": "in the future",
    "max entry size": "line too long",
    "label names; limit": "too many labels",
    "label name too long": "label name too long",
    "label value too long": "label value too long",
    "parse labels": "labels that Loki cannot read",
    "parsing labels": "labels that Loki cannot read",
    "structured metadata too large": "structured metadata too large",
    "too many structured metadata": "too much structured metadata",
    "stream limit": "too many streams",
}


def all_too_old(answer: str, entries: int) -> dict[int, str] | None:
    """Loki's reasons by the second (since the epoch) of the entry, if it refused all `entries` as too old.

    Loki counts such refusals one by one, so their number tells whether it was every entry; a history of
    months would otherwise take two requests for each of its entries. None where it is not that clear.
    """
    found = list(_TOO_OLD.finditer(answer))
    if sum(int(match[1] or 1) for match in found) != entries or _TOO_OLD.sub("", answer).strip():
        return None
    try:
        return {int(datetime.fromisoformat(match[3]).timestamp()): match[2] for match in found}
    except ValueError:
        return None


def is_too_large(code: int, reason: str) -> bool:
    """Whether an answer of 429 or 5xx means that the request will never be taken; its halves may be."""
    return (code == 429 or code >= 500) and bool(_TOO_LARGE.match(reason))


def exceeds_rate(code: int, reason: str) -> bool:
    """Whether the request has more bytes than Loki takes in a second.

    Loki takes such a request only where its burst is larger than its rate, and never tells the burst.
    """
    if code != 429 or not (found := next(filter(None, (rate.match(reason) for rate in _RATES)), None)):
        return False
    limit, limit_unit, total, total_unit = found.groups()
    try:
        return float(total) * _UNITS[total_unit.lower()] > float(limit) * _UNITS[limit_unit.lower()]
    except ValueError:  # such as 1.2.3
        return False


def kind_of(reason: str) -> str:
    """What kind of refusal `reason` is; a text that is not known stands for itself, without labels, shortened."""
    for mark, kind in _KINDS.items():
        if mark in reason:
            return kind
    return _LABELS.sub("{…}", reason)[:120]
