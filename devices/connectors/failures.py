"""Whatever Netmiko, Paramiko or the socket lets escape, as one of our few kinds and in a sentence for a person."""

from netmiko.exceptions import (
    ConnectionException,
    NetmikoAuthenticationException,
    NetmikoParsingException,
    ReadException,
    ReadTimeout,
    WriteException,
)
from ntc_templates.parse import ParsingException
from paramiko.ssh_exception import AuthenticationException, SSHException
from textfsm import TextFSMError
from textfsm.clitable import CliTableError

from devices.errors import ERRORS, ConnectorError
from sessionlogs.models import ErrorKind

# In this order: Netmiko's read timeout and parsing error are also its read errors.
KINDS: dict[ErrorKind, tuple[type[BaseException], ...]] = {
    ErrorKind.AUTHENTICATION: (NetmikoAuthenticationException, AuthenticationException),
    ErrorKind.TIMEOUT: (ReadTimeout, TimeoutError),
    ErrorKind.PARSE: (NetmikoParsingException, ParsingException, TextFSMError, CliTableError),
    ErrorKind.CONNECTION: (
        SSHException,
        EOFError,
        OSError,
        ConnectionException,
        ReadException,
        WriteException,
    ),
}


def classify(error: BaseException) -> ErrorKind:
    """The kind of an exception that Netmiko, Paramiko or the socket raised."""
    if isinstance(error, ConnectorError):
        return error.kind
    for kind, classes in KINDS.items():
        if isinstance(error, classes):
            return kind
    return ErrorKind.AUTHENTICATION if _enable_refused(error) else ErrorKind.INTERNAL


def _enable_refused(error: BaseException) -> bool:
    """Netmiko has no exception of its own for it."""
    return isinstance(error, ValueError) and "enter enable mode" in str(error)


def describe(error: BaseException) -> str:
    """One line for a person. Netmiko's own texts are paragraphs of advice; their first sentence says it."""
    text = " ".join(str(error).split())
    if isinstance(error, EOFError):
        return "the device closed the connection"
    if isinstance(error, NetmikoAuthenticationException):
        return "authentication failed: the device refused the username, password or key"
    if isinstance(error, ReadTimeout):
        return "the device did not finish its response in time"
    if _enable_refused(error):
        return "the device refused the enable secret"
    if "before its SSH version line" in text:
        return f"the host sent {text.rpartition('banner')[2]}"
    if "No existing session" in text or "Error reading SSH protocol banner" in text:
        return "the host accepted the connection but did not complete the SSH handshake in time"
    if "Incompatible ssh " in text:
        lacking = text.rpartition("(")[2].partition(")")[0]  # as of «no acceptable kex algorithm»
        return (
            f"the device and LogSite have no SSH algorithm in common: {lacking}. Old devices know SHA-1 alone; "
            "DEVICE_SHA1_PLATFORMS names the platforms that may use it"
        )
    for advice in (" Common causes of this problem", " Things you might try", " Device settings:"):
        text = text.partition(advice)[0]
    return text or type(error).__name__


def wrap(error: Exception) -> ConnectorError:
    """Any exception as a ConnectorError of its kind, with the text for a person."""
    if isinstance(error, ConnectorError):
        return error
    return ERRORS[classify(error)](describe(error))
