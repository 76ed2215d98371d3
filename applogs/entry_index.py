"""The index of entries, and their minute counts. A module that stores or removes entries must update both."""

from applogs.models import EntryCount, LogEntry
from applogs.query_fields import FIELDS
from logsite.records.indexes.day_index import SegmentIndex
from logsite.records.indexes.minute_counts import MinuteCounts

INDEX = SegmentIndex(LogEntry, FIELDS, together=("app", "level"), partitioned=True)
COUNTS = MinuteCounts(EntryCount)
