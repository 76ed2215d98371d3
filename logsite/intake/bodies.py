"""The bytes of a request body, unpacked within limits: gzip of several members, zstd of several frames.

A packed body may unpack to a thousand times its size, and zstd's to thirty thousand times. So a body is unpacked in
small steps and refused at the first byte beyond a limit: memory and time are bounded by the limits, whatever the
sender claims.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import zstandard
from django.conf import settings

PIECE_BYTES = 65_536  # of a packed body at a time: what follows a member is copied at its end, once a member
ZSTD_PIECE_BYTES = 1024  # 4 bytes may unpack to a block of 128 KiB, and a step cannot be bounded otherwise
STEP_BYTES = 1024**2  # that zlib unpacks at a time
ZSTD_WINDOW_BYTES = 8 * 1024**2  # what RFC 8878, 3.1.1.1.2 recommends to support
MAX_MEMBERS = 10_000  # each costs some microseconds, and may be empty
RATIO = 400  # log lines that are all alike pack to a three hundredth
RATIO_FREE_BYTES = 1024**2  # that may come of any packed body, however small
GZIP_BITS = 16 + zlib.MAX_WBITS
SUPPORTED = "gzip, zstd"


class BodyRefused(Exception):
    """A body that cannot be taken: the status of the answer, and the reason as a sentence without its last word."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Limits:
    """How large a body may be, as it is sent packed and as it is unpacked, and how much larger the latter."""

    packed_bytes: int
    unpacked_bytes: int
    ratio: int = RATIO

    @classmethod
    def of_settings(cls) -> "Limits":
        """The limits of INTAKE_PACKED_BYTES and INTAKE_UNPACKED_BYTES."""
        return cls(settings.INTAKE_PACKED_BYTES, settings.INTAKE_UNPACKED_BYTES)


class Unpacker(Protocol):
    """One member of a packed body. `unpack` returns what a piece gives; `rest` is what follows the member."""

    done: bool
    rest: bytes

    def unpack(self, piece: bytes) -> Iterator[bytes]: ...


class GzipMember:
    """One member of gzip."""

    piece_bytes = PIECE_BYTES
    fault: type[Exception] = zlib.error

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=GZIP_BITS)
        self.done, self.rest = False, b""

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        while piece and not self._stream.eof:
            yield self._stream.decompress(piece, STEP_BYTES)
            piece = self._stream.unconsumed_tail
        self.done, self.rest = self._stream.eof, self._stream.unused_data


class ZstdFrame:
    """One frame of zstd, also one to be skipped."""

    piece_bytes = ZSTD_PIECE_BYTES
    fault: type[Exception] = zstandard.ZstdError

    def __init__(self) -> None:
        self._stream = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES).decompressobj()
        self.done, self.rest = False, b""

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        yield self._stream.decompress(piece)
        self.done, self.rest = self._stream.eof, self._stream.unused_data


KINDS: dict[str, type[GzipMember] | type[ZstdFrame]] = {
    "gzip": GzipMember,
    "x-gzip": GzipMember,
    "zstd": ZstdFrame,
}


def coding_of(content_encoding: str) -> str:
    """The one coding that a Content-Encoding header names, empty for none. Raises BodyRefused with 415."""
    words = [word.strip().lower() for word in content_encoding.split(",")]
    codings = [word for word in words if word not in ("", "identity")]
    if not codings:
        return ""
    if len(codings) > 1 or codings[0] not in KINDS:
        raise BodyRefused(415, f"Content-Encoding {content_encoding[:60]!r}: send {SUPPORTED} or none")
    return codings[0]


def unpacked(pieces: Iterable[bytes], content_encoding: str, limits: Limits) -> bytes:
    """The whole body that comes in `pieces` of any size. An empty one is empty in each coding.

    Raises BodyRefused: 415 for another coding, 413 beyond a limit, 400 for what is not of the coding.
    """
    coding = coding_of(content_encoding)
    if not coding:
        return b"".join(_counted(pieces, limits.unpacked_bytes, "the body"))
    return b"".join(_unpack(pieces, coding, limits))


def _counted(pieces: Iterable[bytes], limit: int, what: str) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > limit:
            raise BodyRefused(413, f"{what} is larger than {limit:,} bytes")
        yield piece


def _unpack(pieces: Iterable[bytes], coding: str, limits: Limits) -> Iterator[bytes]:
    kind = KINDS[coding]
    member, members = None, 0
    packed = size = 0
    for whole in _counted(pieces, limits.packed_bytes, "the packed body"):
        for piece in _cut(whole, kind.piece_bytes):
            packed += len(piece)
            while piece:
                if member is None:
                    member, members = kind(), members + 1
                    _check_members(members)
                for part in _steps(member, piece, coding, kind.fault):
                    size += len(part)
                    _check_size(size, packed, limits)
                    yield part
                piece = member.rest if member.done else b""
                member = None if member.done else member
    if member is not None:
        raise BodyRefused(400, f"the {coding} body ends in the middle")


def _steps(member: Unpacker, piece: bytes, coding: str, fault: type[Exception]) -> Iterator[bytes]:
    try:
        yield from member.unpack(piece)
    except fault as error:
        raise BodyRefused(400, f"the body is not {coding}: {str(error)[:100]}") from None


def _cut(whole: bytes, size: int) -> Iterator[bytes]:
    return (whole[start : start + size] for start in range(0, len(whole), size))


def _check_members(members: int) -> None:
    if members > MAX_MEMBERS:
        raise BodyRefused(413, f"the body has more than {MAX_MEMBERS:,} members")


def _check_size(size: int, packed: int, limits: Limits) -> None:
    if size > limits.unpacked_bytes:
        raise BodyRefused(413, f"the unpacked body is larger than {limits.unpacked_bytes:,} bytes")
    if size > max(RATIO_FREE_BYTES, packed * limits.ratio):
        raise BodyRefused(413, f"the body unpacks to more than {limits.ratio} times its size")


def body_of(request: Any, limits: Limits | None = None) -> bytes:
    """The unpacked body of a request that nobody has read yet. Raises BodyRefused.

    A body whose Content-Length is too large is refused before its first byte is read.
    """
    limits = limits or Limits.of_settings()
    encoding = request.headers.get("Content-Encoding", "")
    limit = limits.packed_bytes if coding_of(encoding) else limits.unpacked_bytes
    length = request.headers.get("Content-Length") or ""
    if length.isdecimal() and int(length[:20]) > limit:
        raise BodyRefused(413, f"the body is larger than {limit:,} bytes")
    read: Callable[[int], bytes] = request.read
    return unpacked(iter(lambda: read(PIECE_BYTES), b""), encoding, limits)
