"""Requests that are sent again: by the key that the sender gave it, a request is carried out once in 24 hours."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from logsite.intake.models import IdempotencyKey, IngestToken

HOURS = 24
KEY_CHARACTERS = 255
FORGET_ROWS = 100


class KeyRefused(ValueError):
    """A key that cannot be used: the status of the answer, and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


def owner_of(token: IngestToken | None, user: Any = None) -> str:
    """Whose the keys are: those of a token or, for users' tokens, of the user."""
    return f"token:{token.pk}" if token is not None else f"user:{user.pk}"


def once(
    owner: str, key: str, body: bytes, carry_out: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """The answer of `carry_out`, and whether it is an earlier one.

    Key, answer and what `carry_out` stores are committed together: a request whose answer was lost is not carried
    out again. Of two at the same time the second one waits for the first. Raises KeyRefused: 400 for a text that is
    no key, 422 for a key that came with another body.
    """
    if not (0 < len(key) <= KEY_CHARACTERS and key.isascii() and key.isprintable()):
        raise KeyRefused(400, f"a key has 1 to {KEY_CHARACTERS} printable ASCII characters")
    digest, now = hashlib.sha256(body).hexdigest(), timezone.now()
    with transaction.atomic():
        _forget(owner, key, now - timedelta(hours=HOURS))
        row = IdempotencyKey(owner=owner, key=key, digest=digest, created_at=now)
        if _is_stored(row):
            row.answer = carry_out()
            IdempotencyKey.objects.filter(owner=owner, key=key).update(answer=row.answer)
            return row.answer, False
        found = IdempotencyKey.objects.get(owner=owner, key=key)
    if found.digest != digest:
        raise KeyRefused(422, "the key was sent before with another body")
    return found.answer, True


def _is_stored(row: IdempotencyKey) -> bool:
    """Whether the row is new: the database keeps one of a key, and lets a second one wait for the first to commit."""
    from logsite.tables.bulk import insert_new

    columns = ("owner", "key", "digest", "created_at", "answer")
    values = (row.owner, row.key, row.digest, _prepared("created_at", row.created_at), "{}")
    return insert_new(IdempotencyKey, columns, [values], ("owner", "key")) == 1


def _prepared(name: str, value: Any) -> Any:
    from django.db import connection

    field: Any = IdempotencyKey._meta.get_field(name)
    return field.get_db_prep_save(value, connection)


def _forget(owner: str, key: str, before: Any) -> None:
    """Remove the key where it is older than HOURS, and some others that are."""
    old = IdempotencyKey.objects.filter(created_at__lt=before)
    old.filter(owner=owner, key=key).delete()
    rows = old.select_for_update(skip_locked=True).order_by("created_at").values_list("pk", flat=True)
    if keys := list(rows[:FORGET_ROWS]):
        old.filter(pk__in=keys).delete()
