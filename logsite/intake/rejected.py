"""Rejected input: counted for its token, and the last thousand kept with their reasons."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from logsite.intake.models import IngestToken, RejectedInput
from logsite.redaction import redact
from logsite.text.storable import storable

KEPT_ROWS = 1000
REQUEST_ROWS = 100  # of one request: a thousand bad entries must not push out all others
READ_CHARACTERS = 8192  # that are redacted; more than is kept, so that no half of a secret is at its end
EXCERPT_CHARACTERS = 2000


@dataclass(frozen=True)
class Rejection:
    """Why an entry was rejected, or without an index a whole body; `raw` is its text as it was sent."""

    reason: str
    raw: bytes | str = ""
    field: str = ""
    index: int | None = None


def keep_rejected(
    rejections: Sequence[Rejection], *, token: IngestToken | None, protocol: str, address: str | None = None
) -> None:
    """Count all `rejections`, which are of one request, and keep the first hundred of them."""
    if not rejections:
        return
    now = timezone.now()
    rows = [
        RejectedInput(
            rejected_at=now,
            token=token,
            token_name=token.name if token else "",
            protocol=protocol,
            address=address or None,
            index=each.index,
            field=storable(each.field)[:100],
            reason=storable(redact(each.reason))[:500],
            size=len(each.raw if isinstance(each.raw, bytes) else each.raw.encode("utf-8", "replace")),
            excerpt=_excerpt(each.raw),
        )
        for each in rejections[:REQUEST_ROWS]
    ]
    with transaction.atomic():
        RejectedInput.objects.bulk_create(rows)
        if token is not None:
            IngestToken.objects.filter(pk=token.pk).update(rejected=F("rejected") + len(rejections))
        _forget_old()


def _forget_old() -> None:
    """Keep the last thousand; rows that another request removes right now are left to it, or both could deadlock."""
    ids = RejectedInput.objects.order_by("-id").values_list("id", flat=True)
    if (newest_old := ids[KEPT_ROWS : KEPT_ROWS + 1].first()) is not None:
        old = ids.filter(id__lte=newest_old).select_for_update(skip_locked=True)
        RejectedInput.objects.filter(id__in=list(old[:KEPT_ROWS])).delete()


def _excerpt(raw: bytes | str) -> str:
    text = (
        raw[:READ_CHARACTERS].decode("utf-8", "replace") if isinstance(raw, bytes) else raw[:READ_CHARACTERS]
    )
    return redact(storable(text))[:EXCERPT_CHARACTERS]
