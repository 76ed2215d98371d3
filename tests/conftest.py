"""What all tests share: three named actors, real services or a reason, no leftovers of the writer thread."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from asgiref.sync import SyncToAsync
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from logsite.housekeeping.heartbeats import presence
from logsite.redaction import process
from logsite.signals import web_started
from sessionlogs.recording.writer import writer
from tests import connection_owners, flushing
from tests.workers import worker_count

flushing.install()
connection_owners.watch()
# The tests import the web application, which starts no web process here.
for watcher in ("presence", "audit", "settings on record"):
    web_started.disconnect(dispatch_uid=watcher)
ROOT = Path(__file__).parent
VIEWED = ("applogs", "devices", "housekeeping", "intake", "prodlogs", "sessionlogs", "shipping")


# A worker takes a file at a time. These take longest, so they come first, or all would wait for the last of them.
LONGEST_FILES = (
    "test_browser.py",
    "test_wheel.py",
    "prodlogs/test_kill.py",
    "devices/test_celery.py",
    "devices/test_fleet.py",
    "logsite/test_strict_admin.py",
    "logsite/test_admin.py",
    "test_actors.py",
    "prodlogs/test_hostile_lines.py",
    "prodlogs/test_collect.py",
    "prodlogs/test_admin.py",
    "shipping/test_processes.py",
    "devices/test_admin.py",
    "prodlogs/test_reading.py",
    "prodlogs/test_containers.py",
    "shipping/test_backend.py",
    "prodlogs/test_harden.py",
    "devices/test_run_commands.py",
    "demo/test_demo.py",
)


def pytest_configure() -> None:
    """A shell starts what runs in the background with SIGINT ignored, and processes of the tests would inherit it."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return worker_count()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only tests that use the database run: all others have run on SQLite, with the same outcome."""
    order = {ROOT / name: place for place, name in enumerate(LONGEST_FILES)}
    for item in items:
        if uses_database(item):
            allow_audit(item)
    items.sort(key=lambda item: order.get(item.path, len(order)))
    if connection.vendor == "postgresql":
        unused = [item for item in items if not uses_database(item)]
        config.hook.pytest_deselected(items=unused)
        items[:] = [item for item in items if uses_database(item)]
        return
    for item in items:
        if item.get_closest_marker("postgres"):
            item.add_marker(pytest.mark.skip(reason="needs DATABASE_URL=postgres://…"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """The audit's file gets no suffix: processes that a test starts look for it in their DATA_DIR, this one's own."""
    audit = settings.DATABASES["audit"]
    if audit["ENGINE"].endswith("sqlite3"):
        audit["TEST"]["NAME"] = audit["NAME"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """PostgreSQL drops no database while the audit's connection to it is open."""
    with django_db_blocker.unblock():
        flushing.permissions()
    yield
    with django_db_blocker.unblock():
        connections["audit"].close()


def allow_audit(item: pytest.Item) -> None:
    """Let a test with a database write audit entries, too: by itself it gets the default database alone."""
    marker = item.get_closest_marker("django_db")
    options = {"databases": ["default", "audit"], **(marker.kwargs if marker else {})}
    item.add_marker(pytest.mark.django_db(*(marker.args if marker else ()), **options), append=False)


def uses_database(item: pytest.Item) -> bool:
    """By the marker, or by a fixture of the test or of one of its fixtures."""
    return bool(item.get_closest_marker("django_db")) or "_django_db_helper" in getattr(
        item, "fixturenames", ()
    )


def unavailable(reason: str) -> NoReturn:
    """Skip the test on a developer's machine, fail it in CI: something that it needs cannot be had."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def service_address(variable: str) -> str:
    """The address of a real service from the environment; skips without it, but fails in CI."""
    if address := os.environ.get(variable):
        return address
    unavailable(f"{variable} is not set (.ci/services starts the service and sets it)")


@pytest.fixture
def service() -> Callable[[str], str]:
    return service_address


@pytest.fixture(autouse=True)
def _quiet_writer() -> Iterator[None]:
    """No event of one test is stored in the next, and no connection outlives the test database."""
    yield
    writer.stop()
    presence.stop()


@pytest.fixture(autouse=True)
def _no_secrets_of_others() -> None:
    """A process remembers secrets that were in use, such as a passphrase `x` of an earlier test: `x` is none here."""
    known = process._registry
    with known._lock:
        for pair in [pair for pair, entry in known._entries.items() if not entry.users]:
            del known._entries[pair]
        known._redactor = None


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """A database that is rolled back gives the ids of its users again, and what is cached goes by these."""
    cache.clear()


@pytest.fixture(autouse=True)
def _closed_connections(request: pytest.FixtureRequest) -> Iterator[None]:
    """The thread in which an asynchronous test runs its synchronous code keeps no connection to the database."""
    yield
    if request.node.get_closest_marker("asyncio"):
        SyncToAsync.single_thread_executor.submit(connections.close_all).result(120)
    if connection.vendor == "postgresql":
        assert connection_owners.left_open() == [], "connections that no thread closes keep the database"


@pytest.fixture
def owner(db: None) -> User:
    """Runs the site: may do everything."""
    return User.objects.create_superuser("owner", "owner@example.com", "owner-password")


@pytest.fixture
def teammate(db: None) -> User:
    """Works with it: staff, may see everything and change nothing."""
    user = User.objects.create_user("teammate", "teammate@example.com", "teammate-password", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(codename__startswith="view_", content_type__app_label__in=VIEWED)
    )
    return user


@pytest.fixture
def outsider(db: None) -> User:
    """Has a login, for something else."""
    return User.objects.create_user("outsider", "outsider@example.com", "outsider-password")


@pytest.fixture
def api() -> Callable[[User | None], APIClient]:
    """An API client as somebody: `api(owner)`, or as nobody: `api(None)`."""

    def make(user: User | None) -> APIClient:
        client = APIClient()
        if user is not None:
            client.force_authenticate(user)
        return client

    return make


@pytest.fixture
def browser() -> Callable[[User | None], Client]:
    """A browser as somebody."""

    def make(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return make


@pytest.fixture
def row_queries() -> Callable[[], AbstractContextManager[list[str]]]:
    """`with row_queries() as queries:` collects what reads or writes rows, without savepoints."""

    @contextmanager
    def collect() -> Iterator[list[str]]:
        found: list[str] = []
        with CaptureQueriesContext(connection) as captured:
            yield found
        savepoints = ("SAVEPOINT", "RELEASE SAVEPOINT")
        found += [each["sql"] for each in captured if not each["sql"].startswith(savepoints)]

    return collect


@pytest.fixture
def on_postgres() -> bool:
    return connection.vendor == "postgresql"
