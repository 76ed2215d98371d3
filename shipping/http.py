"""One request to another machine: what it answered, bounded in bytes, depth and time, and what its faults mean."""

import json
import re
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3

from shipping.errors import Misconfigured, Unavailable

REASON_CHARACTERS = 8000  # a reason may quote a whole label value before it says what is wrong
READ_BYTES = 64 * 1024
ANSWER_TIMEOUTS = 10  # a whole answer may take so many times as long as its next byte
ZLIB_GZIP = 31  # zlib's `wbits` for gzip with its head and checksum
# A value takes many times more memory than it has characters (`{}` 64 bytes).
MAX_VALUES = 1_000_000  # a page of 5,000 records has 150,000
MAX_DEPTH = 64  # Python's stack ends at a thousand

# A string, such as "a \"quoted\" word"; one without an end goes to the end, so that no start is tried twice.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class BearerAuth(requests.auth.AuthBase):
    """`Authorization: <scheme> <token>`, which neither a .netrc overrides nor a repr shows."""

    def __init__(self, token: str, scheme: str = "Bearer") -> None:
        self._header = f"{scheme} {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request

    def __repr__(self) -> str:
        return "BearerAuth(********)"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side answered. `body` is unpacked; `whole` is False where it was cut at the limit, and
    `unreadable` says why it could not be unpacked.
    """

    code: int
    headers: Mapping[str, str]
    body: bytes
    phrase: str = ""
    whole: bool = True
    unreadable: str = ""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def reason(self) -> str:
        """The answer's text on one line, at most REASON_CHARACTERS long."""
        text = self.body[: REASON_CHARACTERS * 4].decode("utf-8", "replace")
        return " ".join(text.split())[:REASON_CHARACTERS] or self.phrase


def new_session(auth: requests.auth.AuthBase | tuple[str, str] | None) -> requests.Session:
    """A session that asks for no packing but the one that `ask` undoes."""
    session = requests.Session()
    session.auth = auth
    session.headers["Accept-Encoding"] = "gzip"
    return session


def ask(
    session: requests.Session, who: str, method: str, url: str, *, timeout: float, limit: int, **request: Any
) -> Answer:
    """Send one request; read at most `limit` bytes of the answer, packed and unpacked. Redirects are not followed.

    Raises Unavailable for what may pass, Misconfigured for what only a setting mends.
    """
    deadline = time.monotonic() + timeout * ANSWER_TIMEOUTS
    try:
        with session.request(
            method, url, timeout=timeout, allow_redirects=False, stream=True, **request
        ) as response:
            return _read(who, response, limit, deadline, timeout)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise network_fault(who, error, timeout) from None


def _read(who: str, response: requests.Response, limit: int, deadline: float, timeout: float) -> Answer:
    def answer(body: bytes, **rest: Any) -> Answer:
        return Answer(response.status_code, response.headers, body, response.reason or "", **rest)

    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        return answer(b"", unreadable=f"it has the unknown Content-Encoding {coding[:40]!r}")
    gunzip = _Gunzip() if "gzip" in coding else None
    body, packed = bytearray(), 0
    while data := response.raw.read1(READ_BYTES, decode_content=False):
        packed += len(data)
        try:
            body += gunzip.unpack(data, limit + 1 - len(body)) if gunzip else data
        except zlib.error:
            return answer(b"", unreadable="its Content-Encoding says gzip, but it is not gzip")
        if max(packed, len(body)) > limit:
            return answer(bytes(body[:limit]), whole=False)
        if time.monotonic() > deadline:
            raise Unavailable(f"{who} did not end its answer within {timeout * ANSWER_TIMEOUTS:g} s")
    if gunzip and packed and not gunzip.ended:
        raise Unavailable(f"{who} broke the connection")
    return answer(bytes(body))


class _Gunzip:
    """Undoes gzip, piece by piece; a stream may have several members."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(ZLIB_GZIP)

    @property
    def ended(self) -> bool:
        return self._member.eof

    def unpack(self, data: bytes, limit: int) -> bytes:
        """Up to `limit` bytes of what `data` holds; what is beyond the limit is dropped. Raises zlib.error."""
        found = []
        while data and limit > 0:
            if self._member.eof:
                self._member = zlib.decompressobj(ZLIB_GZIP)
            found.append(self._member.decompress(data, limit))
            limit -= len(found[-1])
            data = self._member.unused_data or self._member.unconsumed_tail
        return b"".join(found)


class NotPlainJson(ValueError):
    """Not JSON, or more than is read; `too_many`: a smaller answer may be."""

    def __init__(self, reason: str, *, too_many: bool = False) -> None:
        super().__init__(reason)
        self.too_many = too_many


def read_json(data: bytes) -> Any:
    """The value that `data` says in UTF-8. Raises NotPlainJson, before it takes much memory."""
    structure = _STRING.sub(b"", data)
    if structure.count(b",") + structure.count(b"[") + structure.count(b"{") > MAX_VALUES:
        raise NotPlainJson("too many values", too_many=True)
    depth = 0
    for bracket in structure.translate(None, _NO_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if not 0 <= depth <= MAX_DEPTH:
            raise NotPlainJson("too deep")
    try:
        return json.loads(data.decode("utf-8"))
    except ValueError:  # of the letters, too
        raise NotPlainJson("not JSON in UTF-8") from None


def network_fault(who: str, error: Exception, timeout: float) -> Exception:
    """The exception of ours that `error` stands for; never its own text, which shows internals."""
    if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return Misconfigured(f"{who} has no TLS certificate that can be verified")
        if "WRONG_VERSION_NUMBER" in str(error):
            return Misconfigured(f"{who} does not speak TLS: give an address that begins with http://")
        return Unavailable(f"{who} broke off the TLS handshake")
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return Unavailable(f"{who} did not answer within {timeout:g} s")
    if isinstance(error, requests.ConnectionError | urllib3.exceptions.ProtocolError):
        text = str(error)
        if "Connection refused" in text:
            return Unavailable(f"{who} refused the connection")
        if "NameResolutionError" in text or "Failed to resolve" in text:
            return Unavailable(f"{who} cannot be reached: its name does not resolve")
        return Unavailable(f"{who} broke the connection")
    return Misconfigured(f"the request to {who} failed ({type(error).__name__})")


def asked_wait(answer: Answer | requests.Response) -> float | None:
    """Seconds that a Retry-After header (a number or a date) asks for; None without the header."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max((aware - datetime.now(UTC)).total_seconds(), 0.0)
