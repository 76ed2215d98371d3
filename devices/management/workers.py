"""The option --workers of this room's commands."""

from django.core.management.base import CommandError

MOST_WORKERS = 10_000  # threads
HELP = f"devices at a time, 1 to {MOST_WORKERS}; default: COLLECT_WORKERS"


def worker_count(number: int | None) -> int:
    """The number that was given, or 0 where none was."""
    if number is None:
        return 0
    if number < 1:
        raise CommandError("--workers must be at least 1", returncode=2)
    if number > MOST_WORKERS:
        raise CommandError(f"--workers must be at most {MOST_WORKERS}", returncode=2)
    return number
