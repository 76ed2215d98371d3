"""Bodies as senders and strangers pack them: what comes out, or with which status they are refused."""

import gzip
import struct
import tracemalloc
import zlib

import pytest
import zstandard
from django.test import RequestFactory

from logsite.intake import bodies, checks
from logsite.intake.answers import body_refused
from logsite.intake.bodies import BodyRefused, Limits, body_of, unpacked

MIB = 1024**2
LIMITS = Limits(packed_bytes=MIB, unpacked_bytes=8 * MIB)
ENTRY = b'{"message": "GET /health 200", "level": "INFO"}\n'
LINES = ENTRY * 1000
PLAIN = b"".join(b'{"message": "request %d took %d ms"}\n' % (n, n * 7919 % 997) for n in range(2000))


def gz(data, **options):
    return gzip.compress(data, mtime=0, **options)


def zst(data, level=3, **options):
    return zstandard.ZstdCompressor(level=level, **options).compress(data)


def rle_bomb(blocks):
    """A zstd frame of `blocks` blocks, each 4 bytes long, which unpacks to 128 KiB each."""
    window = bytes([0x40])  # a window of 256 KiB; the size of the content is not given
    block = (1 << 1 | (128 * 1024) << 3).to_bytes(3, "little") + b"x"
    last = (1 | 1 << 1 | 1 << 3).to_bytes(3, "little") + b"x"
    return struct.pack("<I", 0xFD2FB528) + b"\x00" + window + block * blocks + last


def wide_window():
    """A zstd frame that asks for a window of a gigabyte."""
    return struct.pack("<I", 0xFD2FB528) + b"\x00" + bytes([20 << 3]) + b"\x01\x00\x00"


def skippable(size=100):
    return struct.pack("<II", 0x184D2A50, size) + b"s" * size


def named_gzip(data):
    """With a file's name, an extra field and a comment in the header, as RFC 1952 has them."""
    packed = gz(data)
    head = packed[:3] + bytes([4 | 8 | 16]) + packed[4:10]
    return head + struct.pack("<H", 4) + b"abcd" + b"app.log\0" + b"a comment\0" + packed[10:]


def wrong_checksum(packed):
    return packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:]


