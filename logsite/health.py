"""/healthz and /readyz, for load balancers and service managers."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from logsite.audit.routing import ALIAS, APP_LABEL, has_own_database


def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers at all."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when all that a request needs is there, else 503; either way what was looked at, as JSON."""
    found = {name: check() for name, check in CHECKS.items()}
    ready = all(answer == "ok" for answer in found.values())
    return JsonResponse({"ready": ready, "checks": found}, status=200 if ready else 503)


def _database() -> str:
    """Whether both databases answer and have all tables. Their own texts may hold the connection string."""
    try:
        pending = _pending(DEFAULT_DB_ALIAS)
    except Error as error:
        return f"database: {type(error).__name__}"
    if not pending and has_own_database():
        try:
            pending = _pending(ALIAS, APP_LABEL)
        except Error as error:
            return f"audit database: {type(error).__name__}"
    return f"{pending} migrations are not applied; run manage.py migrate" if pending else "ok"


def _pending(alias: str, app_label: str | None = None) -> int:
    """How many migrations, of one app or all, the database lacks."""
    executor = MigrationExecutor(connections[alias])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes(app_label)))


def _redis() -> str:
    if not settings.REDIS_URL:
        return "ok"
    layer = get_channel_layer()
    try:
        async_to_sync(layer.send)("readyz", {"type": "ping"})
    except Exception as error:  # noqa: BLE001
        return f"redis: {type(error).__name__}"
    return "ok"


def _disk() -> str:
    """Whether events can still be stored. No path is shown: anybody may ask."""
    places = {"DATA_DIR": Path(settings.DATA_DIR)}
    database = connection.settings_dict
    if database["ENGINE"].endswith("sqlite3"):
        places["the database"] = Path(database["NAME"]).parent
    for name, folder in places.items():
        try:
            if problem := _full(folder, name):
                return problem
        except OSError as error:
            return f"{name}: {error.strerror}"
    return "ok"


def _full(folder: Path, name: str) -> str:
    free, volume = shutil.disk_usage(folder).free, os.statvfs(folder)
    if volume.f_flag & os.ST_RDONLY:
        return f"the file system of {name} is read-only"
    if volume.f_files and not volume.f_favail:
        return f"no file can be made for {name}: the file system has no inodes left"
    if free < (least := settings.DISK_FREE_BYTES):
        megabytes = f"{free // 1024**2} MB free for {name}; at least {least // 1024**2} MB are needed"
        return f"{megabytes} (DISK_FREE_BYTES)"
    return ""


CHECKS: dict[str, Callable[[], str]] = {"database": _database, "redis": _redis, "disk": _disk}
