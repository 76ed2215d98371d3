"""What shipping shows on pages of other rooms: what waits, what was refused, by destination and source."""

from datetime import timedelta

from django.core.cache import cache
from django.db.models import Count, Q
from django.utils import timezone

from logsite.api.pages import (
    CACHED_SECONDS,
    PANEL_ROWS,
    Badge,
    Card,
    Cell,
    Link,
    Panel,
    counted,
    may,
    page_url,
    register_badge,
    register_card,
    register_panel,
)
from logsite.audit import Reader
from shipping.models import RejectedEntry
from shipping.progress.lanes import COUNTED, Lane, lanes

DAY = timedelta(days=1)
NEWEST = 10_000  # refused entries that are looked at: their time has no index, but their id follows it
VIEW_LANE, VIEW_REFUSED = "shipping.view_shippingcursor", "shipping.view_rejectedentry"
LANES, REFUSED = "shipping_shippingcursor_changelist", "shipping_rejectedentry_changelist"
LANE_QUERIES = 7  # of one destination that gets two sources; three for each further lane


def register() -> None:
    """Make all of this known; called in `AppConfig.ready`."""
    register_card(not_shipped, permission=VIEW_LANE, queries=LANE_QUERIES)
    register_card(entries_refused, permission=VIEW_REFUSED, queries=2)
    register_panel("shipping", shipping_lanes, permission=VIEW_LANE, queries=LANE_QUERIES)
    register_badge(waiting_entries, permission=VIEW_LANE)


def not_shipped(reader: Reader) -> Card:
    """How many entries wait, since when the oldest does, and why those of a lane with a fault do not get there."""
    found = _lanes()
    url = page_url(LANES)
    if not found:
        return Card("nothing is shipped: no destination is enabled", url=url)
    text = f"{_counted([lane.waiting or 0 for lane in found])} not shipped"
    oldest = min((lane.oldest for lane in found if lane.oldest), default=None)
    faults = sorted((lane for lane in found if lane.fault), key=_oldest_first)
    if not faults:
        return Card(text, oldest, url=url)
    worst = faults[0]
    name = f"{worst.destination}, {worst.source}" if worst.source else worst.destination
    return Card(text, worst.oldest or oldest, f"{name}: {worst.fault}", url, ok=False)


def entries_refused(reader: Reader) -> Card:
    """How many of the newest refused entries are of the last day, and the newest one's reason."""
    of_the_day = Q(rejected_at__gte=timezone.now() - DAY)
    newest = RejectedEntry.objects.order_by("-id")
    number = newest[:NEWEST].aggregate(number=Count("pk", filter=of_the_day))["number"]
    text, url = f"{counted(number, 'entry', 'entries')} refused in 24 hours", page_url(REFUSED)
    if not number:
        return Card(text, url=url)
    destination, reason, moment = newest.values_list("destination__name", "reason", "rejected_at")[0]
    return Card(text, moment, f"{destination}: {reason}", url, ok=False)


def shipping_lanes(reader: Reader) -> Panel:
    """The lanes with a fault first, then those whose entries wait longest."""
    found = sorted(_lanes(), key=lambda lane: (not lane.fault, _oldest_first(lane)))
    return Panel(
        "Shipping",
        ("To", "Source", "Waiting", "Oldest waits since", "Refused", "Fault"),
        [
            (
                Link(lane.destination, page_url(LANES, destination__id__exact=lane.destination_id)),
                lane.source,
                "not known" if lane.waiting is None else _counted([lane.waiting]),
                lane.oldest,
                _refused(lane, reader),
                lane.fault,
            )
            for lane in found[:PANEL_ROWS]
        ],
        page_url(LANES),
    )


def waiting_entries(reader: Reader) -> Badge:
    """How many entries wait, of each lane at most COUNTED + 1."""
    return Badge("Shipping", sum(lane.waiting or 0 for lane in _lanes()), page_url(LANES))


def _lanes() -> list[Lane]:
    """Count once for card, panel and badge: a user who may see one lane may see all."""
    found: list[Lane] = cache.get_or_set("shipping.lanes", lanes, CACHED_SECONDS) or []
    return found


def _counted(waiting: list[int]) -> str:
    """`2,454 entries`, or `more than 10,000 entries` where a lane was not counted to its end."""
    text = counted(sum(min(each, COUNTED) for each in waiting), "entry", "entries")
    return f"more than {text}" if max(waiting) > COUNTED else text


def _refused(lane: Lane, reader: Reader) -> Cell:
    """How many entries were refused; a link for those who may see them."""
    text = f"{lane.refused:,}"
    url = page_url(REFUSED, destination__id__exact=lane.destination_id)
    return Link(text, url) if may(reader, VIEW_REFUSED) else text


def _oldest_first(lane: Lane) -> float:
    return lane.oldest.timestamp() if lane.oldest else float("inf")
