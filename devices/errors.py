"""What can go wrong between us and a device, in the few kinds a user can act on."""

from sessionlogs.models import ErrorKind


class ConnectorError(Exception):
    """Base of everything a connector raises on purpose. `kind` is an ErrorKind."""

    kind = ErrorKind.INTERNAL


class ConnectionFailed(ConnectorError):
    """No session came about, or it broke."""

    kind = ErrorKind.CONNECTION


class AuthenticationFailed(ConnectionFailed):
    kind = ErrorKind.AUTHENTICATION


class HostKeyFailed(ConnectionFailed):
    """The device showed a host key that is not accepted; it was told nothing, not even the user's name."""

    kind = ErrorKind.HOST_KEY


class CommandTimeout(ConnectorError):
    """The device did not finish its answer in time."""

    kind = ErrorKind.TIMEOUT


class ResponseTooLarge(ConnectorError):
    """The device sent more than settings.DEVICE_RESPONSE_LIMIT bytes; `said` is what came before."""

    kind = ErrorKind.TOO_LARGE
    said = ""


class CommandRefused(ConnectorError):
    """The device answered with its own error, such as `% Invalid input detected`."""

    kind = ErrorKind.DEVICE


class ParseFailed(ConnectorError):
    """The answer came but could not be read; the text names command and template."""

    kind = ErrorKind.PARSE


# What something is raised as, by its kind.
ERRORS: dict[str, type[ConnectorError]] = {
    error.kind: error
    for error in (
        ConnectorError,
        ConnectionFailed,
        AuthenticationFailed,
        HostKeyFailed,
        CommandTimeout,
        ResponseTooLarge,
        CommandRefused,
        ParseFailed,
    )
}
