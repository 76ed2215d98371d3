"""Runs of `purge_logs`; read-only."""

from django.contrib import admin

from logsite.admin import LogModelAdmin, time_range_filter
from logsite.housekeeping.models import PurgeRun


@admin.register(PurgeRun)
class PurgeRunAdmin(LogModelAdmin):
    """Who removed what, and by which rules."""

    keyset = ("-started", "-id")
    list_display = ("started", "user", "status", "counts", "even_unshipped", "ended", "error")
    list_filter = (time_range_filter("started"), "status")
