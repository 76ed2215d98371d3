"""/healthz and /readyz, for load balancers and service managers."""

from collections.abc import Callable

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse


def healthz(request: HttpRequest) -> HttpResponse:
    """200 as long as the process answers at all."""
    return HttpResponse("ok\n", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when all that a request needs is there, else 503; either way what was looked at, as JSON."""
    found = {name: check() for name, check in CHECKS.items()}
    ready = all(answer == "ok" for answer in found.values())
    return JsonResponse({"ready": ready, "checks": found}, status=200 if ready else 503)


def _database() -> str:
    try:
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        return f"database: {type(error).__name__}"  # the text may hold the connection string
    return f"{len(pending)} migrations are not applied; run manage.py migrate" if pending else "ok"


def _redis() -> str:
    if not settings.REDIS_URL:
        return "ok"
    layer = get_channel_layer()
    try:
        async_to_sync(layer.send)("readyz", {"type": "ping"})
    except Exception as error:  # noqa: BLE001
        return f"redis: {type(error).__name__}"
    return "ok"


CHECKS: dict[str, Callable[[], str]] = {"database": _database, "redis": _redis}
