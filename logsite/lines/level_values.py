"""What a field that holds a level may say: names of levels in any case, and numbers."""

_NAMES = {
    "TRACE": "trace trc trce trac verbose vrb vbs finest finer silly",
    "DEBUG": "debug dbg dbug debu fine debug1 debug2 debug3 debug4 debug5",
    "INFO": "info inf information informational notice note config success",
    "WARNING": "warning warn wrn",
    "ERROR": "error err erro",
    "CRITICAL": "critical crit severe fatal fata ftl panic pani dpanic emerg emergency alert",
}
WORDS = {word: level for level, words in _NAMES.items() for word in words.split()}
# Where a level is a field's value, and cannot be taken for anything else.
VALUES = WORDS | {"fail": "ERROR", "failure": "ERROR", "default": "", "eror": "ERROR", "crt": "CRITICAL"}
TENS = {10: "TRACE", 20: "DEBUG", 30: "INFO", 40: "WARNING", 50: "ERROR", 60: "CRITICAL"}
OTLP = ("TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")  # four numbers each, from 1


def level_named(word: object) -> str | None:
    """The level that a field's value says: a name, or a number as pino writes it; None for anything else, and empty
    for a name that says no level."""
    if isinstance(word, str):
        return VALUES.get(word.strip().lower())
    return TENS.get(word) if type(word) is int else None


def level_of_severity(number: object) -> str | None:
    """The level of OpenTelemetry's severity number, 1 to 24; None for anything else."""
    return OTLP[(number - 1) // 4] if type(number) is int and 1 <= number <= 24 else None
