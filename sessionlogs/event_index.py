"""The index of session events, and their minute counts. A module that stores or removes events must update both."""

from logsite.records.indexes.day_index import SegmentIndex
from logsite.records.indexes.minute_counts import MinuteCounts
from sessionlogs.models import SessionEventCount, SessionLog, UnindexedSessionDay
from sessionlogs.query_fields import FIELDS

INDEX = SegmentIndex(SessionLog, FIELDS, unindexed=UnindexedSessionDay)
COUNTS = MinuteCounts(SessionEventCount, (FIELDS["level"].column, "device"), unindexed=UnindexedSessionDay)
