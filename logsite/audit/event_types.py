"""The kinds of audit entries, in the words of the OWASP logging vocabulary, and how grave each is."""

from django.db import models


class EventType(models.TextChoices):
    """https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html"""

    AUTHN_LOGIN_SUCCESS = "authn_login_success", "log-in"
    AUTHN_LOGIN_FAIL = "authn_login_fail", "log-in failed"
    AUTHN_LOGIN_FAIL_MAX = "authn_login_fail_max", "too many log-ins failed"
    AUTHN_PASSWORD_CHANGE = "authn_password_change", "password changed"
    AUTHN_TOKEN_CREATED = "authn_token_created", "token made"
    AUTHN_TOKEN_REVOKED = "authn_token_revoked", "token revoked"
    AUTHZ_FAIL = "authz_fail", "denied"
    AUTHZ_CHANGE = "authz_change", "permissions changed"
    EXCESS_RATE_LIMIT_EXCEEDED = "excess_rate_limit_exceeded", "rate limit exceeded"
    SENSITIVE_CREATE = "sensitive_create", "made"
    SENSITIVE_READ = "sensitive_read", "seen"
    SENSITIVE_UPDATE = "sensitive_update", "changed"
    SENSITIVE_DELETE = "sensitive_delete", "removed"
    SESSION_EXPIRED = "session_expired", "session ended"
    USER_CREATED = "user_created", "user made"
    USER_UPDATED = "user_updated", "user changed"
    USER_DELETED = "user_deleted", "user removed"


def event_type_choices() -> list[tuple[str, str]]:
    """For the column: a new kind of entry changes no table, and needs no migration."""
    return [(str(value), str(label)) for value, label in EventType.choices]


class Severity(models.TextChoices):
    """Four of the site's levels."""

    INFO = "INFO", "INFO"
    WARNING = "WARNING", "WARNING"
    ERROR = "ERROR", "ERROR"
    CRITICAL = "CRITICAL", "CRITICAL"
