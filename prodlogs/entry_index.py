"""The index of entries, and their minute counts. A module that stores or removes entries must update both."""

from logsite.records.indexes.day_index import SegmentIndex
from logsite.records.indexes.minute_counts import MinuteCounts
from prodlogs.models import ContainerEntryCount, ContainerLogEntry, UnindexedContainerDay
from prodlogs.query_fields import FIELDS

NAME_AND_LEVEL = ("container_name", "level")
INDEX = SegmentIndex(ContainerLogEntry, FIELDS, together=NAME_AND_LEVEL, unindexed=UnindexedContainerDay)
COUNTS = MinuteCounts(ContainerEntryCount, ("level", "container_name"), unindexed=UnindexedContainerDay)
