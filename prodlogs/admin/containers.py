"""Admin pages of containers, readings of their logs, and commands that were sent."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import F, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html

from logsite.admin import (
    LogModelAdmin,
    ReadOnly,
    StrictChangeList,
    StrictModelAdmin,
    badge,
    beginning,
    choice_filter,
    column,
    entry_texts,
    link,
    text_filter,
    time_range_filter,
)
from logsite.records import get_source
from logsite.text.durations import duration
from logsite.web.readers import reader_of
from prodlogs.admin import showing
from prodlogs.admin.entries import ENTRIES
from prodlogs.admin.styled import Styled
from prodlogs.entries.queries import errors_since
from prodlogs.models import Container, LogSnapshot, RemoteCommand


class ContainerChangeList(StrictChangeList):
    """Knows how many errors each container of the page wrote in the last day, by one query for all.

    Without the permission to see entries it knows none.
    """

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        counts: dict[int, int] = {}
        reader, source = reader_of(request), get_source("container")
        may_count = reader.holds(source.permission)
        if may_count and self.result_list:
            counts = errors_since(source.view(reader).rows(), timezone.now() - timedelta(days=1))
        for container in self.result_list:
            container.errors = counts.get(container.pk, 0) if may_count else None


ThereFilter = choice_filter(
    "there",
    "presence",
    {
        "yes": ("listed by Docker", Q(removed_at__isnull=True)),
        "no": ("removed", Q(removed_at__isnull=False)),
    },
)


@admin.register(Container)
class ContainerAdmin(ReadOnly, Styled, StrictModelAdmin):
    """Containers as Docker last described them."""

    list_display = (
        "name",
        "host",
        "state_badge",
        "health_badge",
        "restarts",
        "cpu",
        "memory",
        "errors_link",
        "entries_link",
        "image",
    )
    list_filter = (ThereFilter, "state", "health", "host", "log_driver")
    list_select_related = ("host",)
    ordering = (F("removed_at").asc(nulls_first=True), "host__name", "name", "id")
    search_fields = ("name", "image", "container_id")
    search_help_text = "Name, image or Docker's id"
    fields = readonly_fields = (
        "name",
        "host",
        "image",
        "container_id",
        "state_badge",
        "health_badge",
        "restarts",
        "cpu",
        "memory",
        "traffic",
        "processes",
        "stats_at",
        "tty",
        "log_driver",
        "created_at",
        "started_at",
        "finished_at",
        "seen_at",
        "removed_at",
        "stored_from",
        "entries_link",
        "snapshots_link",
        "follow_link",
    )

    health_badge = column("health", "health", showing.health_badge, ordering="health")
    cpu = column("CPU", "stats", showing.cpu)
    memory = column("memory", "stats", showing.memory)
    traffic = column("network", "stats", showing.traffic)
    processes = column("processes", "stats", lambda stats: str(stats.get("processes") or ""))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ContainerChangeList

    @admin.display(description="state", ordering="state")
    def state_badge(self, obj: Container) -> str:
        if obj.removed_at:
            return badge("removed", "plain")
        return showing.state_badge(obj.state, obj.exit_code)

    @admin.display(description="stored from")
    def stored_from(self, obj: Container) -> str:
        return (
            "its beginning"
            if obj.covered_from == 0
            else entry_texts.moment(obj.covered_from) or "not read yet"
        )

    @admin.display(description="entries")
    def entries_link(self, obj: Container) -> str:
        return link("Entries", ENTRIES, host=obj.host.name, container=obj.name)

    @admin.display(description="errors, 24 h")
    def errors_link(self, obj: Any) -> str:
        if not obj.errors:
            return "" if obj.errors is None else "0"
        since = timezone.localtime(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
        return link(obj.errors, ENTRIES, host=obj.host.name, container=obj.name, level="errors", since=since)

    @admin.display(description="readings")
    def snapshots_link(self, obj: Container) -> str:
        return link("Readings of its log", "prodlogs_logsnapshot_changelist", container__id__exact=obj.pk)

    @admin.display(description="live")
    def follow_link(self, obj: Container) -> str:
        return link("Follow", "prodlogs_follow_changelist", host=obj.host.name, container=obj.name)


@admin.register(LogSnapshot)
class LogSnapshotAdmin(Styled, LogModelAdmin):
    """Each reading of a container's log, and whether anything is missing."""

    keyset = ("-started_at", "-id")
    list_display = (
        "started_at",
        "place",
        "status_badge",
        "lines",
        "entry_count",
        "missing",
        "duplicates",
        "size",
        "kind",
        "started_by",
    )
    list_filter = (
        time_range_filter("started_at"),
        text_filter("host_name", "host"),
        text_filter("container_name", "container"),
        "status",
        "kind",
        "error_kind",
    )
    linked_lookups = ("container__id__exact",)
    fields = readonly_fields = (
        "host_name",
        "container_name",
        "kind",
        "status_badge",
        "missing",
        "error_kind",
        "since",
        "until",
        "started_at",
        "ended_at",
        "lines",
        "entry_count",
        "duplicates",
        "truncated",
        "size",
        "oldest",
        "newest",
        "started_by",
    )
    status_badge = column("status", "status", showing.snapshot_badge)
    size = column("size", "bytes", showing.size)
    oldest = column("oldest entry", "first", entry_texts.moment)
    newest = column("newest entry", "last", entry_texts.moment)

    @admin.display(description="container")
    def place(self, obj: LogSnapshot) -> str:
        return showing.place(obj.container_name, obj.host_name)

    @admin.display(description="missing")
    def missing(self, obj: LogSnapshot) -> str:
        return format_html("{}{}", showing.gap_lines(obj.gaps), obj.error_message[:160])

    @admin.display(description="entries")
    def entry_count(self, obj: LogSnapshot) -> str:
        """A link to the time that the reading covers: nothing finds entries by their snapshot."""
        if obj.first is None or obj.last is None:
            return str(obj.entries)
        span = {"timestamp__gte": obj.first, "timestamp__lte": obj.last}
        return link(obj.entries, ENTRIES, host=obj.host_name, container=obj.container_name, **span)


