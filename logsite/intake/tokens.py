"""Ingest tokens: made, looked up by their hash, and revoked."""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from logsite.audit import EventType, Severity, current_reader, record
from logsite.intake.models import IngestToken

PREFIX = "lsi_"  # so that scanners for leaked secrets and people know what it is
SHOWN_CHARACTERS = 12
USED_SECONDS = (
    60  # between two notes of a token's use: a write for each request would cost more than the entry
)


def set_new_text(token: IngestToken) -> str:
    """Give `token`, which is not saved yet, its text; shown once, as only the hash is stored."""
    text = PREFIX + secrets.token_urlsafe(32)
    token.digest, token.beginning = _digest(text), text[:SHOWN_CHARACTERS]
    return text


def make_token(name: str, **columns: Any) -> tuple[IngestToken, str]:
    """A stored token and its text. Raises IntegrityError for a name that is taken, or without app and host."""
    token = IngestToken(name=name, **columns)
    text = set_new_text(token)
    token.save(force_insert=True)
    return token, text


def token_of(authorization: str) -> IngestToken | None:
    """The token of an Authorization header, `Bearer lsi_…`; None for an unknown or revoked token."""
    scheme, _, text = authorization.strip().partition(" ")
    return find_token(text.strip()) if scheme.lower() == "bearer" else None


def find_token(text: str) -> IngestToken | None:
    """The token with this text, unless it is revoked. Its use is noted, once a minute."""
    if not text.startswith(PREFIX):
        return None
    token = IngestToken.objects.filter(digest=_digest(text), revoked_at=None).first()
    if token is not None:
        _note_use(token)
    return token


def revoke(token: IngestToken) -> None:
    """From now on the token lets nobody in; what it sent stays."""
    if token.revoked_at is not None:
        return
    token.revoked_at = timezone.now()
    event, reader, details = EventType.AUTHN_TOKEN_REVOKED, current_reader(), {"id": str(token.pk)}
    with transaction.atomic():
        token.save(update_fields=["revoked_at"])
        record(event, Severity.INFO, reader, details, what="intake.ingesttoken", target=token.name)


def _digest(text: str) -> str:
    """A plain hash will do: 256 random bits cannot be guessed, and it takes a microsecond."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _note_use(token: IngestToken) -> None:
    now = timezone.now()
    before = now - timedelta(seconds=USED_SECONDS)
    if token.last_used_at is None or token.last_used_at < before:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=before)
        IngestToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)
