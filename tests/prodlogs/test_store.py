"""What is stored of the lines that were read: once, redacted, with the watermark in the same transaction."""

import pytest
from django.db import IntegrityError

from logsite.lines import Line
from logsite.redaction import Redactor
from prodlogs.models import ContainerLogEntry, LogSnapshot, Watermark
from prodlogs.reading import entry_store as module
from prodlogs.reading.entry_store import EntryStore, Overtaken
from prodlogs.reading.results import ReadingResult
from tests.factories import ContainerFactory, LogSnapshotFactory

pytestmark = pytest.mark.django_db
START = 1_790_000_000_000_000_000
PEM = [
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    *["b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtz"] * 4,
    "-----END OPENSSH PRIVATE KEY-----",
]


@pytest.fixture
def container():
    return ContainerFactory(name="web")


@pytest.fixture
def make_store(container):
    """Stores of the container; each with the same known secret."""

    def make(**options):
        snapshot = LogSnapshotFactory(container=container, status="running")
        result = ReadingResult(container.name, snapshot)
        return EntryStore(container, result, Redactor({"ssh-key": "s3cret-of-the-host"}), **options)

    return make


def lines(*texts, start=START, sequence=0):
    return [Line(start + n, sequence, len(text.encode()), text) for n, text in enumerate(texts)]


def stored():
    rows = ContainerLogEntry.objects.order_by("timestamp", "sequence", "id")
    return list(rows.values_list("message", flat=True))


def finish(store, **columns):
    store.release()
    store.commit(**columns)


def test_entries_the_watermark_and_the_counts_are_stored_together(make_store, container):
    store = make_store()
    store.covered_from = 0
    store.result.lines = 2
    store.add("stdout", lines("INFO one", "two"))
    finish(store, aligned=True)
    first, second = ContainerLogEntry.objects.order_by("timestamp")
    assert (first.message, first.level, first.level_rule != "", second.level) == (
        "INFO one",
        "INFO",
        True,
        "",
    )
    assert (first.container_name, first.stream, first.timestamp, first.snapshot) == (
        "web",
        "stdout",
        START,
        store.snapshot,
    )
    mark = Watermark.objects.get()
    assert (mark.timestamp, mark.sequence, mark.length, mark.pending) == (START + 1, 0, 3, [])
    snapshot = LogSnapshot.objects.get(pk=store.snapshot.pk)
    assert (snapshot.lines, snapshot.entries, snapshot.first, snapshot.last) == (2, 2, START, START + 1)
    container.refresh_from_db()
    assert container.covered_from == 0


def test_a_full_block_is_stored_at_once(make_store, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 3)
    store = make_store()
    store.add("stdout", lines("a", "b", "c"))
    assert stored() == []
    store.add("stdout", lines("d", start=START + 3))
    assert stored() == ["a", "b", "c"]


def test_the_line_that_may_go_on_waits_with_the_watermark(make_store):
    store = make_store()
    store.add("stdout", lines("one", "ValueError: s3cret-of-the-host"))
    store.commit()
    assert stored() == ["one"]
    [[timestamp, sequence, text]] = Watermark.objects.get().pending
    assert (timestamp, sequence, text) == (START + 1, 0, "ValueError: <redacted:ssh-key>")
    finish(make_store())
    assert stored() == ["one", "ValueError: <redacted:ssh-key>"]
    assert Watermark.objects.get().pending == []


def test_a_trace_is_one_entry_also_over_two_readings(make_store):
    first = make_store()
    first.add("stderr", lines("Traceback (most recent call last):", '  File "a.py", line 1, in f'))
    first.commit()
    second = make_store()
    second.add("stderr", lines("    f()", "ValueError: no", "done", start=START + 2))
    finish(second)
    trace, done = ContainerLogEntry.objects.order_by("timestamp")
    assert trace.message.splitlines() == [
        "Traceback (most recent call last):",
        '  File "a.py", line 1, in f',
        "    f()",
        "ValueError: no",
    ]
    assert (trace.level, trace.timestamp, done.message) == ("ERROR", START, "done")


def test_two_readers_of_one_place_store_it_once(make_store):
    finish(_with(make_store(), lines("zero")))
    one, other = make_store(), make_store()
    finish(_with(one, lines("a", start=START + 1)))
    with pytest.raises(Overtaken):
        finish(_with(other, lines("a", start=START + 1)))
    assert stored() == ["zero", "a"]


def test_two_first_readers_store_it_once(make_store):
    one, other = make_store(), make_store()
    finish(_with(one, lines("a")))
    with pytest.raises(Overtaken):
        finish(_with(other, lines("a")))
    assert stored() == ["a"]


