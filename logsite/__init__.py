"""LogSite: the flight recorder of an operations team."""

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHANGELOG = ROOT / "CHANGELOG.md"


def is_checkout(folder: Path) -> bool:
    """Whether `folder` is a checkout of LogSite or an unpacked source distribution, and not site-packages.

    Only the project's name tells: other distributions leave a CHANGELOG.md, even a pyproject.toml, in
    site-packages.
    """
    project = folder / "pyproject.toml"
    return (
        project.is_file()
        and re.search(rb'^name = "logsite"$', project.read_bytes(), re.MULTILINE) is not None
    )


def read_version(changelog: Path = CHANGELOG) -> str:
    """The version is the changelog's newest heading, `## 1.2.3 (date)`; there is no second place to forget.

    `## 1.3.0 (unreleased)` is no version yet.
    """
    heading = re.search(
        r"^## v?(\d+\.\d+\.\d+\S*)(?!\S)(?! \(unreleased\))",
        changelog.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    if heading is None:
        raise RuntimeError(f"{changelog} has no heading such as '## 0.1.0 (2026-01-31)'")
    return heading.group(1)


def installed_version(folder: Path = ROOT) -> str:
    """The version of the LogSite that is installed in `folder`. Raises RuntimeError where none is.

    The other folders of `sys.path` are left out: they may hold the metadata of another version.
    """
    found = next(iter(metadata.distributions(name="logsite", path=[str(folder)])), None)
    if found is None:
        raise RuntimeError(f"{folder} is not a checkout of LogSite, and LogSite is not installed there")
    return found.version


CHECKOUT = ROOT if is_checkout(ROOT) else None
__version__ = read_version() if CHECKOUT else installed_version()
