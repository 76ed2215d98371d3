"""Who sends entries: the holder of an ingest token, or a user with `applogs.add_logentry`."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from logsite.api.authentication import TokenAuthentication
from logsite.intake.models import IngestToken
from logsite.intake.repeated import owner_of
from logsite.intake.tokens import token_of

PERMISSION = "applogs.add_logentry"


class SenderDenied(Exception):
    """The user who sends lacks PERMISSION."""


@dataclass(frozen=True)
class Sender:
    """One of `token` and `user` is there."""

    token: IngestToken | None = None
    user: Any = None

    @property
    def owner(self) -> str:
        """Whose keys and entry ids these are."""
        return owner_of(self.token, self.user)

    @property
    def app(self) -> str:
        return self.token.app if self.token else ""

    @property
    def host(self) -> str:
        return self.token.host if self.token else ""


def sender_of(request: HttpRequest) -> Sender | None:
    """Who sends `request`, by its Authorization header: `Bearer lsi_…` or `Token …`; None for nobody.

    Raises SenderDenied. A browser's session counts for nothing here: any page could send with it.
    """
    authorization = request.headers.get("Authorization", "")
    if token := token_of(authorization):
        return Sender(token=token)
    if not authorization.lower().startswith("token "):
        return None
    user = _user_of(request)
    if user is not None and not user.has_perm(PERMISSION):
        raise SenderDenied(f"user {user.get_username()} lacks the permission {PERMISSION}")
    return Sender(user=user) if user is not None else None


def _user_of(request: HttpRequest) -> Any:
    try:
        found = TokenAuthentication().authenticate(Request(request))
    except APIException:
        return None
    return found[0] if found else None
