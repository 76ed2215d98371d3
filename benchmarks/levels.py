"""How often the level of a line is found, by our rules and by those that others publish.

    .venv/bin/python -m benchmarks.levels

The corpus is in tests/prodlogs/levels/, and in levels_unseen/ are lines that were written before anybody tried our
rules on them. Loki's rule (pkg/distributor, 3.x: JSON and logfmt fields, then words
anywhere in the line, in a fixed order) and Dozzle's (its level guesser: fields of JSON, then six shapes of a level's
word, each anywhere in the line, sure ones first) are written anew from what their sources do.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from logsite.lines import level_of

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests/prodlogs/levels"
UNSEEN = ROOT / "tests/prodlogs/levels_unseen"
GUIDE = ROOT / "docs/levels.md"
FORMATS = {
    "access_logs": "nginx, Apache and HAProxy access logs",
    "android": "Android logcat",
    "dotnet_serilog": ".NET console, Serilog, NLog",
    "elasticsearch_kafka": "Elasticsearch, Kafka, RabbitMQ, ClickHouse",
    "go_console": "zap, logrus, zerolog, hclog, CoreDNS",
    "java_log4j": "Log4j, Logback, Spring Boot, Tomcat",
    "json": "JSON: zap, ECS, structlog, Serilog, OTLP",
    "klog": "klog (Kubernetes)",
    "logfmt": "logfmt",
    "mysql_mongodb": "MySQL, MariaDB, MongoDB",
    "nginx_apache_error": "nginx, Apache and HAProxy error logs",
    "php_node": "PHP, npm, winston",
    "pino_bunyan": "pino, bunyan",
    "postgresql": "PostgreSQL",
    "prose": "lines of no format",
    "python_logging": "Python logging, Celery, Airflow, loguru",
    "redis": "Redis",
    "rust": "env_logger, tracing",
    "syslog": "syslog (RFC 3164, RFC 5424)",
    "traces": "lines of traces",
    "uvicorn_gunicorn": "uvicorn, gunicorn",
}
# Which lines, and how our rules did on them when they were tried for the first time.
UNSEEN_SETS = {
    "first": ("common loggers, by somebody who did not know the rules", "81.6% / 0.0%"),
    "second": ("further programs, before the rules had learned", "78.2% / 0.0%"),
    "third": ("still others, after the rules had learned from both", "69.4% / 0.0%"),
}
Rule = Callable[[str], str]


class Line(NamedTuple):
    level: str
    text: str


class Score(NamedTuple):
    """Shares from 0 to 1: lines judged rightly; lines without a level that were given one (None: no such lines)."""

    accuracy: float
    false_positives: float | None


def corpus(folder: Path = FOLDER) -> dict[str, list[Line]]:
    """The lines by format."""
    return {
        path.stem: [_line(row) for row in path.read_text().splitlines()]
        for path in sorted(folder.glob("*.txt"))
    }


def _line(row: str) -> Line:
    level, _, text = row.partition("\t")
    return Line("" if level == "-" else level, text)


def measure(rule: Rule, lines: Sequence[Line]) -> Score:
    right = sum(rule(line.text) == line.level for line in lines)
    without = [line for line in lines if not line.level]
    wrong = sum(bool(rule(line.text)) for line in without)
    return Score(right / len(lines), wrong / len(without) if without else None)


def our_rule(text: str) -> str:
    return level_of(text)[0]


# Loki

LOKI_VALUES = {
    "trace": "TRACE",
    "trc": "TRACE",
    "debug": "DEBUG",
    "dbg": "DEBUG",
    "info": "INFO",
    "inf": "INFO",
    "information": "INFO",
    "warn": "WARNING",
    "wrn": "WARNING",
    "warning": "WARNING",
    "error": "ERROR",
    "err": "ERROR",
    "critical": "CRITICAL",
    "fatal": "CRITICAL",
}
LOKI_FIELDS = (
    "level",
    "LEVEL",
    "Level",
    "log.level",
    "severity",
    "SEVERITY",
    "Severity",
    "SeverityText",
    "lvl",
    "LVL",
    "Lvl",
    "severity_text",
    "Severity_Text",
    "SEVERITY_TEXT",
)
LOKI_LOGFMT = [field.lower() for field in LOKI_FIELDS]
PAIR = re.compile(r'([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))')


def _forms(word: str, *, bare: bool) -> list[str]:
    either = (word, word.upper())
    return [form for each in either for form in ((each,) if bare else (f"{each}:", f"[{each}]"))]


LOKI_WORDS = (
    ("INFO", _forms("info", bare=True)),
    ("ERROR", [*_forms("err", bare=False), "[error]", "[ERROR]"]),
    ("WARNING", [*_forms("warn", bare=False), *_forms("warning", bare=True)]),
    ("CRITICAL", _forms("critical", bare=False)),
    ("DEBUG", _forms("debug", bare=True)),
)


def loki(text: str) -> str:
    value = _loki_field(text)
    if value.lower() in LOKI_VALUES:
        return LOKI_VALUES[value.lower()]
    return next((level for level, words in LOKI_WORDS if any(word in text for word in words)), "")


def _loki_field(text: str) -> str:
    stripped = text.strip()
    if stripped.startswith("{") and stripped.endswith("}"):
        fields = _parsed(text)
        return next(_named(fields, LOKI_FIELDS), "") if fields is not None else ""
    pairs = (
        {match[1].lower(): match[2] or match[3] or "" for match in PAIR.finditer(text)} if "=" in text else {}
    )
    return next((pairs[field] for field in LOKI_LOGFMT if field in pairs), "")


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        fields = json.loads(text)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def _named(fields: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """The texts under these names, objects within objects too, in the order of the line."""
    for name, value in fields.items():
        if isinstance(value, str) and name in names:
            yield value
        elif isinstance(value, dict):
            yield from _named(value, names)


# Dozzle

DOZZLE_VALUES = {
    "error": "ERROR",
    "err": "ERROR",
    "warn": "WARNING",
    "warning": "WARNING",
    "wrn": "WARNING",
    "info": "INFO",
    "inf": "INFO",
    "information": "INFO",
    "debug": "DEBUG",
    "dbg": "DEBUG",
    "trace": "TRACE",
    "verbose": "TRACE",
    "ver": "TRACE",
    "vbs": "TRACE",
    "fatal": "CRITICAL",
    "sev": "CRITICAL",
    "severe": "CRITICAL",
    "crit": "CRITICAL",
    "critical": "CRITICAL",
    "e": "ERROR",
    "w": "WARNING",
    "i": "INFO",
    "d": "DEBUG",
    "f": "CRITICAL",
    "t": "TRACE",
    "v": "TRACE",
}
NAMES = "|".join(sorted((name for name in DOZZLE_VALUES if len(name) > 1), key=len, reverse=True))
LETTER = "[EWIDFTV]"
DOZZLE_TIERS = [
    re.compile(pattern, flags)
    for pattern, flags in (
        (rf"^(?:({NAMES})[^a-z]|((?-i:{LETTER}))\d{{4}} \d\d:\d\d:\d\d\.\d{{6}})", re.I),
        (rf"\[ ?({NAMES}) ?\]|\[((?-i:{LETTER}))\]", re.I),
        (rf":({NAMES})\s", re.I),
        (f'"({NAMES.upper()})"', 0),
        (rf" ({NAMES})[/|:-]", re.I),
        (rf"\s({NAMES.upper()})\s", 0),
    )
]
DOZZLE_TIME = re.compile(
    r"^\d{4}[-/]\d\d[-/]\d\d(?:[T ](?:\d\d:\d\d:\d\d(?:\.\d+)?Z?|\d\d:\d\d(?:AM|PM)))?\s+"
)
DOZZLE_FIELDS = ("@l", "level", "log.level", "severity")


def dozzle(text: str) -> str:
    if text.startswith("{") and (fields := _parsed(text)) is not None:
        value = next((fields[name] for name in DOZZLE_FIELDS if isinstance(fields.get(name), str)), "")
        return DOZZLE_VALUES.get(value.lower(), "") if len(value) > 1 else ""
    rest = DOZZLE_TIME.sub("", text)
    for tier in DOZZLE_TIERS:
        found = {DOZZLE_VALUES[next(filter(None, match.groups())).lower()] for match in tier.finditer(rest)}
        if found:
            return found.pop() if len(found) == 1 else ""
    return ""


RULES: dict[str, Rule] = {"LogSite": our_rule, "Loki": loki, "Dozzle": dozzle}


def _cell(score: Score) -> str:
    wrong = "–" if score.false_positives is None else f"{score.false_positives:.1%}"
    return f"{score.accuracy:.1%} / {wrong}"


def _cells(lines: Sequence[Line]) -> str:
    return " | ".join(_cell(measure(rule, lines)) for rule in RULES.values())


def table() -> str:
    """The table of docs/levels.md."""
    lines = corpus()
    lines["all"] = [line for some in lines.values() for line in some]
    rows = [f"| format | lines | {' | '.join(RULES)} |", f"|---|---|{'---|' * len(RULES)}"]
    for name, some in lines.items():
        rows.append(f"| {FORMATS.get(name, '**all**')} | {len(some)} | {_cells(some)} |")
    return "\n".join(rows)


def unseen_table() -> str:
    """The guide's table of the lines that our rules did not know."""
    rows = [
        f"| lines of | lines | LogSite, first run | {' | '.join(RULES)} |",
        f"|---|---|---|{'---|' * len(RULES)}",
    ]
    for name, some in corpus(UNSEEN).items():
        title, first = UNSEEN_SETS[name]
        rows.append(f"| {title} | {len(some)} | {first} | {_cells(some)} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table(), unseen_table(), sep="\n\n")
