"""The destination a command ships to, and the client for it."""

from dataclasses import dataclass

import requests
from django.conf import settings

from shipping.addresses import split_credentials
from shipping.errors import Misconfigured
from shipping.http import BearerAuth
from shipping.models import Destination, DestinationKind
from shipping.receivers.loki.client import LokiClient
from shipping.receivers.loki.encoding import Encoder
from shipping.retry import Retry


@dataclass(slots=True)
class Target:
    """A destination and how to log in there; a user and password of the URL are never stored."""

    destination: Destination
    credentials: tuple[str, str] | None = None

    def __repr__(self) -> str:
        return f"Target({self.destination.name!r})"

    def client(self, retry: Retry) -> LokiClient:
        """A client for this destination; close it after use."""
        auth: requests.auth.AuthBase | tuple[str, str] | None = self.credentials
        if self.destination.token:
            auth = BearerAuth(str(self.destination.token))
        return LokiClient(
            self.destination.url,
            retry,
            auth=auth,
            tenant=self.destination.tenant,
            timeout=settings.SHIPPING_TIMEOUT,
            request_bytes=settings.SHIPPING_REQUEST_BYTES,
        )


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


def encoder(*, backfill: bool) -> Encoder:
    """The encoder of the settings."""
    return Encoder(
        settings.SHIPPING_JOB, settings.SHIPPING_LINE_BYTES, backfill, settings.SHIPPING_OUTPUT_CHARACTERS
    )
