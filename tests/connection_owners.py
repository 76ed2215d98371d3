"""Who opened a connection to the database: a test database can be dropped only when all are closed."""

import os
import threading
import time
from weakref import WeakKeyDictionary

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

PATIENCE_SECONDS = 60
_opened: WeakKeyDictionary[BaseDatabaseWrapper, tuple[threading.Thread, str]] = WeakKeyDictionary()


def watch() -> None:
    """Note the thread and the test of each connection that opens from now on."""
    connection_created.connect(_note, dispatch_uid="owners of connections")


def left_open() -> list[str]:
    """The connections of other threads that stay open, although their threads had time to close them.

    A thread that serves a request closes its connection after the client has the answer.
    """
    own = [connections[alias] for alias in connections]
    deadline = time.monotonic() + PATIENCE_SECONDS
    for wrapper, (thread, _) in list(_opened.items()):
        while wrapper not in own and _is_open(wrapper) and thread.is_alive() and time.monotonic() < deadline:
            thread.join(0.01)
    return [
        where for wrapper, (_, where) in list(_opened.items()) if wrapper not in own and _is_open(wrapper)
    ]


def _is_open(wrapper: BaseDatabaseWrapper) -> bool:
    return wrapper.connection is not None


def _note(connection: BaseDatabaseWrapper, **_: object) -> None:
    test = os.environ.get("PYTEST_CURRENT_TEST", "no test")
    thread = threading.current_thread()
    _opened[connection] = thread, f"opened in thread {thread.name} of {test}"
