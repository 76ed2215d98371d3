"""Ports for servers that a test starts later, or never."""

import errno
import random
import socket

LOWEST, HIGHEST = 10_000, 32_000  # below 32768, where Linux begins to give ports to outgoing connections
_random = random.SystemRandom()  # takes no seed, so that no two processes draw the same ports


def free_port() -> int:
    """A loopback port on which nothing listens, and which no connection and no server gets by chance."""
    while True:
        port = _random.randint(LOWEST, HIGHEST)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return port
