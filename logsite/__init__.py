"""LogSite: the flight recorder of an operations team."""

import re
from pathlib import Path

CHANGELOG = Path(__file__).resolve().parent.parent / "CHANGELOG.md"


def read_version(changelog: Path = CHANGELOG) -> str:
    """The version is the changelog's newest heading, `## 1.2.3 (date)`; there is no second place to forget."""
    heading = re.search(r"^## v?(\d+\.\d+\.\d+\S*)", changelog.read_text(encoding="utf-8"), re.MULTILINE)
    if heading is None:
        raise RuntimeError(f"{changelog} has no heading such as '## 0.1.0 (2026-01-31)'")
    return heading.group(1)


__version__ = read_version()
