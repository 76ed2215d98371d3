"""Tokens for the API (django-rest-knox: stored as a hash, with an end)."""

from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.utils import extend_schema
from knox import views
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from logsite.api.authentication import TokenAuthentication
from logsite.logins.limits import LoginLimited


class TokenScheme(KnoxTokenScheme):
    """How the OpenAPI schema shows our tokens."""

    target_class = "logsite.api.authentication.TokenAuthentication"


class TooManyLogins(Throttled):
    """429; the REST framework sends `wait` as Retry-After."""

    def __init__(self, error: LoginLimited) -> None:
        super().__init__(detail=str(error))
        self.wait = error.seconds


class LoginView(views.LoginView):
    """Trade a username and password for a token: {"username", "password"} gives {"token", "expiry"}.

    429 with Retry-After where too many log-ins have failed, in the admin or here.
    """

    serializer_class = AuthTokenSerializer
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]

    def post(self, request: Request, format: str | None = None) -> Response:
        serializer = AuthTokenSerializer(data=request.data, context={"request": request})
        try:
            serializer.is_valid(raise_exception=True)
        except LoginLimited as error:
            raise TooManyLogins(error) from None
        request.user = serializer.validated_data["user"]
        return super().post(request, format=format)


class LogoutView(views.LogoutView):
    """End the token of this call."""

    authentication_classes = [TokenAuthentication]

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, format: str | None = None) -> Response:
        return super().post(request, format=format)


class LogoutAllView(views.LogoutAllView):
    """End all tokens of the user."""

    authentication_classes = [TokenAuthentication]

    @extend_schema(request=None, responses={204: None})
    def post(self, request: Request, format: str | None = None) -> Response:
        return super().post(request, format=format)