# Each row: the header, the body, and what comes of it: bytes, or the status and a word of the reason.
ROWS = {
    "plain": ("", LINES, LINES),
    "identity": ("identity", LINES, LINES),
    "empty": ("", b"", b""),
    "empty, said to be gzip": ("gzip", b"", b""),
    "empty, said to be zstd": ("zstd", b"", b""),
    "plain, at the limit": ("", b"x" * (8 * MIB), b"x" * (8 * MIB)),
    "plain, beyond the limit": ("", b"x" * (8 * MIB + 1), (413, "8,388,608")),
    "gzip": ("gzip", gz(PLAIN), PLAIN),
    "gzip by its old name": ("x-gzip", gz(PLAIN), PLAIN),
    "gzip in capitals with blanks": (" GZIP ", gz(PLAIN), PLAIN),
    "gzip and identity": ("identity, gzip", gz(PLAIN), PLAIN),
    "gzip of an empty text": ("gzip", gz(b""), b""),
    "gzip with names in its header": ("gzip", named_gzip(PLAIN), PLAIN),
    "gzip that is only stored": ("gzip", gz(PLAIN, compresslevel=0), PLAIN),
    "gzip of two members": ("gzip", gz(PLAIN) + gz(LINES), PLAIN + LINES),
    "gzip of a thousand members": ("gzip", gz(ENTRY) * 1000, ENTRY * 1000),
    "gzip with empty members between": ("gzip", gz(b"") * 3 + gz(ENTRY) + gz(b"") * 3, ENTRY),
    "gzip of lines that are all alike": ("gzip", gz(ENTRY * 20_000), ENTRY * 20_000),
    "gzip cut in the header": ("gzip", gz(PLAIN)[:5], (400, "ends in the middle")),
    "gzip cut in the data": ("gzip", gz(PLAIN)[:-200], (400, "ends in the middle")),
    "gzip cut in the trailer": ("gzip", gz(PLAIN)[:-1], (400, "ends in the middle")),
    "gzip whose second member is cut": ("gzip", gz(PLAIN) + gz(PLAIN)[:-9], (400, "ends in the middle")),
    "gzip with garbage behind it": ("gzip", gz(PLAIN) + b"garbage", (400, "not gzip")),
    "gzip with a line feed behind it": ("gzip", gz(PLAIN) + b"\n\n\n", (400, "not gzip")),
    "gzip with zeros behind it": ("gzip", gz(PLAIN) + b"\0" * 512, (400, "not gzip")),
    "gzip with a wrong checksum": ("gzip", wrong_checksum(gz(PLAIN)), (400, "not gzip")),
    "gzip with a wrong length": ("gzip", gz(PLAIN)[:-4] + b"\1\2\3\4", (400, "not gzip")),
    "gzip with reserved flags": ("gzip", b"\x1f\x8b\x08\xe0" + gz(PLAIN)[4:], (400, "not gzip")),
    "JSON, said to be gzip": ("gzip", LINES, (400, "not gzip")),
    "zstd, said to be gzip": ("gzip", zst(PLAIN), (400, "not gzip")),
    "zlib, said to be gzip": ("gzip", zlib.compress(PLAIN), (400, "not gzip")),
    "raw deflate, said to be gzip": ("gzip", zlib.compress(PLAIN)[2:-4], (400, "not gzip")),
    "gzip that is not said to be": ("", gz(PLAIN), gz(PLAIN)),
    "gzip in gzip": ("gzip", gz(gz(PLAIN)), gz(PLAIN)),
    "a bomb of gzip": ("gzip", gz(b"\0" * (64 * MIB)), (413, "")),
    "a small bomb of gzip": ("gzip", gz(b"\0" * (7 * MIB)), (413, "400 times its size")),
    "a bomb of gzip below the ratio": ("gzip", gz(ENTRY * 200_000), (413, "8,388,608")),
    "a bomb of gzip in its second member": (
        "gzip",
        gz(ENTRY) + gz(b"\0" * (64 * MIB)),
        (413, ""),
    ),
    "a bomb of empty members": ("gzip", gz(b"") * 20_000, (413, "10,000 members")),
    "packed beyond the limit": ("gzip", gz(PLAIN, compresslevel=0) * 20, (413, "1,048,576")),
    "zstd": ("zstd", zst(PLAIN), PLAIN),
    "zstd of the highest level": ("zstd", zst(PLAIN, level=19), PLAIN),
    "zstd with a checksum": ("zstd", zst(PLAIN, write_checksum=True), PLAIN),
    "zstd without its size": ("zstd", zst(PLAIN, write_content_size=False), PLAIN),
    "zstd of an empty text": ("zstd", zst(b""), b""),
    "zstd of two frames": ("zstd", zst(PLAIN) + zst(LINES), PLAIN + LINES),
    "zstd of a thousand frames": ("zstd", zst(ENTRY) * 1000, ENTRY * 1000),
    "zstd with a frame to be skipped": ("zstd", skippable() + zst(PLAIN) + skippable(), PLAIN),
    "zstd of lines that are all alike": ("zstd", zst(ENTRY * 2000), ENTRY * 2000),
    "zstd cut in the header": ("zstd", zst(PLAIN)[:3], (400, "ends in the middle")),
    "zstd cut in the data": ("zstd", zst(PLAIN)[:-200], (400, "ends in the middle")),
    "zstd whose second frame is cut": ("zstd", zst(PLAIN) + zst(PLAIN)[:-9], (400, "ends in the middle")),
    "zstd with garbage behind it": ("zstd", zst(PLAIN) + b"garbage", (400, "not zstd")),
    "zstd with a wrong checksum": (
        "zstd",
        zst(PLAIN, write_checksum=True)[:-1] + b"\xff",
        (400, "not zstd"),
    ),
    "zstd that asks for a gigabyte": ("zstd", wide_window(), (400, "not zstd")),
    "JSON, said to be zstd": ("zstd", LINES, (400, "not zstd")),
    "gzip, said to be zstd": ("zstd", gz(PLAIN), (400, "not zstd")),
    "a bomb of zstd": ("zstd", zst(b"\0" * (64 * MIB)), (413, "8,388,608")),
    "a small bomb of zstd": ("zstd", zst(b"\0" * (7 * MIB)), (413, "400 times its size")),
    "a bomb of zstd by hand": ("zstd", rle_bomb(10_000), (413, "")),
    "a bomb of empty frames": ("zstd", zst(b"") * 20_000, (413, "10,000 members")),
    "a bomb of frames to be skipped": ("zstd", skippable(0) * 20_000, (413, "10,000 members")),
    "deflate": ("deflate", zlib.compress(PLAIN), (415, "'deflate'")),
    "brotli": ("br", b"\x1b\x00", (415, "'br'")),
    "two codings": ("gzip, zstd", zst(gz(PLAIN)), (415, "'gzip, zstd'")),
    "gzip twice": ("gzip, gzip", gz(gz(PLAIN)), (415, "'gzip, gzip'")),
    "any coding": ("*", LINES, (415, "'*'")),
    "no coding at all": ("hunter\x00\u202e", LINES, (415, "Content-Encoding")),
    "a long coding": ("x" * 10_000, LINES, (415, "Content-Encoding")),
}


def result_of(header, body, size=None):
    pieces = [body] if size is None else [body[start : start + size] for start in range(0, len(body), size)]
    try:
        return unpacked(pieces, header, LIMITS)
    except BodyRefused as error:
        return error.status, error.reason


