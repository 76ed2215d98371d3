"""Admin pages of containers, readings of their logs, and commands that were sent."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from logsite.admin import (
    LogModelAdmin,
    ReadOnly,
    StrictChangeList,
    StrictModelAdmin,
    badge,
    list_url,
    text_filter,
    time_range_filter,
)
from logsite.text.durations import duration
from prodlogs.admin import showing
from prodlogs.admin.entries import entries_url
from prodlogs.admin.styled import Styled
from prodlogs.entries.queries import ERRORS, of_levels
from prodlogs.models import Container, ContainerLogEntry, LogSnapshot, RemoteCommand


class ContainerChangeList(StrictChangeList):
    """Knows how many errors each container of the page wrote in the last day, by one query for all."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        counts = errors_since(timezone.now() - timedelta(days=1)) if self.result_list else {}
        for container in self.result_list:
            container.errors = counts.get(container.pk, 0)


def errors_since(moment: Any) -> dict[int, int]:
    """The number of entries of level ERROR and CRITICAL by container row; its index holds nothing else."""
    rows = of_levels(ContainerLogEntry.objects.filter(timestamp__gte=moment), ERRORS).order_by()
    return dict(rows.values_list("container").annotate(Count("id")))


class ThereFilter(admin.SimpleListFilter):
    """Containers that Docker still lists, or those that are gone."""

    title = "presence"
    parameter_name = "there"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "listed by Docker"), ("no", "removed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Container]) -> QuerySet[Container]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(removed_at__isnull=self.value() == "yes")


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

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ContainerChangeList

    @admin.display(description="state", ordering="state")
    def state_badge(self, obj: Container) -> str:
        if obj.removed_at:
            return badge("removed", "plain")
        return showing.state_badge(obj.state, obj.exit_code)

    @admin.display(description="health", ordering="health")
    def health_badge(self, obj: Container) -> str:
        return showing.health_badge(obj.health)

    @admin.display(description="CPU")
    def cpu(self, obj: Container) -> str:
        return showing.percent(obj.stats.get("cpu_percent"))

    @admin.display(description="memory")
    def memory(self, obj: Container) -> str:
        return showing.memory(obj.stats)

    @admin.display(description="network")
    def traffic(self, obj: Container) -> str:
        return showing.traffic(obj.stats)

    @admin.display(description="processes")
    def processes(self, obj: Container) -> str:
        return str(obj.stats.get("processes") or "")

    @admin.display(description="stored from")
    def stored_from(self, obj: Container) -> str:
        return (
            "its beginning" if obj.covered_from == 0 else showing.moment(obj.covered_from) or "not read yet"
        )

    @admin.display(description="entries")
    def entries_link(self, obj: Container) -> str:
        return format_html('<a href="{}">Entries</a>', entries_url(host=obj.host.name, container=obj.name))

    @admin.display(description="errors, 24 h")
    def errors_link(self, obj: Any) -> str:
        if not obj.errors:
            return "0"
        since = timezone.localtime(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%S")
        url = entries_url(host=obj.host.name, container=obj.name, level="errors", since=since)
        return format_html('<a href="{}">{}</a>', url, obj.errors)

    @admin.display(description="readings")
    def snapshots_link(self, obj: Container) -> str:
        url = list_url(reverse("admin:prodlogs_logsnapshot_changelist"), container__id__exact=obj.pk)
        return format_html('<a href="{}">Readings of its log</a>', url)

    @admin.display(description="live")
    def follow_link(self, obj: Container) -> str:
        url = list_url(reverse("admin:prodlogs_follow_changelist"), host=obj.host.name, container=obj.name)
        return format_html('<a href="{}">Follow</a>', url)


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

    @admin.display(description="status")
    def status_badge(self, obj: LogSnapshot) -> str:
        return showing.snapshot_badge(obj.status)

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
        url = entries_url(host=obj.host_name, container=obj.container_name, **span)
        return format_html('<a href="{}">{}</a>', url, obj.entries)

    @admin.display(description="size")
    def size(self, obj: LogSnapshot) -> str:
        return showing.size(obj.bytes)

    @admin.display(description="oldest entry")
    def oldest(self, obj: LogSnapshot) -> str:
        return showing.moment(obj.first)

    @admin.display(description="newest entry")
    def newest(self, obj: LogSnapshot) -> str:
        return showing.moment(obj.last)


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

    @admin.display(description="answer")
    def stdout_size(self, obj: RemoteCommand) -> str:
        return showing.size(obj.stdout_bytes)

    @admin.display(description="errors")
    def stderr_size(self, obj: RemoteCommand) -> str:
        return showing.size(obj.stderr_bytes)

    @admin.display(description="duration")
    def took(self, obj: RemoteCommand) -> str:
        return duration(obj.duration_ms)

    @admin.display(description="error")
    def error(self, obj: RemoteCommand) -> str:
        return obj.error_message[:160]
