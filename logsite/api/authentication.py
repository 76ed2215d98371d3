"""Who calls the API with a token. A module of its own: the REST framework imports it while it starts."""

from typing import Any

from knox import auth
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request


class TokenAuthentication(auth.TokenAuthentication):
    """`Authorization: Token …`."""

    def authenticate(self, request: Request) -> Any:
        if "\0" in request.META.get("HTTP_AUTHORIZATION", ""):  # PostgreSQL looks no such text up
            raise AuthenticationFailed("Invalid token.")
        try:
            return super().authenticate(request)
        except UnicodeDecodeError:  # Knox does not expect bytes that are no UTF-8
            raise AuthenticationFailed("Invalid token.") from None
