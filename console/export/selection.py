"""Which entries an export holds: the views of its reader, and what it asks of each."""

from dataclasses import dataclass

from console.export.options import OptionErrors, Options
from logsite.audit import Reader
from logsite.records import SourceView
from logsite.records.levels import BESIDE
from logsite.records.query import Condition, Node, QueryError, check_name, check_names, parse
from logsite.records.query.tree import All, Compare
from logsite.records.search import views_of


@dataclass(frozen=True)
class Selection:
    """The views, by the names of their sources, with the condition of each."""

    views: tuple[SourceView, ...]
    conditions: dict[str, Condition]


def select(reader: Reader, options: Options) -> Selection:
    """What `options` select for `reader`.

    Raises PermissionMissing; QueryError for a query that is refused; OptionErrors for a source, category or app.
    """
    try:
        views = tuple(views_of(reader, options.sources))
    except ValueError as error:
        raise OptionErrors({"source": str(error)}) from None
    fields = [view.fields for view in views]
    query = parse(options.query, {name for each in fields for name in each})
    check_names(query, fields)
    for view in views:
        view.bound(query, options.query, strict=False)  # its positions count in the query alone
    narrowing = _narrowing(options)
    for node in narrowing:
        _check(node, views)
    tree = All((query, *narrowing))
    return Selection(views, {view.name: view.bound(tree, options.query, strict=False) for view in views})


def _narrowing(options: Options) -> list[Compare]:
    """The fields beside the query. SECURITY and AUDIT are no severities: as the least level, each is itself alone."""
    found: list[Compare] = []
    if options.level:
        found.append(Compare("level", "=" if options.level in BESIDE else ">=", options.level))
    pairs = {"category": options.category, "app": options.app}
    return found + [Compare(name, "=", value) for name, value in pairs.items() if value]


def _check(node: Compare, views: tuple[SourceView, ...]) -> None:
    """Raises OptionErrors where no source has the field, or it takes no such value."""
    whole: Node = node
    try:
        check_name(node.field, 0, [view.fields for view in views])
        for view in views:
            view.bound(whole, f"{node.field}:{node.value}", strict=False)
    except QueryError as error:
        reason = f"{error.reason}; {error.hint}" if error.hint else error.reason
        raise OptionErrors({node.field: reason}) from None
