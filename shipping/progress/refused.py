"""The lines of refused entries, which only those see who may see the entries whole where they are stored."""

from collections import Counter
from collections.abc import Iterable

from logsite.audit import Reader
from logsite.records import PermissionMissing, get_source


def why_withheld(key: str, reader: Reader) -> str:
    """Why `reader` may not see lines of the feed `key`, such as `session@https://…`; empty where they may."""
    name = _source_of(key)
    try:
        source = get_source(name)
    except ValueError:
        return f"withheld: no source {name} is known here that says who may see its entries"
    try:
        view = source.view(reader)
    except PermissionMissing:
        lacking = {source.permission}
    else:
        lacking = {view.fields[field].permission for field in view.withheld}
    return f"withheld: you lack the permission {', '.join(sorted(lacking))}" if lacking else ""


def note_lines(reader: Reader, keys: Iterable[str], filters: str) -> None:
    """Put on record that `reader` is shown lines, each of the feed in `keys`; one entry for each source."""
    for name, count in Counter(map(_source_of, keys)).items():
        get_source(name).view(reader).note("rejected", "", count, filters=filters)


def _source_of(key: str) -> str:
    return key.partition("@")[0]