def _with(store, some, stream="stdout"):
    store.add(stream, some)
    return store


def test_a_failed_block_moves_nothing(make_store, monkeypatch):
    store = _with(make_store(), lines("a"))
    monkeypatch.setattr(store, "_insert", lambda rows, tokens: (_ for _ in ()).throw(IntegrityError("no")))
    with pytest.raises(IntegrityError):
        finish(store)
    assert not Watermark.objects.exists()
    assert LogSnapshot.objects.get().entries == 0


def test_lines_of_one_time_differ_in_their_number(make_store):
    same = [Line(START, number, 5, "again") for number in range(3)]
    finish(_with(make_store(), same))
    assert stored() == ["again"] * 3


def test_a_clock_set_back_to_the_same_nanosecond_loses_nothing(make_store):
    finish(_with(make_store(), lines("first")))
    store = _with(make_store(), lines("later", "and more"))
    finish(store)
    assert sorted(stored()) == ["and more", "first", "later"]
    assert store.snapshot.duplicates == 0


def test_what_a_backfill_stored_before_is_not_stored_again(make_store):
    window = _with(make_store(window=(START, START + 10)), lines("a", "b"))
    finish(window)
    assert not Watermark.objects.exists()
    store = _with(make_store(), lines("a", "b", "c"))
    finish(store)
    assert stored() == ["a", "b", "c"]
    assert (store.snapshot.entries, store.snapshot.duplicates) == (1, 2)


def test_a_window_takes_what_begins_in_it(make_store):
    finish(_with(make_store(window=(START + 1, START + 3)), lines("a", "b", "c", "d")))
    assert stored() == ["b", "c"]


def test_a_window_that_begins_amid_a_stored_trace_in_chunks_of_one_line(make_store):
    texts = ["ERROR boom", *(f"  frame {number}" for number in range(6)), "INFO after"]
    finish(_with(make_store(), lines(*texts)))
    window = make_store(window=(START, START + 100))
    for number in range(3, len(texts)):
        window.add("stdout", lines(texts[number], start=START + number))
    finish(window)
    assert (window.snapshot.entries, window.snapshot.duplicates) == (0, 1)


def test_a_line_that_reads_like_the_end_of_an_old_trace_is_stored(make_store):
    finish(_with(make_store(), lines("ERROR failed", "  ConnectionError: db down")))
    hour = 3_600_000_000_000
    window = make_store(window=(START, START + 2 * hour))
    finish(_with(window, lines("  ConnectionError: db down", "INFO ok", start=START + hour)))
    assert stored()[1:] == ["  ConnectionError: db down", "INFO ok"]


def test_a_known_secret_is_stored_nowhere(make_store):
    finish(_with(make_store(), lines("key s3cret-of-the-host", "\x1b[31mkey s3cret-\x1b[0mof-the-host")))
    assert stored() == ["key <redacted:ssh-key>"] * 2
    assert not ContainerLogEntry.objects.filter(raw_line__contains="s3cret").exists()


def test_colours_are_kept_in_the_raw_line(make_store):
    finish(_with(make_store(), lines("\x1b[31mred\x1b[0m", "plain")))
    rows = ContainerLogEntry.objects.order_by("timestamp").values_list("message", "raw_line")
    assert list(rows) == [("red", "\x1b[31mred\x1b[0m"), ("plain", None)]


def test_a_secret_of_several_lines_takes_no_line_with_it(make_store):
    finish(_with(make_store(), lines("before", *PEM, "after")))
    texts = stored()
    assert (texts[0], texts[-1], len(texts)) == ("before", "after", 2 + len(PEM))
    assert not any("b3Blbn" in text for text in texts)


KEYS = {
    "pem": PEM,
    "pkcs12": [
        "-----BEGIN PKCS12-----",
        *["MIIKPwIBAzCCCfUGCSqGSIb3DQEHAaCC" * 2] * 4,
        "-----END PKCS12-----",
    ],
    "putty": [
        "Private-Lines: 4",
        *["AAAAgQDJ0mVyZ2VzdCBzZWNyZXQgaW4gdGhlIHdvcmxk" * 1] * 4,
        "Private-MAC: 0",
    ],
    "hexadecimal": [
        "Private-Key: (2048 bit)",
        *["    00:c0:ff:ee:00:c0:ff:ee:00:c0:ff:ee:00:c0:ff:"] * 4,
        "end",
    ],
}


