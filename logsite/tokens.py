"""Tokens for the API (django-rest-knox: stored as a hash, with an end)."""

from typing import Any

from knox.views import LoginView as KnoxLoginView
from rest_framework.authtoken.serializers import AuthTokenSerializer
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle


class LoginThrottle(AnonRateThrottle):
    """Guessing passwords through the API is slow."""

    rate = "20/min"


class LoginView(KnoxLoginView):
    """Trade a username and password for a token: {"username", "password"} gives {"token", "expiry"}."""

    serializer_class = AuthTokenSerializer
    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    throttle_classes = [LoginThrottle]

    def post(self, request: Request, format: str | None = None) -> Response:
        serializer = AuthTokenSerializer(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        request.user = serializer.validated_data["user"]
        return super().post(request, format=format)
