"""From the bytes of `docker logs --timestamps` to lines."""

import random
import subprocess
from contextlib import contextmanager

import pytest

from logsite.lines import Line
from logsite.tables.nanoseconds import from_rfc3339, rfc3339
from prodlogs.docker import decoder as module
from prodlogs.docker.decoder import PIECE, StreamDecoder
from tests.soak import short_or_long

T0 = "2026-11-20T14:05:32.000000001Z"
T1 = "2026-11-20T14:05:32.500000000Z"
T2 = "2026-11-20T14:06:33.000000000Z"
T3 = "2026-11-20T14:06:34.000000000Z"
T4 = "2026-11-20T14:16:34.000000000Z"


def ns(stamp):
    return from_rfc3339(stamp)


def decode(data, *, size=None, **options):
    """The lines of `data`, fed at once or in chunks of `size` bytes."""
    decoder = StreamDecoder("stdout", **options)
    lines = []
    for start in range(0, len(data), size or max(1, len(data))):
        lines += decoder.feed(data[start : start + (size or len(data))])
    return lines + decoder.finish()


def texts(data, **options):
    return [line.text for line in decode(data, **options)]


def out(*records):
    """Docker's output of (stamp, text) pairs."""
    return b"".join(stamp.encode() + b" " + _bytes(text) + b"\n" for stamp, text in records)


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def pieces(stamp, text):
    """One message as Docker writes it, in pieces of 16 KiB; a last piece may be empty."""
    data = _bytes(text)
    cuts = [data[start : start + PIECE] for start in range(0, len(data) + 1, PIECE)]
    return b"".join(stamp.encode() + b" " + cut for cut in cuts)


def test_a_line_has_dockers_time_its_number_and_its_length():
    assert decode(out((T0, "one"), (T1, "zwölf"))) == [
        Line(ns(T0), 0, 3, "one"),
        Line(ns(T1), 0, 6, "zwölf"),
    ]


def test_lines_of_one_instant_are_numbered():
    lines = decode(out((T0, "a"), (T0, "a"), (T0, "b"), (T1, "a")), size=40)
    assert [(line.timestamp, line.sequence) for line in lines] == [
        (ns(T0), 0),
        (ns(T0), 1),
        (ns(T0), 2),
        (ns(T1), 0),
    ]


def test_an_empty_line_is_a_line():
    assert texts(out((T0, ""), (T1, "x"), (T2, ""))) == ["", "x", ""]


def test_a_text_that_begins_with_a_time_keeps_it():
    assert texts(out((T0, f"{T3} started"), (T1, f"again {T3} x"))) == [f"{T3} started", f"again {T3} x"]


@pytest.mark.parametrize(
    "words",
    [
        "Error response from daemon: No such container: x",
        "2026-13-45T14:05:32.000000001Z no such day",
        "2026-11-20T14:05:32.00000001Z eight digits",
        "2026-11-20T14:05:32.000000001+01:00 a zone",
        "2026-11-20T14:05:32.00000000xZ a letter",
        "",
    ],
)
def test_a_line_without_a_stamp_is_a_notice(words):
    decoder = StreamDecoder("stderr")
    assert [line.text for line in decoder.feed(out((T0, "x")) + words.encode() + b"\n" + out((T1, "y")))] == [
        "x",
        "y",
    ]
    assert decoder.notices == [words]


def test_a_notice_without_a_newline_is_seen_at_the_end():
    decoder = StreamDecoder("stderr")
    assert decoder.feed(b"Error: no") + decoder.finish() == []
    assert decoder.notices == ["Error: no"]


@pytest.mark.parametrize("length", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 5, 40_960, 1_000_000])
def test_the_pieces_of_a_long_line_are_joined(length):
    data = pieces(T0, "x" * length) + b"\n" + out((T1, "next"))
    if length < PIECE:
        data = out((T0, "x" * length), (T1, "next"))
    assert decode(data) == [Line(ns(T0), 0, length, "x" * length), Line(ns(T1), 0, 4, "next")]


