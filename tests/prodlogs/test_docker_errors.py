"""Docker's words on stderr, and what they mean."""

import pytest

from prodlogs.docker.errors import failure
from prodlogs.models import ErrorKind

SOCKET = "unix:///var/run/docker.sock"


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (
            1,
            f"Cannot connect to the Docker daemon at {SOCKET}. Is the docker daemon running?",
            ErrorKind.DAEMON,
        ),
        (1, "error during connect: Get http://%2Fvar%2Frun%2Fdocker.sock/v1.24/_ping: EOF", ErrorKind.DAEMON),
        (1, "unexpected EOF", ErrorKind.DAEMON),
        (
            1,
            "WARNING: Error loading config file: open /root/.docker/config.json: permission denied\n"
            f"permission denied while trying to connect to the Docker daemon socket at {SOCKET}",
            ErrorKind.REFUSED,
        ),
        (
            1,
            "Got permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            ErrorKind.REFUSED,
        ),
        (1, "Error response from daemon: No such container: web", ErrorKind.REMOVED),
        (1, "Error: No such container: web", ErrorKind.REMOVED),
        (
            1,
            "Error response from daemon: can not get logs from container which is dead or marked for removal",
            ErrorKind.REMOVED,
        ),
        (
            1,
            "Error response from daemon: configured logging driver does not support reading",
            ErrorKind.DRIVER,
        ),
        (1, "error from daemon in stream: Error grabbing logs: unexpected EOF", ErrorKind.INTERNAL),
        (127, "bash: line 1: docker: command not found", ErrorKind.CONFIGURATION),
        (126, "refused: not one of the read-only commands", ErrorKind.REFUSED),
        (126, "sh: 1: docker: Permission denied", ErrorKind.REFUSED),
        (2, "something else", ErrorKind.INTERNAL),
        (1, "", ErrorKind.INTERNAL),
    ],
)
def test_the_kind(code, words, kind):
    error = failure("web1", code, words.encode())

    assert error.kind == kind
    assert str(error).startswith("web1: ")


def test_dockers_own_words_are_told():
    assert "No such container: web-7" in str(
        failure("h", 1, b"Error response from daemon: No such container: web-7\n")
    )


def test_what_the_container_wrote_is_not_dockers():
    lines = (
        b"2026-11-20T14:05:32.847869062Z Cannot connect to the Docker daemon\n"
        b"Error response from daemon: No such container: web\n"
    )

    error = failure("h", 1, lines)

    assert error.kind == ErrorKind.REMOVED
    assert "Cannot connect" not in str(error)


def test_dockers_words_behind_an_unfinished_line_of_the_container():
    error = failure("h", 1, b"2026-11-20T14:05:32.847869062Z GET /heaunexpected EOF\n")

    assert error.kind == ErrorKind.DAEMON
    assert "GET /hea" not in str(error)


def test_a_line_that_begins_before_what_was_kept_is_not_dockers():
    assert failure("h", 1, b"No such container, said a container\n", cut=True).kind == ErrorKind.INTERNAL


def test_credentials_in_the_words_are_not_told():
    error = failure(
        "h", 1, b"Get https://bot:Hunter2-Secret@registry.example.com/v2/: refused\npassword=Hunter2-Secret\n"
    )

    assert "Hunter2-Secret" not in str(error)


def test_long_words_are_cut():
    assert len(str(failure("h", 1, b"x" * 5000))) < 400
