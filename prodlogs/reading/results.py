"""What readings brought: of one container's log, of one host."""

from collections.abc import Sized
from dataclasses import dataclass, field, replace

from prodlogs.errors import HostError
from prodlogs.models import LogSnapshot, SnapshotStatus

COUNTS = ("lines", "entries", "bytes", "gaps")


@dataclass
class ReadingResult:
    """What one reading of one container's log brought. `gaps` as in LogSnapshot; `status` a SnapshotStatus.

    `snapshot` is the row that tells of the reading; a follower's row tells of all readings of an hour.
    """

    container: str
    snapshot: LogSnapshot
    status: str = SnapshotStatus.RUNNING
    lines: int = 0
    entries: int = 0
    gaps: list[dict[str, str | None]] = field(default_factory=list)
    error: str = ""
    error_kind: str = ""
    bytes: int = 0

    def __post_init__(self) -> None:
        self._before = {name: getattr(self.snapshot, name) for name in COUNTS}

    def fail(self, error: HostError) -> None:
        """The reading ended early; what came before that is good."""
        self.error, self.error_kind = str(error), error.kind

    def update_snapshot(self) -> None:
        """Bring the snapshot's counts up to this reading."""
        for name, before in self._before.items():
            setattr(self.snapshot, name, before + getattr(self, name))

    def count_what_is_stored(self) -> None:
        """Take the counts from the database: a block may have been rolled back."""
        self.snapshot.refresh_from_db()
        self.lines = self.snapshot.lines - self._before["lines"]
        self.entries = self.snapshot.entries - self._before["entries"]
        self.bytes = self.snapshot.bytes - self._before["bytes"]
        self.gaps = self.snapshot.gaps[len(self._before["gaps"]) :]

    def add_earlier(self, earlier: "ReadingResult") -> None:
        """Count an earlier reading with this one, which says how both ended."""
        for name in COUNTS:
            setattr(self, name, getattr(earlier, name) + getattr(self, name))
        if earlier.gaps and self.status == SnapshotStatus.COMPLETE:
            self.status = SnapshotStatus.GAP


def status_of(stored: int, gaps: Sized, error: str) -> SnapshotStatus:
    """How a reading ended that stored so many lines or entries."""
    if error:
        return SnapshotStatus.PARTIAL if stored else SnapshotStatus.FAILED
    return SnapshotStatus.GAP if gaps else SnapshotStatus.COMPLETE


@dataclass
class HostResult:
    """What the reading of one host brought. `running`: another reader holds the host, and nothing was read.

    `missing` are containers that were asked for and that the host does not have.
    """

    host: str
    readings: list[ReadingResult] = field(default_factory=list)
    error: str = ""
    error_kind: str = ""
    running: bool = False
    missing: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """All containers that were asked for were read; gaps are no failure of the reading."""
        failed = any(reading.error for reading in self.readings)
        return not (self.error or self.running or self.missing or failed)

    @property
    def busy(self) -> str:
        """What `running` means, in a sentence."""
        return f"{self.host}: another process is reading this host"

    def without_failures(self) -> "HostResult":
        """The readings that succeeded, for a caller that shows failures elsewhere."""
        read = [reading for reading in self.readings if not reading.error]
        return replace(self, readings=read, error="", error_kind="", running=False)
