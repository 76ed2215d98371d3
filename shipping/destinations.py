"""The destination a command ships to, and the receiver for it."""

from collections.abc import Callable
from dataclasses import dataclass

import requests
from django.conf import settings

from shipping.addresses import split_credentials
from shipping.errors import Misconfigured
from shipping.http import BearerAuth
from shipping.models import Destination, DestinationKind
from shipping.receivers.base import Receiver
from shipping.receivers.loki.client import LokiClient
from shipping.receivers.loki.encoding import Encoder
from shipping.receivers.loki.receiver import LokiReceiver
from shipping.retry import Retry


@dataclass(slots=True)
class Target:
    """A destination and how to log in there; a user and password of the URL are never stored."""

    destination: Destination
    credentials: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Target({self.destination.name!r})"

    def receiver(self, retry: Retry, *, backfill: bool) -> Receiver:
        """The receiver of this destination's kind; close it after use."""
        return RECEIVERS[DestinationKind(self.destination.kind)](self, retry, backfill)

    def auth(self) -> requests.auth.AuthBase | tuple[str, str] | None:
        """How to log in there."""
        token = self.destination.token
        return BearerAuth(str(token)) if token else self.credentials


def _loki(target: Target, retry: Retry, backfill: bool) -> LokiReceiver:
    client = LokiClient(
        target.destination.url,
        retry,
        auth=target.auth(),
        tenant=target.destination.tenant,
        timeout=settings.SHIPPING_TIMEOUT,
        request_bytes=settings.SHIPPING_REQUEST_BYTES,
    )
    encoder = Encoder(
        settings.SHIPPING_JOB, settings.SHIPPING_LINE_BYTES, backfill, settings.SHIPPING_OUTPUT_CHARACTERS
    )
    return LokiReceiver(client, encoder)


RECEIVERS: dict[DestinationKind, Callable[[Target, Retry, bool], Receiver]] = {DestinationKind.LOKI: _loki}


def loki_target(url: str) -> Target:
    """The destination for the Loki at `url`, not saved yet if it is new.

    Raises AddressError for what is no URL, Misconfigured for a destination that is switched off.
    """
    plain, credentials = split_credentials(url)
    tenant = settings.LOKI_TENANT
    alike = Destination.objects.filter(kind=DestinationKind.LOKI, url=plain, tenant=tenant)
    known = alike.order_by("id").first()
    if known is not None and not known.enabled:
        raise Misconfigured(f"the destination {known.name} is switched off in the admin")
    if known is None:
        known = Destination(name=_free_name(plain, tenant), url=plain, tenant=tenant)
    return Target(known, credentials)


def _free_name(url: str, tenant: str) -> str:
    """`loki` for the first, the address for the others."""
    for name in ("loki", url, f"{url} {tenant}"):
        if not Destination.objects.filter(name=name).exists():
            return name[:255]
    return f"{url[:200]} {Destination.objects.count() + 1}"
