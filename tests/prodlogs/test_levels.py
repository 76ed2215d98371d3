"""Which level a line has, over a corpus by format in `levels/`: `LEVEL<tab>line`, `-` for none."""

import pytest

from benchmarks.levels import (
    FORMATS,
    GUIDE,
    UNSEEN,
    UNSEEN_SETS,
    Line,
    corpus,
    measure,
    our_rule,
    table,
    unseen_table,
)
from logsite.lines import level_of
from prodlogs.models import ContainerLogEntry

CORPUS = corpus()
UNSEEN_CORPUS = corpus(UNSEEN)


def test_the_corpus_is_large_enough():
    assert len(CORPUS) >= 14
    assert min(len(lines) for lines in CORPUS.values()) >= 30
    assert sum(line.level == "" for lines in CORPUS.values() for line in lines) >= 300
    assert CORPUS.keys() == FORMATS.keys()


def test_accuracy_and_false_positives():
    """The limits of the plan; docs/levels.md has the figures."""
    found = measure(our_rule, [line for lines in CORPUS.values() for line in lines])
    assert found.accuracy >= 0.99
    assert found.false_positives <= 0.005


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_each_format(name):
    assert [line for line in CORPUS[name] if our_rule(line.text) != line.level] == []


def test_the_guides_tables_are_true():
    assert table() in GUIDE.read_text()
    assert unseen_table() in GUIDE.read_text()


@pytest.mark.parametrize("name", sorted(UNSEEN_SETS))
def test_lines_that_the_rules_did_not_know(name):
    """No line has a level that it does not say; docs/levels.md says how many are missed."""
    wrong = [line for line in UNSEEN_CORPUS[name] if our_rule(line.text) not in ("", line.level)]
    assert wrong == []


def test_the_measure_counts_what_is_wrong():
    """A rule that says ERROR of every line is right once, and wrong of each line without a level."""
    lines = [Line("ERROR", "a"), Line("INFO", "b"), Line("", "c"), Line("", "d")]
    found = measure(lambda text: "ERROR", lines)
    assert (found.accuracy, found.false_positives) == (0.25, 1.0)


def test_a_rule_fits_its_column():
    longest = ContainerLogEntry._meta.get_field("level_rule").max_length
    rules = {level_of(line.text)[1] for lines in CORPUS.values() for line in lines}
    assert max(map(len, rules)) <= longest
    assert {"json:level", "logfmt:level", "klog", "syslog", "time:bracket", "first-word"} <= rules


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"level":"ERROR","msg":"x"}', ("ERROR", "json:level")),
        ('{"log":{"level":"warn"}}', ("WARNING", "json:log.level")),
        ('{"level":30,"time":1,"msg":"x"}', ("INFO", "json:number")),
        ('{"severity_number":17}', ("ERROR", "json:severity_number")),
        ('{"short_message":"x","level":3}', ("ERROR", "json:gelf")),
        ("level=error msg=x", ("ERROR", "logfmt:level")),
        ("E0806 14:55:55.980915       1 fs.go:121] failed", ("ERROR", "klog")),
        ("<34>1 2026-11-20T14:05:32Z host app - - - x", ("CRITICAL", "syslog")),
        ("2026/11/20 14:05:32 [notice] 1#1: start", ("INFO", "time:bracket")),
        ("2026-11-20 14:05:32,847 - app - SEVERE - x", ("CRITICAL", "time:word")),
        ("ERROR: x", ("ERROR", "first-word")),
        ("E, [2026-11-20T14:05:32.847123 #1] ERROR -- : boom", ("ERROR", "ruby")),
        ("E [20/Nov/2026:14:05:32 +0000] [cups-deviced] PID 20 stopped", ("ERROR", "cups")),
        ("E261120 14:05:32.847123 1 server/node.go:1 x", ("ERROR", "klog")),
        ("2026-11-20T14:05:32Z pid=1 tid=abc ERROR: fail", ("ERROR", "time:word")),
        ("[2026-11-20 14:05:32] production.ERROR: x", ("ERROR", "time:channel")),
        ("2026-11-20T14:05:32Z E! [agent] x", ("ERROR", "time:sign")),
        ("20-Nov-2026 14:05:32.847 general: error: x", ("ERROR", "time:program")),
        ("[20-Nov-2026 14:05:32 UTC] PHP Fatal error:  x", ("CRITICAL", "php")),
        ("[Nest] 1  - 11/20/2026, 2:05:32 PM     LOG [App] x", ("INFO", "nest")),
        ("[12:20:1120/140532.847123:ERROR:bus.cc(399)] x", ("ERROR", "chromium")),
        ("postfix/smtpd[12]: warning: x", ("WARNING", "program")),
        ("=ERROR REPORT==== 20-Nov-2026::14:05:32 ===", ("ERROR", "erlang")),
        ('{"level":400,"level_name":"ERROR"}', ("ERROR", "json:level_name")),
        ('{"reqId":"a","level":3,"remoteAddr":"::1"}', ("ERROR", "json:nextcloud")),
        ('{"level":"dpanic"}', ("CRITICAL", "json:level")),
        ("level=informational", ("INFO", "logfmt:level")),
        ("level=failure", ("ERROR", "logfmt:level")),
        ("GET /error/404", ("", "")),
        ("", ("", "")),
    ],
)
def test_the_rule_that_fired(text, found):
    assert level_of(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "Error(s): 3",
        "Warning(s): 0 in total",
        "Result: error: none",
        "last error: timeout",
        "step 3: error: none",
        "E [1/5] building",
        "I, [robot]",
        "E240101 is a part number",
        "=UNKNOWN REPORT==== x",
        "production.ERROR is a channel",
        "2026-11-20 14:05:32 the channel x.ERROR is full",
        "2026-11-20 14:05:32 error count : 5",
        "2026-11-20 14:05:32 user=bob ERROR=none",
        "2026-11-20 14:05:32 see info/help: topics",
        "[2026-11-20] LOG rotated",
        "2026-11-20 the ERROR desk",
        "    2026-11-20 in a table",
        "09:21:44 1.5% [progress]",
        "[1] [ERROR_COUNT] 3",
        '{"level":3,"time":"x"}',
        '{"level_name":"boss","level":400}',
    ],
)
def test_what_only_looks_like_a_level(text):
    assert level_of(text) == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "{" * 100_000,
        "[" * 99_999,
        "- " * 50_000,
        "2026-11-20 14:05:32 " + "a-" * 50_000,
        "a=" * 50_000,
        '{"a":"' + "\\" * 99_999,
        "2026-11-20 14:05:32 " + "[x] " * 25_000,
        '{"level":' * 5_000,
    ],
)
def test_a_hostile_line_has_no_level(text):
    assert level_of(text) == ("", "")
