"""Puts log-ins, log-outs, and changes of users, groups and their tokens on record."""

import logging
from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import Group, User
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.db import Error
from knox.models import AuthToken

from logsite.audit.changes import AuditedModel, audit_links
from logsite.audit.event_types import EventType, Severity
from logsite.audit.reader import Reader, current_reader
from logsite.audit.recording import record

log = logging.getLogger(__name__)
POWERS = {"is_superuser", "is_staff", "is_active"}


def watch_accounts() -> None:
    """Connect the signals; an app's `ready` calls it."""
    user_logged_in.connect(logged_in, dispatch_uid="audit")
    user_login_failed.connect(login_failed, dispatch_uid="audit")
    user_logged_out.connect(logged_out, dispatch_uid="audit")
    AuditedModel(
        User,
        EventType.USER_CREATED,
        EventType.USER_UPDATED,
        EventType.USER_DELETED,
        secret=("password",),
        ignored=("last_login",),
        event_of=_user_event,
    )
    AuditedModel(Group)
    AuditedModel(
        AuthToken,
        EventType.AUTHN_TOKEN_CREATED,
        EventType.SENSITIVE_UPDATE,
        EventType.AUTHN_TOKEN_REVOKED,
        secret=("pk", "digest"),
        ignored=("token_key",),
        name_of=lambda token: f"{token.token_key[:8]}… of {token.user}",
    )
    audit_links(User.groups, EventType.AUTHZ_CHANGE)
    audit_links(User.user_permissions, EventType.AUTHZ_CHANGE)
    audit_links(Group.permissions, EventType.AUTHZ_CHANGE)


def _user_event(user: User, changed: Collection[str]) -> EventType | None:
    if POWERS & set(changed):
        return EventType.AUTHZ_CHANGE
    if "password" not in changed:
        return EventType.USER_UPDATED
    if user._password is None and set(changed) == {"password"}:  # type: ignore[attr-defined]
        return None  # Django stores the same password by a newer hash when its user logs in
    return EventType.AUTHN_PASSWORD_CHANGE


def logged_in(user: Any, **_: Any) -> None:
    """Raises where the entry cannot be written: nobody gets in unseen."""
    record(EventType.AUTHN_LOGIN_SUCCESS, Severity.INFO, _as(user), what="login", target=user.get_username())


def login_failed(credentials: dict[str, Any], **_: Any) -> None:
    """The name as it was given; the password never gets here."""
    name = str(credentials.get(User.USERNAME_FIELD) or "")
    now = current_reader()
    nobody = Reader(None, now.address, now.via)
    record(EventType.AUTHN_LOGIN_FAIL, Severity.WARNING, nobody, what="login", target=name)


def logged_out(user: Any, **_: Any) -> None:
    """A log-out ends the session also where its entry cannot be written; the process's log has it then."""
    if user is None:
        return
    name = user.get_username()
    try:
        record(
            EventType.SESSION_EXPIRED,
            Severity.INFO,
            _as(user),
            {"reason": "logout"},
            what="logout",
            target=name,
        )
    except Error as error:
        log.critical("the log-out of %r could not be put on record: %s", name, type(error).__name__)


def _as(user: Any) -> Reader:
    """The user, where the request comes from."""
    now = current_reader()
    return Reader(user, now.address, now.via)
