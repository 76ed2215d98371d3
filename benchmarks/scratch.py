"""A throw-away site for a measurement: its own data folder and database, gone when the process ends."""

import atexit
import os
import shutil
import statistics
import tempfile
from collections.abc import Sequence


def scratch_site() -> None:
    """Set Django up on a migrated database in a temporary folder (or on DATABASE_URL, when that is set)."""
    folder = tempfile.mkdtemp(prefix="logsite-benchmark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["DATA_DIR"] = folder
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logsite.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of `values` lie."""
    return statistics.quantiles(values, n=1000, method="inclusive")[min(998, int(share * 1000) - 1)]


def print_table(heading: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A Markdown table, as docs/performance.md holds it."""
    print(f"\n| {' | '.join(heading)} |\n|{'---|' * len(heading)}")
    for row in rows:
        print(f"| {' | '.join(str(cell) for cell in row)} |")
