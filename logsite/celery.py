"""Celery, for collections that fan out over machines: `celery -A logsite worker`. Needs REDIS_URL."""

import os
import ssl
from typing import Any

from celery import Celery
from click import ClickException

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logsite.settings")

from django.conf import settings

# Beyond the deadline, in seconds; then the task of a worker that fell silent is another's.
REDELIVERY = 30.0


def configuration() -> dict[str, Any]:
    """Celery's settings, from ours. Without REDIS_URL its command ends with one line."""
    if not settings.REDIS_URL:
        raise ClickException("REDIS_URL: Celery needs it, as in redis://127.0.0.1:6379/0")
    tls = settings.REDIS_URL.startswith("rediss://")
    return {
        "broker_url": settings.REDIS_URL.replace("unix://", "redis+socket://", 1),
        "broker_use_ssl": {"ssl_cert_reqs": ssl.CERT_REQUIRED} if tls else None,
        "broker_transport_options": {"visibility_timeout": settings.COLLECT_DEADLINE + REDELIVERY},
        "broker_connection_retry_on_startup": True,
        "task_default_queue": "logsite",
        "task_ignore_result": True,  # the results are in the database
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        "worker_prefetch_multiplier": 1,  # a task that waits behind a slow device waits for nobody else
        "worker_pool": "threads",  # what a collection does is waiting
        "worker_concurrency": settings.COLLECT_WORKERS,
        "worker_hijack_root_logger": False,  # ours redacts
    }


app = Celery("logsite")
app.add_defaults(configuration)
app.autodiscover_tasks()
