"""Docker's own words on stderr, as errors with a kind and a remedy."""

import re

from logsite.redaction import redact
from prodlogs.errors import HostError
from prodlogs.models import ErrorKind

WRAPPER = "logsite-docker-read"  # the program that hardening installs on a host
REFUSED = 126  # its exit code for a refusal; Docker's own are 0, 1 and 125, «not found» is 127
REFUSAL = f"{WRAPPER}: refused: "  # begins its one line on stderr
_STAMPED = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII)  # a line of the container, not Docker's
LONGEST = 300  # characters of Docker's words in an error
# What Docker says last stands on the same line as an unfinished line of the container.
_APPENDED = re.compile(r"(unexpected EOF|Error response from daemon: .*|Cannot connect to the Docker .*)\Z")
_RULES: tuple[tuple[str, ErrorKind, str], ...] = (
    (r"error grabbing logs", ErrorKind.INTERNAL, "the daemon cannot read the container's log file"),
    (
        r"permission denied.*(docker daemon|docker\.sock)|(docker daemon|docker\.sock).*permission denied",
        ErrorKind.REFUSED,
        "the user may not use Docker: add it to the group docker, or name a daemon of its own with `prodlogs harden "
        "--docker-host`",
    ),
    (
        r"cannot connect to the docker daemon|is the docker daemon running|error during connect"
        r"|unexpected eof|connection reset by peer|failed to connect to the docker api",
        ErrorKind.DAEMON,
        "the Docker daemon does not answer: start it on the host (systemctl start docker)",
    ),
    (
        r"no such (container|object)|container which is dead or marked for removal",
        ErrorKind.REMOVED,
        "the container is gone",
    ),
    (
        r"does not support reading",
        ErrorKind.DRIVER,
        "the container's log driver keeps nothing that Docker could read: use json-file, local or journald for it",
    ),
)


def failure(host: str, exit_code: int, stderr: bytes, *, cut: bool = False) -> HostError:
    """The error of a command that ended with `exit_code`. `cut`: `stderr` begins within a line."""
    words = _own_words(stderr, cut=cut)
    kind, reason = _cause(exit_code, words)
    said = redact(words)[-LONGEST:]
    return HostError(host, kind, f"{reason}: {said}" if said else reason)


def _own_words(stderr: bytes, *, cut: bool) -> str:
    text = stderr.decode("utf-8", "replace").replace("\0", "\ufffd")
    lines = [line.strip() for line in text.split("\n")[1 if cut else 0 :] if line.strip()]
    if own := [line for line in lines if not _STAMPED.match(line)]:
        return " ".join(own)
    appended = _APPENDED.search(lines[-1]) if lines else None
    return appended[1] if appended else ""


def _cause(exit_code: int, words: str) -> tuple[ErrorKind, str]:
    if exit_code == 127:
        return ErrorKind.CONFIGURATION, (
            "there is no docker command for this user: install the client, or put it into the PATH of SSH sessions"
        )
    for pattern, kind, reason in _RULES:
        if re.search(pattern, words, re.IGNORECASE):
            return kind, reason
    if exit_code == REFUSED:
        return ErrorKind.REFUSED, (
            "the host refused the command: its wrapper may be another version's (`manage.py prodlogs harden`)"
        )
    return ErrorKind.INTERNAL, f"docker ended with exit code {exit_code}"
