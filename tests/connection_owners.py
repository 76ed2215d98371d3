"""Who opened a connection to the database: a test database can be dropped only when all are closed."""

import os
import threading
from weakref import WeakKeyDictionary

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

_opened: WeakKeyDictionary[BaseDatabaseWrapper, str] = WeakKeyDictionary()


def watch() -> None:
    """Note the thread and the test of each connection that opens from now on."""
    connection_created.connect(_note, dispatch_uid="owners of connections")


def left_open() -> list[str]:
    """The connections of other threads that are open now."""
    own = [connections[alias] for alias in connections]
    return [
        where
        for wrapper, where in list(_opened.items())
        if wrapper not in own and wrapper.connection is not None
    ]


def _note(connection: BaseDatabaseWrapper, **_: object) -> None:
    test = os.environ.get("PYTEST_CURRENT_TEST", "no test")
    _opened[connection] = f"opened in thread {threading.current_thread().name} of {test}"
