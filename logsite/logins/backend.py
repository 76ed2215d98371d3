"""Django's log-in by password, limited: whatever asks `authenticate()` on behalf of a request comes through here."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.views.decorators.debug import sensitive_variables

from logsite.logins.limits import Attempt


class LimitedBackend(ModelBackend):
    """Raises LoginLimited where too many log-ins have failed."""

    @sensitive_variables("password")
    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        if username is None:
            username = kwargs.get(get_user_model().USERNAME_FIELD)
        if request is None or username is None or password is None:
            return super().authenticate(request, username, password, **kwargs)
        attempt = Attempt(request, username)
        try:
            user = super().authenticate(request, username, password, **kwargs)
        except BaseException:  # the database is away: nobody has failed
            attempt.take_back()
            raise
        if user is None:
            attempt.failed()
        else:
            attempt.succeeded()
        return user

    async def aauthenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        return await sync_to_async(self.authenticate)(request, username, password, **kwargs)
