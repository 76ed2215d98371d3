"""What one line of a log says: control sequences, level, traces, masking. No module here knows Docker or Django."""

from logsite.lines.control import clean
from logsite.lines.level_values import level_named, level_of_severity
from logsite.lines.levels import level_of
from logsite.lines.line import Line
from logsite.lines.masking import redacted
from logsite.lines.traces import LONGEST_PAUSE, Entry, Grouper

__all__ = [
    "LONGEST_PAUSE",
    "Entry",
    "Grouper",
    "Line",
    "clean",
    "level_named",
    "level_of",
    "level_of_severity",
    "redacted",
]
