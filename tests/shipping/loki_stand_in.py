"""A strict stand-in for Loki 3.x on loopback.

It answers a push as the real one does with default limits (checked against it, see test_real_loki.py): what
costs an entry, what costs a stream, what costs the whole request, the texts, and what is stored besides.
Faults can be put in front of any request.
"""

import json
import re
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOUR = 3600 * 10**9
LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
LINE_BYTES = 262_144


@dataclass(frozen=True)
class Stored:
    """An entry as Loki holds it."""

    labels: dict[str, str]
    timestamp: int
    line: str
    metadata: dict[str, str]


@dataclass
class Fault:
    """What happens to one request instead of, or after, its normal handling."""

    status: int = 0
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False  # break the connection
    store: bool = False  # handle the push first, then answer as above
    hold: threading.Event | None = None  # wait for it before answering


class WholeRequest(Exception):
    """The request is refused as a whole: (status, text)."""


class LokiStandIn:
    """Use as a context manager; `url` is its address, `stored()` what it holds."""

    def __init__(self, port: int = 0) -> None:
        self.faults: deque[Fault] = deque()
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[int] = []
        self.on_stored: Callable[[], None] = lambda: None
        self.on_answered: Callable[[], None] = lambda: None
        self.pushed = threading.Semaphore(0)  # one permit for each answered request
        self.lock = threading.Lock()
        self._streams: dict[tuple[tuple[str, str], ...], dict[tuple[int, str, str], Stored]] = {}
        self._newest: dict[tuple[tuple[str, str], ...], int] = {}
        self._last: dict[tuple[tuple[str, str], ...], tuple[int, str, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "LokiStandIn":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def stored(self) -> list[Stored]:
        """All entries, by time."""
        with self.lock:
            found = [entry for stream in self._streams.values() for entry in stream.values()]
        return sorted(found, key=lambda entry: (entry.timestamp, int(entry.metadata.get("row_id", 0))))

    def row_ids(self) -> list[int]:
        return [int(entry.metadata["row_id"]) for entry in self.stored()]

    def push(self, body: bytes) -> tuple[int, str]:
        """Status and text for the body of a push."""
        try:
            streams = _parse(body)
            now = time.time_ns()
            errors: list[str] = []
            accepted = [(labels, _validated(labels, entries, now, errors)) for labels, entries in streams]
        except WholeRequest as refused:
            return refused.args[0], refused.args[1] + "\n"
        too_far = [text for labels, entries in accepted if (text := self._ingest(labels, entries))]
        if too_far:
            return 400, too_far[-1] + "\n"  # the ingester's error hides the distributor's
        return (400, _grouped(errors) + "\n") if errors else (204, "")

    def _ingest(self, labels: dict[str, str], entries: list[tuple[int, str, dict[str, str]]]) -> str:
        key = tuple(sorted(labels.items()))
        ignored = []
        with self.lock:
            for timestamp, line, metadata in entries:
                mark = (timestamp, line, json.dumps(metadata, sort_keys=True))
                if mark == self._last.get(key):
                    continue
                newest = self._newest.get(key)
                if newest is not None and newest - HOUR > timestamp:
                    ignored.append((timestamp, newest - HOUR))
                    continue
                self._newest[key] = max(newest or 0, timestamp)
                self._last[key] = mark
                self._streams.setdefault(key, {})[mark] = Stored(labels, timestamp, line, metadata)
        if not ignored:
            return ""
        lines = [
            f"entry with timestamp {_go_time(timestamp)} ignored, reason: 'entry too far behind, entry timestamp "
            f"is: {_rfc3339(timestamp)}, oldest acceptable timestamp is: {_rfc3339(cutoff)}',\n"
            for timestamp, cutoff in ignored
        ]
        total = (
            f"user 'fake', total ignored: {len(ignored)} out of {len(entries)} for stream: {_text(labels)}"
        )
        return "".join(lines[:10]) + total


def _parse(body: bytes) -> list[tuple[dict[str, str], list[tuple[int, str, dict[str, str]]]]]:
    try:
        streams = json.loads(body.decode("utf-8"))["streams"]
        found = [
            ({k: v for k, v in stream["stream"].items() if v}, [_entry(value) for value in stream["values"]])
            for stream in streams
        ]
    except (ValueError, KeyError, TypeError, AttributeError, UnicodeError) as error:
        raise WholeRequest(400, f"loghttp.PushRequest.Streams: unmarshalerDecoder: {error}") from None
    if not found:
        raise WholeRequest(422, "error at least one valid stream is required for ingestion")
    for labels, _ in found:
        for name, value in labels.items():
            if not LABEL_NAME.match(name) or not isinstance(value, str):
                bad = next((c for c in name if not re.match(r"\w", c, re.ASCII)), name[:1])
                raise WholeRequest(
                    400,
                    f"couldn't parse labels: 1:3: parse error: unexpected character inside braces: '{bad}'",
                )
    return [(labels, entries) for labels, entries in found if entries]


def _entry(value: Any) -> tuple[int, str, dict[str, str]]:
    timestamp, line, *rest = value
    metadata = rest[0] if rest else {}
    if (
        not isinstance(timestamp, str)
        or not re.fullmatch(r"\d{1,19}", timestamp)
        or not isinstance(line, str)
    ):
        raise ValueError("Value looks like Number/Boolean/None")
    if not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError("Value is string, but can't find closing '\"' symbol")
    for text in (line, *metadata.values()):
        text.encode("utf-8")  # half a surrogate pair costs the whole request
    return int(timestamp), line, metadata


def _validated(
    labels: dict[str, str], entries: list[tuple[int, str, dict[str, str]]], now: int, errors: list[str]
) -> list[tuple[int, str, dict[str, str]]]:
    """The entries that pass; the reasons of the others go to `errors`."""
    if len(labels) > 15:
        errors.append(f"entry for stream '{_text(labels)}' has {len(labels)} label names; limit 15")
        return []
    for value in labels.values():
        if len(value.encode()) > 2048:
            errors.append(f"stream '{_text(labels)}' has label value too long: '{value}'")
            return []
    passed = []
    for entry in entries:
        if reason := _reason(labels, *entry, now):
            errors.append(reason)
        else:
            passed.append((entry[0], entry[1], {_normal(name): value for name, value in entry[2].items()}))
    return passed


def _reason(labels: dict[str, str], timestamp: int, line: str, metadata: dict[str, str], now: int) -> str:
    stream = _text(labels)
    if timestamp < now - 7 * 24 * HOUR:
        oldest = _rfc3339(now - 7 * 24 * HOUR)
        return (
            f"entry for stream '{stream}' has timestamp too old: {_rfc3339(timestamp)}, "
            f"oldest acceptable timestamp is: {oldest}"
        )
    if timestamp > now + HOUR // 6:
        return f"entry for stream '{stream}' has timestamp too new: {_rfc3339(timestamp)}"
    if (length := len(line.encode())) > LINE_BYTES:
        return (
            f"max entry size '{LINE_BYTES}' bytes exceeded for stream '{stream}' while adding an entry "
            f"with length '{length}' bytes"
        )
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > 65_536:
        return f"stream '{stream}' has structured metadata too large: '{size}' bytes, limit: '65536' bytes."
    if len(metadata) > 128:
        return f"stream '{stream}' has too many structured metadata labels: '{len(metadata)}', limit: '128'."
    return ""


def _normal(name: str) -> str:
    """Loki rewrites metadata names, and fails with a 500 where nothing is left of one."""
    if not name:
        raise WholeRequest(500, "label name is empty")
    normal = re.sub(r"[^a-zA-Z0-9_]", "_", name)
    if not normal.strip("_"):
        raise WholeRequest(500, f'normalization for label name "{name}" resulted in invalid name "_"')
    return f"key_{normal}" if normal[0].isdigit() else normal


def _grouped(errors: list[str]) -> str:
    counts = {text: errors.count(text) for text in errors}
    if len(errors) == 1:
        return errors[0]
    return "; ".join(f"{count} errors like: {text}" for text, count in counts.items())


def _text(labels: dict[str, str]) -> str:
    pairs = {**labels, "service_name": labels.get("job", "unknown_service")}
    return "{" + ", ".join(f"{name}={json.dumps(value)}" for name, value in sorted(pairs.items())) + "}"


def _rfc3339(timestamp: int) -> str:
    return datetime.fromtimestamp(timestamp // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _go_time(timestamp: int) -> str:
    seconds, rest = divmod(timestamp, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}.{rest:09d} +0000 UTC"


def _handler(loki: LokiStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            loki.headers.append(dict(self.headers.items()))
            if self.path != "/loki/api/v1/push":
                return self._answer(404, "404 page not found\n")
            loki.bodies.append(body)
            fault = loki.faults.popleft() if loki.faults else Fault(store=True)
            status, text = loki.push(body) if fault.store else (500, "")
            if fault.store:
                loki.on_stored()
            if fault.hold:
                fault.hold.wait(30)
            if fault.reset:
                return self._reset()
            self._answer(fault.status or status, fault.text or text, fault.headers)
            loki.on_answered()
            loki.pushed.release()
            return None

        def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
            data = text.encode()
            loki.answers.append(status)
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(data)))
                self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.end_headers()
            self.wfile.write(data)

        def _reset(self) -> None:
            # A zero linger sends RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        def log_message(self, *args: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(ValueError, OSError):  # the client was killed, or we reset it
                super().handle()

        def finish(self) -> None:
            with suppress(ValueError, OSError):
                super().finish()

    return Handler