def is_as_wanted(found, wanted):
    if isinstance(wanted, bytes):
        return found == wanted
    return isinstance(found, tuple) and found[0] == wanted[0] and wanted[1] in found[1]


def wrong_rows(size=None, rows=ROWS):
    found = {name: (result_of(header, body, size), wanted) for name, (header, body, wanted) in rows.items()}
    return {
        name: (str(got)[:100], str(due)[:100])
        for name, (got, due) in found.items()
        if not is_as_wanted(got, due)
    }


def test_each_body_comes_out_right_or_is_refused_with_the_right_status():
    assert wrong_rows() == {}


@pytest.mark.parametrize("size", [1021, 65_537])
def test_it_makes_no_difference_in_which_pieces_a_body_comes(size):
    assert wrong_rows(size) == {}


def test_a_body_of_single_bytes_comes_out_right():
    few = {
        "gzip": ("gzip", gz(ENTRY) + gz(b"") + gz(ENTRY), ENTRY * 2),
        "zstd": ("zstd", zst(ENTRY) * 2, ENTRY * 2),
    }

    assert wrong_rows(1, few) == {}


def test_no_piece_is_read_beyond_the_one_that_is_refused():
    read = []

    def pieces():
        for number in range(1000):
            read.append(number)
            yield gz(b"\0" * MIB)

    with pytest.raises(BodyRefused, match=r"times its size|8,388,608"):
        unpacked(pieces(), "gzip", LIMITS)
    assert len(read) < 5


@pytest.mark.parametrize(
    "bomb", [("gzip", gz(b"\0" * (256 * MIB))), ("zstd", rle_bomb(20_000))], ids=["gzip", "zstd"]
)
def test_a_bomb_takes_no_more_memory_than_the_limits_allow(bomb):
    header, body = bomb
    tracemalloc.start()
    try:
        with pytest.raises(BodyRefused) as refused:
            unpacked([body], header, LIMITS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert refused.value.status == 413
    # Of the bytes that were taken, one step of zlib or one piece of zstd, and its copies.
    assert peak < LIMITS.unpacked_bytes + 3 * bodies.ZSTD_PIECE_BYTES // 4 * 128 * 1024


def test_a_changed_byte_raises_nothing_but_a_refusal():
    """Each byte of a packed body is changed in turn: what comes is bytes, or a refusal."""
    for header, body in (("gzip", gz(ENTRY * 3)), ("zstd", zst(ENTRY * 3, write_checksum=True))):
        for place in range(len(body)):
            for value in range(0, 256, 5):
                changed = body[:place] + bytes([value]) + body[place + 1 :]
                found = result_of(header, changed)
                assert isinstance(found, bytes) or found[0] in (400, 413), (header, place, value)


# --- Requests -----------------------------------------------------------------------------------------------


def post(body, **headers):
    return RequestFactory().post("/", body, content_type="application/json", headers=headers)


def test_the_body_of_a_request_is_unpacked():
    assert body_of(post(gz(PLAIN), **{"Content-Encoding": "gzip"})) == PLAIN
    assert body_of(post(PLAIN)) == PLAIN


def test_a_body_that_says_it_is_too_large_is_not_read():
    request = post(gz(PLAIN), **{"Content-Encoding": "gzip"})
    request.META["CONTENT_LENGTH"] = str(MIB + 1)
    request.read = pytest.fail
    with pytest.raises(BodyRefused) as refused:
        body_of(request, LIMITS)
    assert refused.value.status == 413
    request = post(gz(PLAIN), **{"Content-Encoding": "br"})
    request.read = pytest.fail
    with pytest.raises(BodyRefused) as refused:
        body_of(request, LIMITS)
    assert refused.value.status == 415


def test_the_limits_are_settings(settings):
    settings.INTAKE_UNPACKED_BYTES = 1024
    with pytest.raises(BodyRefused, match="1,024"):
        body_of(post(PLAIN))


def test_a_refused_coding_says_what_would_be_taken():
    answer = body_refused(BodyRefused(415, "Content-Encoding 'br': send gzip, zstd or none"))

    assert (answer.status_code, answer["Accept-Encoding"]) == (415, "gzip, zstd")
    assert body_refused(BodyRefused(400, "the body is not gzip")).status_code == 400


@pytest.mark.parametrize(
    ("size", "wanted"), [(1023, ["intake.E001"]), (1024, []), (1024**3 + 1, ["intake.E002"])]
)
@pytest.mark.parametrize("name", ["INTAKE_PACKED_BYTES", "INTAKE_UNPACKED_BYTES"])
def test_limits_that_are_none_are_an_error(settings, name, size, wanted):
    setattr(settings, name, size)

    assert [each.id for each in checks.check_body_limits(None)] == wanted
