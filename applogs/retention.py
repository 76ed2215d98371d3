"""Removes application log entries by age, as a part of `purge_logs`. An entry's age is the sender's time of it."""

from applogs.entry_index import COUNTS, INDEX
from logsite.housekeeping.indexed_purge import IndexedPurge


class AppPurge(IndexedPurge):
    """Entries of more than RETENTION_DAYS_APPS, but what has not been shipped yet."""

    name = source = "app"
    setting = "RETENTION_DAYS_APPS"
    index, counts = INDEX, COUNTS
