"""What can go wrong between us and a device, in the few kinds a user can act on."""

import socket

from netmiko.exceptions import NetmikoAuthenticationException, NetmikoTimeoutException, ReadTimeout
from paramiko.ssh_exception import AuthenticationException, SSHException

from sessionlogs.models import ErrorKind


class ConnectorError(Exception):
    """Base of everything a connector raises on purpose. `kind` is an ErrorKind."""

    kind = ErrorKind.INTERNAL


class ConnectionFailed(ConnectorError):
    """No session came about, or it broke."""

    kind = ErrorKind.CONNECTION


class AuthenticationFailed(ConnectionFailed):
    kind = ErrorKind.AUTHENTICATION


class CommandTimeout(ConnectorError):
    """The device did not finish its answer in time."""

    kind = ErrorKind.TIMEOUT


class CommandRefused(ConnectorError):
    """The device answered with its own error, such as `% Invalid input detected`."""

    kind = ErrorKind.DEVICE


class ParseFailed(ConnectorError):
    """The answer came but could not be read; the text names command and template."""

    kind = ErrorKind.PARSE


def classify(error: BaseException) -> ErrorKind:
    """The kind of any exception that Netmiko, Paramiko or the socket lets escape."""
    if isinstance(error, ConnectorError):
        return error.kind
    if isinstance(error, NetmikoAuthenticationException | AuthenticationException):
        return ErrorKind.AUTHENTICATION
    if isinstance(error, ReadTimeout | TimeoutError):
        return ErrorKind.TIMEOUT
    if isinstance(error, NetmikoTimeoutException | SSHException | EOFError | OSError | socket.error):
        return ErrorKind.CONNECTION
    return ErrorKind.INTERNAL


def describe(error: BaseException) -> str:
    """One line for a person. Netmiko's own texts are paragraphs of advice; their first sentence says it."""
    text = " ".join(str(error).split())
    if isinstance(error, EOFError):
        return "the device closed the connection"
    if isinstance(error, NetmikoAuthenticationException):
        return "authentication failed: the device refused the username, password or key"
    for advice in (" Common causes of this problem", " Things you might try", " Device settings:"):
        text = text.partition(advice)[0]
    return text or type(error).__name__


def wrap(error: Exception) -> ConnectorError:
    """Any exception as a ConnectorError of its kind, with the text for a person."""
    if isinstance(error, ConnectorError):
        return error
    kinds: dict[ErrorKind, type[ConnectorError]] = {
        ErrorKind.AUTHENTICATION: AuthenticationFailed,
        ErrorKind.TIMEOUT: CommandTimeout,
        ErrorKind.CONNECTION: ConnectionFailed,
    }
    return kinds.get(classify(error), ConnectorError)(describe(error))