@pytest.mark.parametrize("kind", KEYS)
@pytest.mark.parametrize("cut", [2, 3, 4, 5])
def test_a_secret_of_several_lines_may_come_in_parts(make_store, kind, cut):
    """In two chunks of one reading, and in two readings: what the second has of it shows no sign of a secret."""
    texts = ["before", *KEYS[kind], "after"]
    store = make_store()
    store.add("stdout", lines(*texts[:cut]))
    store.add("stdout", lines(*texts[cut:], start=START + cut))
    store.add("stderr", lines(*texts[:cut]))
    finish(store)
    again = make_store()
    again.add("stderr", lines(*texts[cut:], start=START + cut))
    finish(again)
    found = stored()
    assert len(found) == 2 * len(texts)
    assert not [text for text in found if any(text.strip() == line.strip() for line in KEYS[kind][1:-1])]
    assert (found.count("before"), found.count("after")) == (2, 2)
    assert set(Watermark.objects.values_list("open_secret", flat=True)) == {""}


def line_by_line(make_store, texts):
    """As follow reads them."""
    for number, text in enumerate(texts):
        store = make_store()
        store.add("stdout", lines(text, start=START + number))
        finish(store)
    return stored()


@pytest.mark.parametrize("kind", KEYS)
def test_a_secret_may_come_line_by_line(make_store, kind):
    found = line_by_line(make_store, ["before", *KEYS[kind], "after", "ready"])
    assert (found[0], found[-2:]) == ("before", ["after", "ready"])
    assert not set(found) & set(KEYS[kind][1:-1])


def test_the_short_last_line_of_a_key_by_itself(make_store):
    found = line_by_line(make_store, [*PEM[:-1], "c2hvcnQ=", PEM[-1], "ready"])
    assert found[-3:] == ["<redacted:private-key>", PEM[-1], "ready"]


def test_who_only_speaks_of_a_key_masks_nothing(make_store):
    texts = [
        "PEM must begin with -----BEGIN PRIVATE KEY-----",
        "started",
        "ready",
        "and-a-long-word-of-letters",
    ]
    assert line_by_line(make_store, texts) == texts


def test_a_line_that_routeros_breaks_goes_on_in_the_next_chunk(make_store):
    assert line_by_line(make_store, ["/user add password=\\", "    S3cr3tValue99", "done"]) == [
        "/user add password=\\",
        "    <redacted:secret>",
        "done",
    ]


def test_what_follows_an_unfinished_key_is_no_secret(make_store):
    store = make_store()
    store.add("stdout", lines(*PEM[:2]))
    store.add("stdout", lines("INFO the next line", "and-a-word-of-letters", start=START + 2))
    finish(store)
    assert stored()[2:] == ["INFO the next line", "and-a-word-of-letters"]


def test_the_end_of_a_key_whose_beginning_was_rotated_away(make_store):
    finish(_with(make_store(), lines(*PEM[2:], "after")))
    assert not any("b3Blbn" in text for text in stored())
    assert stored()[-2:] == [PEM[-1], "after"]


def test_a_coloured_secret_of_several_lines(make_store):
    finish(_with(make_store(), lines("\x1b[31mbefore\x1b[0m", *[f"\x1b[1m{line}\x1b[0m" for line in PEM])))
    rows = list(ContainerLogEntry.objects.order_by("timestamp").values_list("message", "raw_line"))
    assert rows[0] == ("before", "\x1b[31mbefore\x1b[0m")
    assert rows[2] == ("<redacted:private-key>", None)
    assert not any("b3Blbn" in f"{message}{raw}" for message, raw in rows)


def test_the_watermark_has_the_length_before_redaction(make_store):
    finish(_with(make_store(), lines("password: hunter22")))
    assert Watermark.objects.get().length == len("password: hunter22")


def test_an_entry_over_the_limit_is_cut_and_counted(make_store, settings):
    settings.PRODLOGS_ENTRY_LIMIT = 100
    store = _with(make_store(), lines("x" * 150))
    finish(store)
    row = ContainerLogEntry.objects.get()
    assert (len(row.message), row.truncated_bytes, store.snapshot.truncated) == (100, 50, 1)


def test_a_secret_is_taken_out_before_a_line_is_cut(make_store, settings):
    settings.PRODLOGS_ENTRY_LIMIT = 100
    finish(_with(make_store(), lines("x" * 94 + " s3cret-of-the-host" + "y" * 50)))
    assert ContainerLogEntry.objects.get().message == "x" * 94 + " <reda"


def test_a_log_that_was_emptied_begins_anew(make_store):
    store = _with(make_store(), lines("a"))
    finish(store)
    store.forget()
    assert not Watermark.objects.exists()
