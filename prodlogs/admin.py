"""Admin pages of Docker hosts, containers, snapshots, entries and sent commands."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, QuerySet, Value
from django.db.models.functions import Left, Length
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from logsite.admin import LogModelAdmin, badge, list_url, text_filter, time_range_filter
from logsite.strict_admin import StrictChangeList, StrictModelAdmin
from prodlogs import follow_page, host_admin, showing  # noqa: F401  host_admin registers itself
from prodlogs.entry_filters import LevelFilter, PlaceFilter
from prodlogs.models import Container, ContainerLogEntry, Errors, Follow, LogSnapshot, RemoteCommand
from prodlogs.queries import ERRORS, Searched, containing, of_levels

BEGINNING = 4000  # characters of a message in a list
SEE_ENTRIES = "prodlogs.view_containerlogentry"


def entries_url(**query: Any) -> str:
    return list_url(reverse("admin:prodlogs_containerlogentry_changelist"), **query)


class Styled:
    """The pages' own looks."""

    class Media:
        css = {"all": ("logsite/containers.css",)}


class ReadOnly(Styled, StrictModelAdmin):
    """Nobody adds, changes or deletes what hosts said."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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

    title = "whether it is there"
    parameter_name = "there"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Docker lists it"), ("no", "removed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Container]) -> QuerySet[Container]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(removed_at__isnull=self.value() == "yes")


@admin.register(Container)
class ContainerAdmin(ReadOnly):
    """Containers as Docker last described them."""

    list_display = (
        "name", "host", "state_badge", "health_badge", "restarts", "cpu", "memory", "errors_link", "entries_link",
        "image",
    )  # fmt: skip
    list_filter = (ThereFilter, "state", "health", "host", "log_driver")
    list_select_related = ("host",)
    ordering = (F("removed_at").asc(nulls_first=True), "host__name", "name", "id")
    search_fields = ("name", "image", "container_id")
    search_help_text = "Name, image or Docker's id"
    fields = readonly_fields = (
        "name", "host", "image", "container_id", "state_badge", "health_badge", "restarts", "cpu", "memory",
        "traffic", "processes", "stats_at", "tty", "log_driver", "created_at", "started_at", "finished_at", "seen_at",
        "removed_at", "stored_from", "entries_link", "snapshots_link", "follow_link",
    )  # fmt: skip

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
        "started_at", "place", "status_badge", "lines", "entry_count", "missing", "duplicates", "size", "kind",
        "started_by",
    )  # fmt: skip
    list_filter = (
        time_range_filter("started_at"), text_filter("host_name", "host"), text_filter("container_name", "container"),
        "status", "kind", "error_kind",
    )  # fmt: skip
    linked_lookups = ("container__id__exact",)
    fields = readonly_fields = (
        "host_name", "container_name", "kind", "status_badge", "missing", "error_kind", "since",
        "until", "started_at", "ended_at", "lines", "entry_count", "duplicates", "truncated", "size", "oldest",
        "newest", "started_by",
    )  # fmt: skip

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


@admin.register(ContainerLogEntry)
class ContainerLogEntryAdmin(Styled, LogModelAdmin):
    """What containers wrote, newest first; an entry's page shows what stood around it."""

    list_display = ("time", "place", "level_badge", "stream", "line")
    list_filter = (time_range_filter("timestamp"), PlaceFilter, LevelFilter, "stream")
    linked_lookups = ("timestamp__gte", "timestamp__lte")
    search_fields = ("message",)
    change_form_template = "admin/prodlogs/containerlogentry/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ContainerLogEntry]:
        """A list shows the beginning of messages: a hundred whole ones can be 25 MB."""
        rows = super().get_queryset(request).select_related("container__host").defer("message", "raw_line")
        return rows.annotate(beginning=Left("message", Value(BEGINNING)), length=Length("message"))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "live_source": "container"})

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ContainerLogEntry], search_term: str
    ) -> tuple[QuerySet[ContainerLogEntry], bool]:
        found = containing(queryset, search_term.strip())
        request.searched = found  # type: ignore[attr-defined]  # for the text below the field
        return found.rows, False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        found = super().get_changelist_instance(request)
        searched: Searched | None = getattr(request, "searched", None)
        text = "A part of the message"
        if searched and searched.since:
            whole = searched.since + timedelta(seconds=1, microseconds=-1)  # rounded up: «To» is exclusive
            back = f"{timezone.localtime(whole):%Y-%m-%d %H:%M:%S}"
            text = f"Looked for back to {back}; give that as «To» to look further."
        found.search_help_text = text
        return found

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        entry = self.get_object(request, object_id)
        context = {**(extra_context or {}), "title": "Entry"}
        if entry is not None and self.has_view_permission(request, entry):
            context |= follow_page.surroundings(entry)
        return super().change_view(request, object_id, form_url, context)

    @admin.display(description="time")
    def time(self, obj: ContainerLogEntry) -> str:
        day, _, clock = showing.moment(obj.timestamp).partition(" ")
        return format_html('<span class="day">{}</span> <span class="clock">{}</span>', day, clock)

    @admin.display(description="container")
    def place(self, obj: ContainerLogEntry) -> str:
        return showing.place(obj.container_name, obj.container.host.name)

    @admin.display(description="level")
    def level_badge(self, obj: ContainerLogEntry) -> str:
        return showing.level_badge(obj.level)

    @admin.display(description="message")
    def line(self, obj: Any) -> str:
        return showing.folded(showing.visible(obj.beginning), cut=obj.length > BEGINNING)


class OnePage(ReadOnly):
    """A page instead of a list, for whom may see entries."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm(SEE_ENTRIES))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.changelist_view)
        return [path("", page, name=f"prodlogs_{self.opts.model_name}_changelist")]


@admin.register(Errors)
class ErrorsAdmin(OnePage):
    """The way to the list of entries, with its filter set."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return HttpResponseRedirect(entries_url(level="errors"))


@admin.register(Follow)
class FollowAdmin(OnePage):
    """Entries as they come."""

    def get_urls(self) -> list[URLPattern]:
        news = self.admin_site.admin_view(follow_page.news)
        return [*super().get_urls(), path("entries/", news, name="prodlogs_follow_entries")]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return follow_page.page(request, {**self.admin_site.each_context(request), "opts": self.opts})


@admin.register(RemoteCommand)
class RemoteCommandAdmin(Styled, LogModelAdmin):
    """Everything that was sent to a host, and what was refused."""

    keyset = ("-sent_at", "-id")
    list_display = (
        "sent_at", "user", "host_name", "outcome", "command_short", "via", "stdout_size", "took", "error",
    )  # fmt: skip
    list_filter = (
        time_range_filter("sent_at"), text_filter("user", "user"), text_filter("host_name", "host"), "via", "denied",
        "error_kind",
    )  # fmt: skip
    fields = readonly_fields = (
        "sent_at", "user", "via", "host_name", "command", "outcome", "stdout_size", "stderr_size", "took",
        "error_message", "error_kind", "host_key_fingerprint", "key_fingerprint",
    )  # fmt: skip

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
        return showing.duration(obj.duration_ms)

    @admin.display(description="error")
    def error(self, obj: RemoteCommand) -> str:
        return obj.error_message[:160]
