"""Answers that are small on the wire and large in memory, and a server that gives them.

python -m tests.shipping.bombs read URL…      read a page of the feed at each address; print the sentence of each,
                                              and the peak of the process's memory
"""

import gzip
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

MIB = 1024 * 1024
PAGE_HEAD = '{"source": "session", "next_cursor": "0-1", "has_more": false, "results": ['
RECORD = {
    "id": 1,
    "cursor": "0-1",
    "source": "session",
    "timestamp": "1700000000000000000",
    "level": "INFO",
    "message": "x",
    "labels": {},
    "attributes": {},
}

Answer = tuple[int, dict[str, str], Callable[[], Iterator[bytes]]]


def repeated(text: bytes, mebibytes: int, wbits: int) -> Callable[[], Iterator[bytes]]:
    """`mebibytes` of `text`, compressed: one block, said as often as needed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(text * (16 * MIB // len(text))) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.flush()

    def pieces() -> Iterator[bytes]:
        yield head
        for _ in range(mebibytes // 16):
            yield block
        yield end

    return pieces


def said(piece: bytes, times: int = 1) -> Callable[[], Iterator[bytes]]:
    return lambda: (piece for _ in range(times))


def page(*records: object) -> bytes:
    return f"{PAGE_HEAD}{', '.join(json.dumps(record) for record in records)}]}}".encode()


def in_one_record(attribute: str) -> bytes:
    """A page with one record, whose attribute `a` is that JSON."""
    return page(RECORD).replace(b'"attributes": {}', f'"attributes": {{"a": {attribute}}}'.encode())


@cache
def bombs() -> dict[str, Answer]:
    """By the path under which the server gives them. The first is the public report's: a gzip of 1 GiB."""
    gzipped = {"Content-Encoding": "gzip"}
    spaces = repeated(b" ", 1024, 31)
    again = zlib.compressobj(9, zlib.DEFLATED, 31)
    nested = b"".join([again.compress(part) for part in spaces()] + [again.flush()])
    return {
        "gzip": (200, gzipped, spaces),
        "x-gzip": (200, {"Content-Encoding": "x-gzip"}, spaces),
        "gzip-of-text": (200, gzipped, repeated(b'{"id": 1}, ', 1024, 31)),
        "many-members": (200, gzipped, said(gzip.compress(b" " * MIB), 1024)),
        "gzip-in-capitals": (200, {"Content-Encoding": " GZIP "}, spaces),
        "gzip-of-gzip": (200, {"Content-Encoding": "gzip, gzip"}, said(nested)),
        "deflate": (200, {"Content-Encoding": "deflate"}, repeated(b" ", 1024, 15)),
        "raw-deflate": (200, {"Content-Encoding": "deflate"}, repeated(b" ", 1024, -15)),
        "br": (200, {"Content-Encoding": "br"}, said(b"\x0b\x02\x80\x03")),
        "zstd": (200, {"Content-Encoding": "zstd"}, said(b"\x28\xb5\x2f\xfd\x00\x00\x01\x00\x00")),
        "unheard-of": (200, {"Content-Encoding": "aes128gcm"}, said(page(RECORD))),
        "plain": (200, {}, said(b" " * MIB, 512)),
        "plain-with-length": (200, {"Content-Length": str(512 * MIB)}, said(b" " * MIB, 512)),
        "one-string": (200, {}, said(b'"' + b"x" * MIB, 512)),
        "400": (400, gzipped, spaces),
        "401": (401, gzipped, spaces),
        "404-plain": (404, {}, said(b" " * MIB, 512)),
        "deep-lists": (200, {}, said(b"[" * 200_000)),
        "deep-objects": (200, {}, said(b'{"a":' * 200_000)),
        "deep-in-a-record": (200, {}, said(in_one_record("[" * 500 + "]" * 500))),
        "deep-in-a-400": (400, {}, said(b"[" * 200_000)),
        "small-lists": (200, {}, said(in_one_record("[" + "[]," * (3 * MIB) + "[]]"))),
        "small-objects": (200, {}, said(in_one_record("[" + "{}," * (3 * MIB) + "{}]"))),
        "small-records": (200, {}, said(PAGE_HEAD.encode() + b"{}," * (4 * MIB) + b"{}]}")),
        "small-strings": (200, {}, said(in_one_record("[" + '"ab",' * (MIB + MIB // 4) + "0]"))),
        "small-numbers": (200, {}, said(in_one_record("[" + "1.5," * (3 * MIB) + "0]"))),
        "an-open-string": (200, {}, said(b'"' + b'\\"' * (6 * MIB))),
        "many-open-strings": (200, {}, said(b'"\\' * (6 * MIB))),
        "a-long-number": (200, {}, said(in_one_record("9" * MIB))),
        "utf-16": (200, {}, said(("[" * 200_000).encode("utf-16"))),
        "utf-32": (200, {}, said(("[" * 200_000).encode("utf-32"))),
    }


@contextmanager
def giving(answers: dict[str, Answer]) -> Iterator[str]:
    """The address of a server that gives the answer named by the first part of a GET's path, again and again."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            code, headers, body = answers[self.path.split("/")[1]]
            self.send_response(code)
            for header, value in headers.items():
                self.send_header(header, value)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            for part in body():
                try:
                    self.wfile.write(part)
                except OSError:  # the reader has had enough
                    return

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def meet(urls: list[str]) -> None:
    """Print as JSON what reading from and pushing to each address ended with, and the peak of memory in MiB."""
    import django

    django.setup()
    from logsite.records import Cursor, LogRecord
    from shipping.errors import ShippingError
    from shipping.feed import BackendFeed
    from shipping.receivers.loki.client import LokiClient
    from shipping.receivers.loki.encoding import Encoder
    from shipping.retry import Retry

    told: dict[str, str] = {}
    entries = Encoder("aoss", 262_144).entries(Cursor(0, 1), LogRecord(1, "session", 10**18, "INFO", "x"))
    for url in urls:
        feed = BackendFeed(url, "token", "session", Retry(0, 0.001), timeout=60)
        loki = LokiClient(url, Retry(0, 0.001), timeout=60, request_bytes=MIB)
        for name, act in (
            ("read", lambda feed=feed: feed.read(Cursor(), 1000)),
            ("push", lambda loki=loki: loki.deliver(entries)),
        ):
            try:
                told[f"{name} {url}"] = f"{len(act())} without a word"
            except ShippingError as error:
                told[f"{name} {url}"] = f"{type(error).__name__}: {error}"
            except (RecursionError, MemoryError, ValueError, TypeError) as error:
                told[f"{name} {url}"] = f"!{type(error).__name__}"
    print(json.dumps({"told": told, "peak": peak_mebibytes()}))


def peak_mebibytes() -> int:
    """Of this process's own memory; `ru_maxrss` counts that of the process that started it, too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) // 1024


if __name__ == "__main__":
    meet(sys.argv[1:])