def test_pieces_with_the_same_content_and_lines_of_the_same_time():
    block = "ab" * (PIECE // 2)
    data = pieces(T0, block * 3) + b"\n" + pieces(T0, block) + b"\n"
    assert [(line.sequence, len(line.text)) for line in decode(data)] == [(0, 3 * PIECE), (1, PIECE)]


def test_a_character_cut_by_a_piece_is_whole_again():
    text = "x" * (PIECE - 1) + "ü" + "y"
    assert decode(pieces(T0, text) + b"\n") == [Line(ns(T0), 0, PIECE + 2, text)]


def test_pieces_and_chunks_cut_at_every_byte_give_the_same_lines():
    data = pieces(T0, "é" * PIECE) + b"\n" + out((T1, "next"), (T1, ""), (T2, b"\xff\x00end"))
    whole = decode(data)
    assert len(whole) == 4
    edges = [edge for place in (0, PIECE, 2 * PIECE, len(data)) for edge in range(place - 80, place + 120)]
    for edge in edges:
        decoder = StreamDecoder("stdout")
        cut = max(0, min(edge, len(data)))
        lines = decoder.feed(data[:cut]) + decoder.feed(data[cut:]) + decoder.finish()
        assert lines == whole, cut


def test_one_byte_at_a_time():
    data = out((T0, "zwölf"), (T1, ""), (T1, b"\xc3\xff x"), (T2, "\x1b[31mred\x1b[0m"))
    assert decode(data, size=1) == decode(data)


def test_the_local_driver_forgets_the_newline_after_pieces():
    long, longer = "a" * (PIECE + 7), "b" * (2 * PIECE)
    data = pieces(T0, long) + pieces(T1, longer) + out((T2, "next")) + out((T3, "last"))
    assert texts(data, driver="local") == [long, longer, "next", "last"]


def test_the_local_driver_ends_a_reply_with_a_whole_long_line():
    long = "a" * (PIECE + 7)
    assert texts(pieces(T0, long), driver="local", running=True) == [long]
    assert texts(pieces(T0, "a" * PIECE)[: PIECE + 31], driver="local", running=True) == []


def test_a_reply_of_the_local_driver_may_begin_with_a_last_piece():
    data = f"{T0} last piece".encode() + out((T1, f"of {T2} x"), (T2, "next"))
    assert texts(data, driver="local") == ["last piece", f"of {T2} x", "next"]


def test_an_older_time_in_a_long_line_of_the_local_driver_is_text():
    long = "a" * PIECE + f"at {T0} it began"
    assert texts(pieces(T1, long) + out((T2, "next")), driver="local") == [long, "next"]


def test_an_unended_line_waits_while_its_container_runs():
    data = out((T0, "one")) + f"{T1} half".encode()
    assert texts(data, running=True) == ["one"]
    assert texts(data, running=False) == ["one", "half"]


def test_a_reading_that_was_cut_short_never_gives_out_its_end():
    decoder = StreamDecoder("stdout", running=False)
    assert len(decoder.feed(out((T0, "one")) + f"{T1} ha".encode())) == 1
    assert decoder.finish(cut=True) == []


def test_a_restart_writes_on_the_same_line():
    data = out((T0, "one")) + f"{T1} unended".encode() + out((T2, "again"), (T3, "more"))
    for size in (None, 1, 7, 64):
        assert texts(data, size=size, started_at=ns(T2)) == ["one", "unended", "again", "more"]


def test_an_unended_line_of_the_run_before_is_whole():
    assert texts(f"{T1} unended".encode(), started_at=ns(T2), running=True) == ["unended"]
    assert texts(f"{T1} unended{T2} half".encode(), started_at=ns(T2), running=True) == ["unended"]


def test_output_before_dockers_own_note_of_the_start():
    """A quick program has written before Docker notes that it was started."""
    data = f"{T1} unended".encode() + out((T2, "again"), (T3, "more"))
    assert texts(data, started_at=ns(T2) + 400_000_000) == ["unended", "again", "more"]


def test_a_later_time_in_the_last_line_of_a_run_is_text():
    data = out((T1, f"next run at {T3} sharp"), (T2, "again"))
    assert texts(data, started_at=ns(T2)) == [f"next run at {T3} sharp", "again"]


def test_a_time_after_the_start_in_an_earlier_line_is_text():
    data = out((T0, f"next run at {T3} sharp"), (T1, "two"), (T2, "again"))
    assert texts(data, started_at=ns(T2)) == [f"next run at {T3} sharp", "two", "again"]


def test_an_unended_long_line_and_a_restart():
    long = "x" * (PIECE + 5)
    data = pieces(T0, long) + pieces(T2, long) + b"\n"
    assert texts(data, started_at=ns(T2)) == [long, long]


def crash_loop(*, starts=(T0, T2, T4)):
    """Runs of which each ends with an unended line a second after its start; the last one is running."""
    runs = [f"{start} INFO start {n}\n{later(start)} FATAL: no" for n, start in enumerate(starts)]
    return "".join(runs).encode()


def later(stamp):
    return rfc3339(ns(stamp) + 10**9)


@pytest.mark.parametrize("size", [None, 1, 7, 100])
def test_each_run_of_a_crash_loop_may_end_without_a_newline(size):
    lines = decode(crash_loop(), started_at=ns(T4), running=False, looping=True, size=size)
    expected = [
        (T0, "INFO start 0"),
        (later(T0), "FATAL: no"),
        (T2, "INFO start 1"),
        (later(T2), "FATAL: no"),
    ]
    if size is None:  # in smaller chunks a next line's time is not always known by then
        assert [(rfc3339(line.timestamp), line.text) for line in lines[:4]] == expected
    assert [line.text for line in lines[-2:]] == ["INFO start 2", "FATAL: no"]


def test_a_line_that_was_read_before_the_second_restart_stays_as_it_was():
    """Or it would not be found again, and its absence be taken for a loss."""
    merged = f"FATAL: no{T2} INFO start 1"
    found = decode(
        crash_loop(), started_at=ns(T4), running=False, looping=True, anchor=(ns(later(T0)), len(merged))
    )
    assert found[1] == Line(ns(later(T0)), 0, len(merged), merged)


GIANT = bytes(random.Random(4).choices(b"abcdefgh ", k=3_000_000))


@pytest.mark.parametrize("driver", ["json-file", "local"])
@pytest.mark.parametrize("size", [None, 4_096, 100_000, 262_144])
def test_of_a_giant_line_the_middle_is_counted_and_not_held(driver, size, monkeypatch):
    monkeypatch.setattr(module, "SLACK", 100_000)
    end = b"" if driver == "local" else b"\n"
    data = out((T0, "before")) + pieces(T1, GIANT) + end + out((T2, "after"))
    before, giant, after = decode(data, driver=driver, size=size, longest=50_000)
    assert (before, after) == (Line(ns(T0), 0, 6, "before"), Line(ns(T2), 0, 5, "after"))
    assert (giant.timestamp, giant.length) == (ns(T1), len(GIANT))
    assert giant.dropped + len(giant.text) == len(GIANT)
    assert giant.text[:50_000].encode() == GIANT[:50_000]
    if size:
        assert len(giant.text) < 300_000


@pytest.mark.parametrize("size", [None, 4_096, 262_144])
def test_long_lines_that_the_local_driver_puts_on_one_output_line_are_all_there(size, monkeypatch):
    monkeypatch.setattr(module, "SLACK", 100_000)
    stamps = [rfc3339(ns(T1) + number) for number in range(100)]
    data = b"".join(pieces(stamp, "x" * 20_000 + stamp[-6:]) for stamp in stamps) + out((T2, "after"))
    lines = decode(data, driver="local", size=size, longest=50_000)
    assert [line.length for line in lines] == [20_006] * 100 + [5]
    assert [line.text[-6:] for line in lines[:100]] == [stamp[-6:] for stamp in stamps]
    assert not any(line.dropped for line in lines)


@pytest.mark.parametrize("size", [None, 4_096, 262_144])
def test_an_unended_line_before_a_giant_one(size, monkeypatch):
    """Of the run before, on the same output line: the lengths are by which both are found again."""
    monkeypatch.setattr(module, "SLACK", 100_000)
    data = f"{T1} unended".encode() + pieces(T2, GIANT) + b"\n" + out((T3, "after"))
    lines = decode(data, size=size, longest=50_000, started_at=ns(T2))
    assert [(rfc3339(line.timestamp), line.length) for line in lines] == [(T1, 7), (T2, len(GIANT)), (T3, 5)]


def test_a_later_time_in_a_message_of_a_crash_loop_is_text():
    data = out((T0, f"next run at {T1} by cron"), (T2, "run")) + crash_loop(starts=(T3, T4))
    assert decode(data, started_at=ns(T4), looping=True)[0].text == f"next run at {T1} by cron"


def test_a_giant_line_is_found_again(monkeypatch):
    monkeypatch.setattr(module, "SLACK", 100_000)
    data = pieces(T1, GIANT) + b"\n" + out((T2, "after"))
    found = decode(data, size=10_000, longest=50_000, anchor=(ns(T1), len(GIANT)), started_at=ns(T0))
    assert [(line.timestamp, line.length) for line in found] == [(ns(T1), len(GIANT)), (ns(T2), 5)]


def test_an_unended_giant_line_waits_while_its_container_runs(monkeypatch):
    monkeypatch.setattr(module, "SLACK", 100_000)
    data = out((T0, "before")) + pieces(T1, GIANT)
    assert [line.text for line in decode(data, size=10_000, longest=50_000)] == ["before"]
    [_, giant] = decode(data, size=10_000, longest=50_000, running=False)
    assert giant.length == len(GIANT)


def test_a_giant_line_that_is_not_in_pieces(monkeypatch):
    monkeypatch.setattr(module, "SLACK", 100_000)
    data = out((T1, GIANT), (T2, "after"))
    giant, after = decode(data, size=10_000, longest=50_000)
    assert (giant.length, after.text) == (len(GIANT), "after")
    assert giant.text.endswith(GIANT[-10_000:].decode())


def test_a_known_line_ends_where_it_ended():
    """Two starts later `started_at` says nothing of the first one."""
    data = f"{T0} unended".encode() + out((T1, "second run"), (T3, "third run"))
    assert texts(data, started_at=ns(T3)) == [f"unended{T1} second run", "third run"]
    assert texts(data, started_at=ns(T3), anchor=(ns(T0), 7)) == ["unended", "second run", "third run"]


def test_a_terminals_line_ends_are_no_part_of_it():
    data = out((T0, "one\r"), (T1, "10%\r50%\r100%\r"))
    assert decode(data, tty=True) == [Line(ns(T0), 0, 4, "one"), Line(ns(T1), 0, 13, "10%\r50%\r100%")]
    assert texts(data) == ["one\r", "10%\r50%\r100%\r"]


def test_invalid_utf8_and_nul_are_replaced_and_counted_as_sent():
    assert decode(out((T0, b"a\xffb\x00c"))) == [Line(ns(T0), 0, 5, "a\ufffdb\ufffdc")]


def test_other_line_separators_are_text():
    text = "a\x0bb\x0cc\x85d\u2028e"
    assert texts(out((T0, text))) == [text]


def random_log(number):
    """Messages with their stamps, and Docker's output of them."""
    moment, expected, data = ns(T0), [], []
    for _ in range(number.randrange(1, 40)):
        moment += number.choice((0, 0, 1, 999, 10**9))
        length = number.choice((0, 1, 5, 150, 150, 150, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE))
        text = "".join(
            number.choice(("a", "é", "Z ", "\r", "\x1b[m", "2026-", "€")) for _ in range(min(length, 150))
        )
        message = (text * (length // max(1, len(text)) + 1)).encode()[:length]
        expected.append((moment, len(message), message.decode("utf-8", "replace")))
        stamp = rfc3339(moment)
        data.append((pieces(stamp, message) if length >= PIECE else f"{stamp} ".encode() + message) + b"\n")
    return expected, b"".join(data)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(short_or_long(12, 2_000)))
def test_any_log_in_any_chunks_is_the_same(seed):
    number = random.Random(seed)
    expected, data = random_log(number)
    decoder, lines, at = StreamDecoder("stdout"), [], 0
    while at < len(data):
        size = number.choice((1, 30, 31, 32, 1000, 70_000))
        lines += decoder.feed(data[at : at + size])
        at += size
    assert [(line.timestamp, line.length, line.text) for line in lines + decoder.finish()] == expected


def random_run(number, moment, *, local):
    """One run of a container: its messages with their times, and Docker's output, perhaps without a last newline."""
    expected, data = [], b""
    count = number.randrange(1, 8)
    for index in range(count):
        moment += number.choice((1, 1000, 10**8))
        length = number.choice((0, 1, 20, PIECE - 1, PIECE, PIECE + 3, 2 * PIECE))
        ended = index < count - 1 or length == 0 or number.random() < 0.3
        message = "abc" * (length // 3 + 1)
        expected.append((moment, message[:length]))
        stamp = rfc3339(moment)
        cuts = pieces(stamp, message[:length]) if length >= PIECE else f"{stamp} {message[:length]}".encode()
        if not ended and length >= PIECE:
            cuts = cuts.removesuffix(f"{stamp} ".encode())  # the empty last piece says that the line ended
        data += cuts + (b"\n" if ended and not (local and length >= PIECE) else b"")
    return expected, data, moment


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_any_two_runs_in_any_chunks(driver):
    for seed in range(150):
        number = random.Random(seed)
        first, before, moment = random_run(number, ns(T0), local=driver == "local")
        second, after, _ = random_run(number, moment + 10 * 10**9, local=driver == "local")
        started = second[0][0] + number.choice((-(10**8), 0, 10**8))  # Docker notes it early or late
        size = number.choice((31, 500, 20_000, 10**6))
        lines = decode(before + after, size=size, driver=driver, started_at=started, running=False)
        assert [(line.timestamp, line.text) for line in lines] == first + second, seed


# With Docker itself


def docker(*argv, **options):
    return subprocess.run(["docker", *argv], check=True, capture_output=True, timeout=60, **options).stdout


@contextmanager
def container(name, script, *options):
    """Run `script` in a container of the test image to its end."""
    name = f"lines-{name}"
    base = ("--network=none", "--ulimit", "nofile=1024:4096", "--name", name)
    docker("run", "--detach", *base, *options, "logsite/busybox", "sh", "-c", script)
    try:
        docker("wait", name)
        yield name
    finally:
        docker("rm", "--force", name)


@pytest.fixture
def engine(docker, monkeypatch):
    """The engine of the tests, with its image, is the one that `docker` talks to."""
    monkeypatch.setenv("DOCKER_HOST", docker.address)


def logs(name, **options):
    """What was read of a container's stdout, when its log is quiet."""
    return decode(docker("logs", "--timestamps", name), **options)


REPEAT = "head -c %d /dev/zero | tr '\\0' %s; echo; "


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_docker_long_lines(engine, driver):
    lengths = (16_384, 16_385, 32_768, 40_960, 1_000_000)
    script = "".join(REPEAT % (length, letter) for length, letter in zip(lengths, "abcde", strict=True))
    with container(f"long-{driver}", script + "echo end", "--log-driver", driver) as name:
        lines = logs(name, driver=driver, running=False)
    expected = [letter * length for length, letter in zip(lengths, "abcde", strict=True)]
    assert [line.text for line in lines] == [*expected, "end"]
    assert [line.length for line in lines] == [*lengths, 3]


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_docker_the_last_records(engine, driver):
    """A reply of the last N records begins with a piece of a line, and then has whole lines only."""
    script = "echo first; " + REPEAT % (40_000, "b") + "echo next; echo last"
    with container(f"tail-{driver}", script, "--log-driver", driver) as name:
        for count in range(1, 7):
            reply = docker("logs", "--timestamps", "--tail", str(count), name)
            found = [line.text for line in decode(reply, driver=driver, running=False)]
            assert found[-min(count, 2) :] == ["next", "last"][-min(count, 2) :]
            assert len(found) == min(count, 3) + (count == 6)


@pytest.mark.parametrize("driver", ["json-file", "local"])
def test_docker_no_final_newline_and_a_restart(engine, driver):
    with container(f"unended-{driver}", "echo one; printf half", "--log-driver", driver) as name:
        assert [line.text for line in logs(name, driver=driver, running=False)] == ["one", "half"]
        docker("start", name)
        docker("wait", name)
        started = docker("inspect", "--format", "{{.State.StartedAt}}", name).decode().strip()
        seconds, _, fraction = started.removesuffix("Z").partition(".")
        moment = ns(f"{seconds}.{fraction:0<9}Z")
        lines = logs(name, driver=driver, running=False, started_at=moment)
    assert [line.text for line in lines] == ["one", "half", "one", "half"]


def test_docker_terminal(engine):
    with container("tty", "echo one; printf '10%%\\r90%%\\n'; echo end", "--tty") as name:
        lines = logs(name, tty=True, running=False)
    assert [line.text for line in lines] == ["one", "10%\r90%", "end"]
