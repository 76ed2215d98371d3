"""The level of an entry and its severity number, from each way in which senders write one."""

import re
from functools import lru_cache
from typing import NamedTuple

from logsite.lines import level_named, level_of_severity
from logsite.records import LEVELS

LONGEST_WORD = 40  # characters
SEVERITIES = range(1, 25)  # of OpenTelemetry
# Go's slog: INFO, DEBUG-4, ERROR+4; its levels and OpenTelemetry's severity numbers are as far apart.
_SLOG = re.compile(r"(DEBUG|INFO|WARN|ERROR)([+-]\d{1,3})", re.ASCII)
_SLOG_NUMBERS = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}


class FoundLevel(NamedTuple):
    """A level of ours, or an empty text, with its severity number; `known` says whether the value named one."""

    level: str
    severity: int
    known: bool


_NONE = FoundLevel("", 0, False)


def read_level(value: object) -> FoundLevel:
    """The level that `value` names: a word in any case, one of slog's sums, or a number of pino's and bunyan's."""
    if type(value) is str and len(value) <= LONGEST_WORD:
        return _of_word(value)
    return _of_number(value) if type(value) is int else _NONE


def of_severity(number: object) -> FoundLevel:
    """The level of OpenTelemetry's `severity_number`, which is from 1 to 24."""
    if type(number) is not int or number not in SEVERITIES:
        return _NONE
    return FoundLevel(level_of_severity(number) or "", number, True)


@lru_cache(maxsize=1024)
def _of_word(word: str) -> FoundLevel:
    word = word.strip()
    level = word.upper() if word.upper() in LEVELS else level_named(word)
    if level:
        return FoundLevel(level, LEVELS[level], True)
    if match := _SLOG.fullmatch(word):
        return of_severity(min(max(_SLOG_NUMBERS[match[1]] + int(match[2]), 1), 24))
    return _of_number(int(word)) if re.fullmatch(r"\d{1,3}", word, re.ASCII) else _NONE


def _of_number(number: int) -> FoundLevel:
    level = level_named(number)
    return FoundLevel(level, LEVELS[level], True) if level else _NONE