@admin.register(RemoteCommand)
class RemoteCommandAdmin(Styled, LogModelAdmin):
    """Everything that was sent to a host, and what was refused."""

    keyset = ("-sent_at", "-id")
    list_display = (
        "sent_at",
        "user",
        "host_name",
        "outcome",
        "command_short",
        "via",
        "stdout_size",
        "took",
        "error",
    )
    list_filter = (
        time_range_filter("sent_at"),
        text_filter("user", "user"),
        text_filter("host_name", "host"),
        "via",
        "denied",
        "error_kind",
    )
    fields = readonly_fields = (
        "sent_at",
        "user",
        "via",
        "host_name",
        "command",
        "outcome",
        "stdout_size",
        "stderr_size",
        "took",
        "error_message",
        "error_kind",
        "host_key_fingerprint",
        "key_fingerprint",
    )
    stdout_size = column("answer", "stdout_bytes", showing.size)
    stderr_size = column("errors", "stderr_bytes", showing.size)
    took = column("duration", "duration_ms", duration)
    error = beginning("error", "error_message", 160)

    @admin.display(description="command")
    def command_short(self, obj: RemoteCommand) -> str:
        return format_html('<code class="argv">{}</code>', showing.command_short(obj))

    @admin.display(description="command")
    def command(self, obj: RemoteCommand) -> str:
        return format_html('<code class="argv">{}</code>', showing.command_line(obj.argv))

    @admin.display(description="outcome")
    def outcome(self, obj: RemoteCommand) -> str:
        if obj.denied:
            return badge("denied", "bad")
        if obj.exit_code is None:
            return badge("failed", "bad") if obj.error_kind else ""
        return badge(f"exit code {obj.exit_code}", "bad" if obj.exit_code else "ok")
