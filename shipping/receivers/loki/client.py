"""Loki as a destination: the push request, and what its answers mean."""

from collections.abc import Iterator, Sequence

import requests

from shipping.errors import Misconfigured, Refused, TooLarge
from shipping.http import Answer, ask, judge, new_session
from shipping.receivers.base import Refusal
from shipping.receivers.loki.encoding import REQUEST_BYTES, Entry, stream_bytes
from shipping.receivers.loki.reasons import all_too_old, exceeds_rate, is_too_large, kind_of
from shipping.retry import Retry

PUSH_PATH = "/loki/api/v1/push"
ANSWER_BYTES = 4 * 1024**2  # Loki tells each entry it refuses
_EMPTY_PUSH = b'{"streams":[]}'


class LokiClient:
    """Pushes entries to one Loki over one connection. Not to be used by two threads at a time."""

    def __init__(
        self,
        url: str,
        retry: Retry,
        *,
        auth: requests.auth.AuthBase | tuple[str, str] | None = None,
        tenant: str = "",
        timeout: float,
        request_bytes: int,
    ) -> None:
        self.url, self.retry, self.timeout, self.request_bytes = url, retry, timeout, request_bytes
        self.requests_sent = 0
        self._known_as_loki = False
        self._session = new_session(auth)
        self._session.headers["Content-Type"] = "application/json"
        if tenant:
            self._session.headers["X-Scope-OrgID"] = tenant

    def __repr__(self) -> str:
        return f"LokiClient({self.url!r})"

    def close(self) -> None:
        self._session.close()

    def deliver(self, entries: Sequence[Entry]) -> list[Refusal]:
        """Bring all `entries` to Loki, in requests of at most `request_bytes`; return the refused ones.

        When this returns, every other entry is stored. Raises Unavailable, Misconfigured or Stopped, and
        then nothing may be assumed of any entry: send them all again.
        """
        refusals: list[Refusal] = []
        for request in in_requests(entries, self.request_bytes):
            refusals += self._deliver_request(request)
        return refusals

    def _deliver_request(self, entries: Sequence[Entry]) -> list[Refusal]:
        """Push `entries`; where Loki refuses, halve until the offending ones stand alone.

        Loki stores the rest of a refused request, but not for every reason (labels it cannot read cost the
        whole request), and its text does not say which. Only what a 204 covers counts as stored.
        """
        try:
            self.retry.call(lambda: self._post(body_of(entries), alone=len(entries) == 1))
        except TooLarge as error:
            if len(entries) == 1:
                return [Refusal(entries[0], str(error), "request too large")]
        except Refused as error:
            self._confirm_loki()
            if len(entries) == 1:
                return [_refusal(entries[0], str(error))]
            if (reasons := all_too_old(error.answer, len(entries))) is not None:
                return [
                    _refusal(entry, reasons.get(entry.timestamp // 10**9, str(error))) for entry in entries
                ]
        else:
            return []
        middle = len(entries) // 2
        return self._deliver_request(entries[:middle]) + self._deliver_request(entries[middle:])

    def _confirm_loki(self) -> None:
        """Make sure that a 400 is about entries, once: a web server that answers 400 to everything, as one
        that expects TLS does, must not get all entries recorded as refused.
        """
        if self._known_as_loki:
            return
        try:
            self.retry.call(lambda: self._post(_EMPTY_PUSH))
        except Refused as error:
            if not str(error).startswith("error at least one valid stream"):
                problem = "refuses even an empty push, so it may not be Loki; check the address"
                raise Misconfigured(f"{self} {problem}: {str(error)[:200]}") from None
        self._known_as_loki = True

    def _post(self, body: bytes, *, alone: bool = False) -> None:
        """Raises TooLarge for what may be taken in halves; `alone`, there is nothing to halve."""
        self.requests_sent += 1
        url = self.url + PUSH_PATH
        answer = ask(
            self._session, str(self), "POST", url, timeout=self.timeout, limit=ANSWER_BYTES, data=body
        )
        if is_too_large(answer.code, answer.reason):
            raise TooLarge(answer.reason)
        if exceeds_rate(answer.code, answer.reason) and not alone:
            raise TooLarge(answer.reason)
        judge(str(self), answer, refused_by_setting)
        if answer.code != 204:
            raise Misconfigured(not_stored(str(self), answer))

    def __str__(self) -> str:
        return f"Loki at {self.url}"


def _refusal(entry: Entry, reason: str) -> Refusal:
    return Refusal(entry, reason, kind_of(reason))


# What Loki says where one of its settings refuses every entry of a stream or tenant, and the setting.
SETTINGS_OF_REFUSALS = {
    "ingestion blocked": "block_ingestion_until",
    "blocked for": "block_ingestion_until",
    "no org id": "LOKI_TENANT here, or auth_enabled there",
    "structured metadata, but this feature is disallowed": "allow_structured_metadata",
    "missing required labels": "enforced_labels",
    "missing required label": "enforced_labels",
    "max label names per series": "max_label_names_per_series",
}


def refused_by_setting(text: str) -> str:
    """The name of the setting by which Loki refuses; empty where the refusal is about entries."""
    return next((name for mark, name in SETTINGS_OF_REFUSALS.items() if mark in text), "")


def not_stored(who: str, answer: Answer) -> str:
    """Why the push failed although HTTP calls the answer a success: only Loki's 204 says that entries are stored."""
    text = answer.reason[:200]
    if answer.code == 260 or refused_by_setting(text):
        return f"{who} blocks what is pushed: see block_ingestion_until in its limits_config ({text})"
    return f"{who} answered {answer.code} and not 204: is a login page or a proxy at this address? ({text})"


def body_of(entries: Sequence[Entry]) -> bytes:
    """The JSON of a push, grouped by stream; entries keep their order within it."""
    streams: dict[bytes, list[bytes]] = {}
    for entry in entries:
        streams.setdefault(entry.stream, []).append(entry.payload)
    return b'{"streams":[%s]}' % b",".join(
        b'{"stream":%s,"values":[%s]}' % (stream, b",".join(values)) for stream, values in streams.items()
    )


def in_requests(entries: Sequence[Entry], limit: int) -> Iterator[Sequence[Entry]]:
    """`entries` in slices of at most `limit` bytes each; a larger entry goes alone."""
    start, size, streams = 0, REQUEST_BYTES, set[bytes]()
    for position, entry in enumerate(entries):
        added = entry.size + (0 if entry.stream in streams else stream_bytes(entry.stream))
        if position > start and size + added > limit:
            yield entries[start:position]
            start, size, streams = position, REQUEST_BYTES, set()
            added = entry.size + stream_bytes(entry.stream)
        size += added
        streams.add(entry.stream)
    if start < len(entries):
        yield entries[start:]
