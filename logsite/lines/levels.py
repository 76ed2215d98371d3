"""The level that a line says it has, and the rule by which it was found; docs/levels.md has the rules in words.

A line has a level only where a logger puts one: as a field, or at its head. A word in the message is none.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from logsite.lines.level_values import OTLP, TENS, VALUES, WORDS, level_of_severity

Found = tuple[str, str]
NONE: Found = ("", "")

_LETTERS = {
    **dict.fromkeys("VT", "TRACE"),
    "D": "DEBUG",
    **dict.fromkeys("IN", "INFO"),
    "W": "WARNING",
    "E": "ERROR",
    **dict.fromkeys("FCASX", "CRITICAL"),
}
_SYSLOG = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "INFO", "INFO", "DEBUG")
_REDIS = {".": "DEBUG", "-": "DEBUG", "*": "INFO", "#": "WARNING"}
_POSTGRESQL = {
    "LOG": "INFO",
    "STATEMENT": "",
    "DETAIL": "",
    "HINT": "",
    "CONTEXT": "",
    "QUERY": "",
    "LOCATION": "",
}


def _pattern(words: Iterable[str], *, any_case: bool = False) -> str:
    """An expression for these words, as a tree of letters: a list of forty words is four times slower."""
    tree: dict[str, list[str]] = {}
    for word in words:
        tree.setdefault(word[:1], []).append(word[1:])
    ends = "" in tree
    tree.pop("", None)
    branches = [
        (f"[{letter.upper()}{letter.lower()}]" if any_case and letter.isalpha() else letter)
        + _pattern(rest, any_case=any_case)
        for letter, rest in sorted(tree.items())
    ]
    if not branches:
        return ""
    return f"(?:{'|'.join(branches)}){'?' if ends else ''}"


# Words of ordinary prose count in brackets, in capitals, or as a field's value only.
_PROSE = {
    "note",
    "config",
    "success",
    "fine",
    "finer",
    "finest",
    "silly",
    "alert",
    "emergency",
    "severe",
    "verbose",
}
_BRACKETED = _pattern(WORDS, any_case=True)
_ANY = _pattern(WORDS.keys() - _PROSE, any_case=True)
_JUL = _pattern(("CONFIG", "FINE", "FINER", "FINEST", "SUCCESS"))
_UPPER = _pattern(word.upper() for word in WORDS if word not in ("note", "silly"))
_FIRST = _pattern(
    word.upper() for word in WORDS if word not in _PROSE or word in ("severe", "verbose", "alert")
)

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_JSON_KEYS = (
    *[
        "level",
        "severity",
        "lvl",
        "log.level",
        "loglevel",
        "log_level",
        "levelname",
        "severity_text",
        "severitytext",
        "@l",
    ],
    "level_name",  # Monolog's stands after a number: it is found the slow way
)
_JSON = re.compile(
    rf"\{{\s*+(?:{_STRING}\s*+:\s*+(?:{_STRING}|[-+.\deE]++|true|false|null)\s*+,\s*+)*?"
    rf'"((?i:{"|".join(map(re.escape, _JSON_KEYS[:-1]))}))"\s*+:\s*+"([^"\\]*+)"\s*+[,}}]'
)
_JSON_SIGNS = 'evel" everity EVEL" EVERITY evelname" evel_name" vl" "@l" "$date"'.split()
_LONGEST_JSON = 65_536  # characters; a longer line is not parsed for its level

_LOGFMT = re.compile(
    r"(?:\[?\d{4}[-/]\d\d[-/]\d\d[T ]\S++\s++)?"
    rf"(?:[\w.@/-]++=(?:{_STRING}|[^\s\"]*+)[ ,\t]++)*?"
    r"(?i:level|lvl|severity|loglevel|log_level|log\.level)=(\"?)(\w++)\1(?=[\s,]|$)"
)

_PHP = {
    "Fatal": "CRITICAL",
    "Parse": "CRITICAL",
    "Deprecated": "WARNING",
    "Warning": "WARNING",
    "Notice": "INFO",
}
_PHP_WORDS = "|".join(_PHP)
_CLOCK = r"\d\d:\d\d:\d\d(?:[.,]\d++)?"
_TIME = re.compile(
    r"\[?+(?:"
    r"\d{4}[-/.]\d\d[-/.]\d\d(?:(?:[T_,]| -)?\s*+\d\d:\d\d(?::\d\d(?:[.,:]\d++)?)?"
    r"(?:\s?(?:[AP]M|Z|UTC|GMT|CES?T|[+-]\d\d:?\d\d))?)?"
    rf"|\d\d[-/. ](?:\d\d|[A-Z][a-z]{{2}})[-/. ]\d{{4}}[:\s,]++{_CLOCK}"
    r"(?:\s(?:[+-]\d{4}|[AP]M|UTC|GMT|[A-Z][a-z]++/\w++))?"
    rf"|\d\d/\d\d/\d\d\s{_CLOCK}|\d\d?/\d\d?/\d{{4}} -- {_CLOCK}|\d\d? [A-Z][a-z]{{2}} {_CLOCK}"
    r"|\d\d?:\d\d(?::\d\d(?:[.,]\d++)?)?(?:\s?[AP]M)?"
    r"|\d{10}(?:\.\d++)?|\d{13}|1\.\d+e\+?0?9"
    rf"|(?:[A-Z][a-z]{{2}},?\s)?[A-Z][a-z]{{2}}\s+\d\d?,?\s(?:\d{{4}}\s)?\d?{_CLOCK}(?:\s\d{{4}})?(?:\s[AP]M)?"
    r")(?=[\s\],:|]|$)\]?"
)
# What may stand between the time and the level: threads, process ids, loggers before a dash, host and program; pairs,
# Gitea's functions, a request's id, FreeSWITCH's load, SQL Server's and pgBackRest's processes, padded loggers.
_CONTEXT = (
    r"(?:\[[^\]\[]{0,80}+\]|\{[^}]{0,80}+\}|\([^)]{0,80}+\)|<\d[\d.]*+>|\d++(?![\w:.])"
    r"|[\w.$/@:-]++(?=\s++(?:[-|:]\s|\())|[\w.-]++\s[\w./-]++(?:\[\d++\])?:(?=\s)"
    r"|\w++=\S++|[\w./-]++:\d++:[\w.]++\(\)|[\da-f]{8}-[\da-f-]{27}|\d++\.\d\d%"
    r"|(?:spid\d++s?|Logon|Server)(?=\s\s)|P\d\d(?=\s)|[\w.]++(?=\s\s++[A-Z]++\s*+:)|[\w.]++\s++\[\d++\]:)"
)
# A program's own name before its word: auth: Error:, imap(bob)<12><34>: Info:, unbound[1:0] error:
_PROGRAM = r"[\w./-]++(?:\[[\d:]++\]:?|(?:\([^\s)]*+\))?(?:<[^\s>]*+>)*+:)\s"
_HEAD = re.compile(
    r"[\s|:,-]*+"
    rf"(?:{_CONTEXT}[\s|:-]*+){{0,5}}?"
    rf"(?:(?P<word>{_UPPER})(?=[\s:|\]\[(/]|$)|\[\s?(?:[\w. -]++[:/])?+(?P<bracket>{_BRACKETED})\s*+\](?!\()"
    rf"|(?P<value>{_ANY})(?=:\s|\t|\s*+\|)|<(?P<angle>{_BRACKETED})>|\[(?P<letter>[DIWEFTV])\](?=\s)"
    r"|(?P<sign>[DIWECTNF])(?:!\s| \|\s|(?=\s[\w./]++:\d++\]\s))"  # Telegraf, etcd, TensorFlow
    rf"|[\w-]++\.(?P<channel>{_UPPER}):\s|PHP (?P<php>{_PHP_WORDS})(?: error)?:\s"  # Monolog
    rf"|\[\d++\]\s(?P<pgbouncer>LOG)\s|(?P<facility>{_ANY})(?=/\w++:\s)"  # Icinga
    rf"|{_PROGRAM}(?P<program>{_ANY})(?=:\s)"
    rf"|(?P<labelled>{_ANY})(?=\s[\w.-]++ : (?:\S++ ){{0,20}}?\[\w++\]\s))"  # swift-log
)
_REACH = 2048  # characters after the time in which the level stands
# The commonest heads, which _TIME and _HEAD together find, too, in twice the time.
_COMMON = re.compile(
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d++)?Z?(?: \[[^\]\[]{0,80}+\])?\s++"
    rf"(?:(?P<word>{_UPPER})(?=[\s:|\]\[(/]|$)|\[(?P<bracket>{_BRACKETED})\](?!\())"
)
_PLAIN = re.compile(
    r"(?P<python>Traceback \(most recent call last\):$)"
    r"|(?P<go>panic: |fatal error: \w|goroutine \d++ \[\w[^\]]*+\]:$)"
    r"|(?P<rust>thread '[^']*+'(?: \(\d++\))? panicked at )"
    r"|(?P<dotnet>(?:trce|dbug|info|warn|fail|crit)): [\w.`+]++\[\d++\]"
    rf"|(?P<upper>{_FIRST}(?=[:|\[]|\s++\S|\s*$)|{_JUL}(?=:|\s*+\|))"
    rf"|(?:PHP )?(?P<php>{_PHP_WORDS})(?: error)?:  ?\S"
    r"|npm (?P<npm>ERR!|WARN|error|warn|notice|info|verb) "
    rf"|(?P<word>{_ANY})(?=:(?:\s|$)|\(\w\w++\):\s)"
    r"|(?P<java>Exception in thread \"|(?:[a-z][\w$]*+\.)++[A-Z][\w$]*(?:Exception|Error)(?:: |$))"
    r"|(?P<unhandled>Unhandled exception\. |Uncaught (?:[A-Z]\w*)?(?:Error|Exception)\b)"
)
# A letter at the head: klog, CockroachDB, logcat, Ruby, CUPS.
_LETTER = re.compile(
    r"(?P<klog>[DIWEF])(?:\d{4} \d\d:\d\d:\d\d\.\d++\s++\d++ \S+:\d++\]|\d{6} \d\d:\d\d:\d\d\.\d{6} \d++ )"
    r"|(?P<android>[VDIWEFA])/[\w.$ -]++\(\s*\d++\): "
    r"|(?P<ruby>[DIWEF]), \[\d{4}-\d\d-\d\dT[^\]]++\]\s"
    r"|(?P<cups>[DIWENCAX]) \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "
)
# The same at the head of a line: postfix/smtpd[12]: warning:, s6-rc: info:, nginx: [emerg]; a JVM's; Bitnami's.
_NAMED = re.compile(
    r"(?:[\w./-]++\[\d++\]:?|[\w/]++[.-][\w./-]*+:|[a-z]\w{0,15}+:"
    r"|(?:OpenJDK|Java HotSpot\(TM\)) [\w-]++ (?:Server|Client) VM)"
    rf"\s(?:(?P<word>{_ANY}):\s|\[(?P<bracket>{_BRACKETED})\]\s)|[\w-]++ {_CLOCK} (?P<bitnami>{_UPPER}) ++==> "
)
_ODD = re.compile(
    r"\d\d-\d\d \d\d:\d\d:\d\d\.\d{3,6}\s+\d+\s+\d+ (?P<android>[VDIWEFSA]) \S"
    r"|\d+:[XCSM] \d\d [A-Z][a-z]{2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)? (?P<redis>[.*#-]) "
    rf"|(?:\d+ +\[[^\]]+\]|\d+: (?:\(\w+\))?:) (?P<word>{_UPPER})(?=[\s:])"
)
_PGSQL = re.compile(
    r"\s+(?:[A-Z]{3,4} )?\[\d+(?:-\d+)?\](?:[: ]+(?!LOG|STATE)[^\s:]+)*?:? "
    r"(DEBUG[1-5]|INFO|NOTICE|WARNING|ERROR|LOG|FATAL|PANIC|STATEMENT|DETAIL|HINT|CONTEXT|QUERY|LOCATION):  "
)
_PRI = re.compile(
    r"<(\d{1,3})>(?=1 \S|[A-Z][a-z]{2} [ \d]\d |\d{4}-\d\d-\d\d[T ]|\[ *\d+\.\d+\]|[\w./-]+(?:\[\d+\])?: )"
)
# NATS, Syncthing; NestJS, which calls INFO LOG; language servers; Chromium
_PREFIXED = re.compile(r"\[\w{1,20}\] (?=\d{4}/)")
_NEST = re.compile(
    r"\[[\w -]{1,40}\] \d++\s++- \S++ \S++(?: [AP]M)?\s++(LOG|ERROR|WARN|DEBUG|VERBOSE|FATAL) "
)
_IN_BRACKETS = re.compile(
    rf"\[(?:(?P<bracket>{_BRACKETED}) - \d|\d++:(?:\d++:)?\d{{4}}/\d{{6}}\.\d++:(?P<chromium>{_UPPER})\d?+:)"
)
_ERLANG = re.compile(r"=([A-Z]+) REPORT==== ")
_REPORTS = {"CRASH": "ERROR", "SUPERVISOR": "ERROR", "PROGRESS": "INFO"}
_TORNADO = re.compile(r"\[([DIWEC]) \d{2,6}[-: ]\S+")
_PADDED = re.compile(rf"\s{{1,3}}(?:(?P<word>INFO|WARN)\s|\d++\(\d++\) (?P<numbered>{_UPPER}):)")
_NPM = {"ERR!": "ERROR", "verb": "TRACE"}
_DATES = frozenset("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri Sat Sun".split())


def level_of(text: str) -> Found:
    """Level and rule of a line without control sequences, or two empty texts where it says none."""
    return _BY_FIRST.get(text[:1], _plain)(text)


def has_time(text: str) -> bool:
    """Whether a line begins with a date or a time."""
    first = text[:1]
    return (first.isdigit() or first == "[" or text[:3] in _DATES) and bool(_TIME.match(text))


def _word(word: str, rule: str) -> Found:
    return WORDS.get(word.lower()) or _LETTERS[word], rule


def _plain(text: str) -> Found:
    if match := _PLAIN.match(text):
        rule = str(match.lastgroup)
        return _PLAIN_RULES[rule](match[rule])
    if text[:3] in _DATES and (match := _TIME.match(text)):
        return _after_time(text, match.end())
    if ":" in text and (match := _NAMED.match(text)):
        return _word(match[str(match.lastgroup)], "program")
    return _logfmt(text) if "=" in text else NONE


def _lettered(text: str) -> Found:
    if text[1:2] in _AFTER_LETTER and (match := _LETTER.match(text)):
        rule = str(match.lastgroup)
        return _LETTERS[match[rule]], rule
    return _plain(text)


_AFTER_LETTER = frozenset("0123456789/, ")
_PLAIN_RULES: dict[str, Callable[[str], Found]] = {
    "dotnet": lambda word: (VALUES[word], "dotnet"),
    "upper": lambda word: _word(word, "first-word"),
    "word": lambda word: _word(word, "first-word"),
    "php": lambda word: (_PHP[word], "php"),
    "npm": lambda word: (_NPM.get(word) or WORDS[word.lower()], "npm"),
    "python": lambda _: ("ERROR", "trace:python"),
    "go": lambda _: ("CRITICAL", "trace:go"),
    "rust": lambda _: ("ERROR", "trace:rust"),
    "java": lambda _: ("ERROR", "trace:java"),
    "unhandled": lambda _: ("ERROR", "trace:unhandled"),
}


def _timed(text: str) -> Found:
    if match := _COMMON.match(text):
        rule = str(match.lastgroup)
        return WORDS[match[rule].lower()], f"time:{rule}"
    if match := _TIME.match(text):
        return _after_time(text, match.end())
    if match := _ODD.match(text):
        rule = str(match.lastgroup)
        if rule == "word":
            return _word(match[rule], "context:word")
        return (_REDIS if rule == "redis" else _LETTERS)[match[rule]], rule
    if ":" in text and (match := _NAMED.match(text)):
        return _word(match[str(match.lastgroup)], "program")
    return NONE


def _after_time(text: str, end: int) -> Found:
    if ":  " in text and (match := _PGSQL.match(text, end)):
        level = _POSTGRESQL.get(match[1])
        return (
            (level or "", "postgresql" if level else "")
            if level is not None
            else _word(match[1], "postgresql")
        )
    if match := _HEAD.match(text, end, end + _REACH):
        rule = str(match.lastgroup)
        return _headed(match[rule], rule, f"time:{rule}")
    return _logfmt(text) if "=" in text else NONE


def _headed(word: str, group: str, rule: str) -> Found:
    """What _HEAD found: most groups are a level's word or letter, some a program's own word."""
    if group == "php":
        return _PHP[word], "php"
    return ("INFO", "pgbouncer") if group == "pgbouncer" else _word(word, rule)


def _bracketed(text: str) -> Found:
    if (match := _TIME.match(text)) and (found := _after_time(text, match.end())) != NONE:
        return found
    if match is None and (match := _HEAD.match(text, 0, _REACH)):
        rule = str(match.lastgroup)
        return _headed(match[rule], rule, rule if rule == "bracket" else f"context:{rule}")
    return _odd_brackets(text)


def _odd_brackets(text: str) -> Found:
    if match := _TORNADO.match(text):
        return _LETTERS[match[1]], "tornado"
    if match := _NEST.match(text):
        return ("INFO" if match[1] == "LOG" else WORDS[match[1].lower()]), "nest"
    if match := _IN_BRACKETS.match(text):
        rule = str(match.lastgroup)
        return _word(match[rule], rule)
    if (match := _PREFIXED.match(text)) and (time := _TIME.match(text, match.end())):
        return _after_time(text, time.end())
    return NONE


def _padded(text: str) -> Found:
    if match := _PADDED.match(text):
        return _word(match[str(match.lastgroup)], "first-word")
    stripped = text.lstrip(" ")  # Nomad indents its lines
    return _timed(stripped) if stripped[:4].isdigit() and stripped[4:5] == "-" else NONE


def _erlang(text: str) -> Found:
    word = match[1] if (match := _ERLANG.match(text)) else ""
    level = _REPORTS.get(word) or WORDS.get(word.lower())
    return (level, "erlang") if level else _plain(text)


def _syslog(text: str) -> Found:
    match = _PRI.match(text)
    return (_SYSLOG[int(match[1]) & 7], "syslog") if match and int(match[1]) < 192 else NONE


def _logfmt(text: str) -> Found:
    match = _LOGFMT.match(text)
    level = VALUES.get(match[2].lower()) if match else None
    return (level, "logfmt:level") if level else NONE


def _json(text: str) -> Found:
    match = _JSON.match(text)
    if match and (level := VALUES.get(match[2].lower())):
        return level, f"json:{match[1].lower()}"
    if len(text) > _LONGEST_JSON or not any(sign in text for sign in _JSON_SIGNS):
        return NONE
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return NONE
    return _of_fields(fields)


def _of_fields(fields: Mapping[str, Any]) -> Found:
    """The level of a JSON object: a level's name, pino's and bunyan's tens, OTLP's, syslog's and MongoDB's signs."""
    named = {key.lower(): value for key, value in fields.items()}
    for key in _JSON_KEYS:
        if isinstance(value := named.get(key), str) and (level := VALUES.get(value.lower())):
            return level, f"json:{key}"
    inner = fields.get("log")
    if isinstance(inner, dict) and isinstance(value := inner.get("level"), str):
        return (level, "json:log.level") if (level := VALUES.get(value.lower())) else NONE
    return _of_numbers(named)


def _of_numbers(named: Mapping[str, Any]) -> Found:
    number = named.get("severity_number", named.get("severitynumber"))
    if level := level_of_severity(number):
        return level, "json:severity_number"
    number = named.get("level")
    if type(number) is int:
        if "short_message" in named and 0 <= number <= 7:
            return _SYSLOG[number], "json:gelf"
        if number in TENS and "time" in named and ("msg" in named or "pid" in named):
            return TENS[number], "json:number"
        if "reqid" in named and "remoteaddr" in named and 0 <= number <= 4:
            return OTLP[number + 1], "json:nextcloud"
    if isinstance(named.get("t"), dict) and isinstance(sign := named.get("s"), str):
        return (_LETTERS.get(sign[:1], ""), "json:s") if "$date" in named["t"] else NONE
    return NONE


_BY_FIRST: dict[str, Callable[[str], Found]] = {
    "{": _json,
    "<": _syslog,
    "[": _bracketed,
    " ": _padded,
    "\t": lambda _: NONE,
    "": lambda _: NONE,
    "=": _erlang,
    **dict.fromkeys("0123456789", _timed),
    **dict.fromkeys("VDIWEFANCX", _lettered),
}
