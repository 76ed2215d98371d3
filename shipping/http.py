"""One request to another machine: what it answered, bounded in bytes, depth and time, and what its faults mean."""

import json
import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import BadStatusLine
from typing import Any

import requests
import urllib3

from shipping.errors import Misconfigured, Refused, TooLarge, Unavailable

REASON_CHARACTERS = 8000  # a reason may quote a whole label value before it says what is wrong
READ_BYTES = 64 * 1024
PASSING = (408, 425, 429)  # codes that may pass by themselves, beside those from 500 on
ANSWER_TIMEOUTS = 10  # a whole answer may take so many times as long as its next byte
ZLIB_GZIP = 31  # zlib's `wbits` for gzip with its head and checksum
# A value takes many times more memory than it has characters (`{}` 64 bytes).
MAX_VALUES = 1_000_000  # a page of 5,000 records has 150,000
MAX_DEPTH = 64  # Python's stack ends at a thousand

# A string, such as "a \"quoted\" word"; one without an end goes to the end, so that no start is tried twice.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


_WANTS_TLS = "expects TLS: give an address that begins with https://"
# What servers answer to plain HTTP where they expect TLS: Go's, nginx and Apache.
# `Client sent an HTTP request to an HTTPS server.`
# `<html> <head><title>400 The plain HTTP request was sent to HTTPS port</title></head> …`
# `<!DOCTYPE … <title>400 Bad Request</title> … Reason: You're speaking plain HTTP to an SSL-enabled server port.`
_NOT_TLS = re.compile(
    r"Client sent an HTTP request to an HTTPS server\.$"
    r"|<html>.{0,40}<title>400 The plain HTTP request was sent to HTTPS port</title>"
    r"|<!DOCTYPE.{0,600}You're speaking plain HTTP to an SSL-enabled server port"
)


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
        raise network_fault(who, url, error, timeout) from None
    except OSError as error:  # requests looks for the file of certificates before it connects
        if "CA certificate" in str(error):
            raise Misconfigured(_no_bundle(who)) from None
        raise


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


# What OpenSSL says of a certificate (X509_V_ERR_… in x509_vfy.h), and what to do.
_OWN_AUTHORITY = "name a file with the certificate of its authority in REQUESTS_CA_BUNDLE"
_CERTIFICATE_FAULTS = {
    9: "it is not valid yet; check the clocks here and there",
    10: "it has expired; renew it there",
    18: "it is signed by itself; name a file with this certificate in REQUESTS_CA_BUNDLE",
    19: f"its authority is unknown here; {_OWN_AUTHORITY}",
    20: f"its authority is unknown here; {_OWN_AUTHORITY}, or let the server send its whole chain",
    21: f"its authority is unknown here; {_OWN_AUTHORITY}, or let the server send its whole chain",
    62: "it is for another host name; give the address by a name that the certificate has",
    64: "it is for another host name; give the address by a name that the certificate has",
}
# What OpenSSL says of a handshake, and what to do.
_HANDSHAKE_FAULTS = {
    "TLSV1_ALERT_PROTOCOL_VERSION": "no version of TLS in common: let it offer TLS 1.2 or 1.3",
    "UNSUPPORTED_PROTOCOL": "no version of TLS in common: let it offer TLS 1.2 or 1.3",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "no cipher in common, or it asks for a client certificate",
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": "no cipher in common that it takes for safe",
    "TLSV1_UNRECOGNIZED_NAME": "it does not know the host name of the address",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it asks for a client certificate",
}
_TLS_RECORD = re.compile(r"[\x15\x16]\x03")  # how an alert or a handshake of TLS begins


def network_fault(who: str, url: str, error: Exception, timeout: float) -> Exception:
    """The exception of ours that `error` stands for; never its own text, which shows internals."""
    if isinstance(error, requests.exceptions.SSLError | urllib3.exceptions.SSLError):
        return _tls_fault(
            who, next((each for each in _causes(error) if isinstance(each, ssl.SSLError)), None)
        )
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return Unavailable(f"{who} did not answer within {timeout:g} s")
    if isinstance(error, requests.ConnectionError | urllib3.exceptions.ProtocolError):
        text = str(error)
        if "Connection refused" in text:
            return Unavailable(f"{who} refused the connection")
        if "NameResolutionError" in text or "Failed to resolve" in text:
            return Unavailable(f"{who} cannot be reached: its name does not resolve")
        return _broken(who, url, error)
    return Misconfigured(f"the request to {who} failed ({type(error).__name__})")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was raised for, as requests and urllib3 wrap it."""
    cause: BaseException | None = error
    for _ in range(10):  # more than they wrap
        if cause is None:
            return
        yield cause
        inner = [getattr(cause, "reason", None), *cause.args, cause.__cause__, cause.__context__]
        cause = next((each for each in inner if isinstance(each, BaseException)), None)


def _no_bundle(who: str) -> str:
    return f"{who} cannot be verified: REQUESTS_CA_BUNDLE names no file of certificates that can be read"


def _tls_fault(who: str, error: ssl.SSLError | None) -> Exception:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _CERTIFICATE_FAULTS.get(error.verify_code, error.verify_message)
        return Misconfigured(f"{who} has no TLS certificate that can be verified: {why}")
    if error and error.library in ("X509", "PEM"):  # it came of reading the file, before any handshake
        return Misconfigured(_no_bundle(who))
    reason = error.reason if error else None
    if reason == "WRONG_VERSION_NUMBER":
        return Misconfigured(f"{who} does not speak TLS: give an address that begins with http://")
    why = _HANDSHAKE_FAULTS.get(reason or "", "")
    return Unavailable(f"{who} broke off the TLS handshake{f' ({why})' if why else ''}")


def _broken(who: str, url: str, error: Exception) -> Exception:
    """What a connection says that ended without an answer."""
    answered = next((each for each in _causes(error) if isinstance(each, BadStatusLine)), None)
    if answered and _TLS_RECORD.match(str(answered)):
        return Misconfigured(f"{who} {_WANTS_TLS}")
    hint = "if it expects TLS, give an address that begins with https://"
    # A server that expects TLS may hang up on plain HTTP without a word.
    silent = url.startswith("http://") and any(isinstance(each, ConnectionError) for each in _causes(error))
    return Unavailable(f"{who} broke the connection{f' ({hint})' if silent else ''}")


def judge(who: str, answer: Answer, setting_of: Callable[[str], str] = lambda reason: "") -> None:
    """Return for a success; else raise what the answer means for the request.

    `setting_of` names the setting by which the receiver gives this reason; empty where it is about the entries.
    """
    code = answer.code
    if 200 <= code < 300:
        return
    reason = answer.reason
    if code == 400 and _NOT_TLS.match(reason):
        raise Misconfigured(f"{who} {_WANTS_TLS}")
    if code < 500 and (setting := setting_of(reason)):
        raise Misconfigured(f"{who} answered {code}: see the setting {setting} ({reason[:200]})")
    if code in (400, 422):
        raise Refused(reason or f"{who} answered {code}", answer.text)
    if code == 413:
        raise TooLarge(reason or f"{who} answered 413")
    if code in PASSING or code >= 500:
        raise Unavailable(f"{who} answered {code} ({reason[:200]})", asked_wait(answer))
    hint = {401: "check the token", 403: "check the token", 404: "check the address"}.get(code, "")
    if 300 <= code < 400:
        hint = "a redirect; give the address it points to"
    raise Misconfigured(f"{who} answered {code}{f': {hint}' if hint else ''} ({reason[:200]})")


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
