"""The admin of Docker hosts."""

from typing import Any

from django.contrib import admin
from django.db.models import Case, Count, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from logsite.admin import choice_badge, link, shown_time
from prodlogs.admin.host_actions import HostPages
from prodlogs.admin.host_form import FROM_ENVIRONMENT, SECRETS, HostForm
from prodlogs.admin.showing import HOST_BADGES
from prodlogs.hosts.configured import notice_environment
from prodlogs.models import ContainerLogEntry, DockerHost, HostStatus

SHOWN = 10  # snapshots and commands on a host's page
GIVEN = ("name", "address", "port", "user")
KEY_FIELDS = ("ssh_key_file", *SECRETS)


@admin.register(DockerHost)
class DockerHostAdmin(HostPages):
    """Failures stand first: they are why anybody looks."""

    form = HostForm
    list_display = (
        "name",
        "status_badge",
        "error",
        "container_count",
        "answered_at",
        "host_key_state",
        "address",
        "enabled",
    )
    list_filter = ("status", "enabled", "error_kind")
    ordering = (Case(When(status=HostStatus.FAILED, then=Value(0)), default=Value(1)), "name")
    search_fields = ("name", "address")
    search_help_text = "Name or address"
    change_form_template = "admin/prodlogs/dockerhost/change_form.html"
    status_badge = choice_badge("status", "status", HOST_BADGES, ordering="status")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        notice_environment()
        return super().changelist_view(request, extra_context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DockerHost]:
        there = Q(containers__removed_at__isnull=True)
        running = Count("containers", filter=there & Q(containers__state="running"))
        rows = DockerHost.objects.annotate(total=Count("containers", filter=there), running=running)
        return rows.order_by(*self.ordering)

    # --- The form ---

    def get_fields(self, request: HttpRequest, obj: DockerHost | None = None) -> Any:
        keys = KEY_FIELDS if self._takes_key(request, obj) else ()
        seen = ("last_answer", "host_keys") if obj else ()
        return [*GIVEN, "enabled", *keys, *seen]

    def get_readonly_fields(self, request: HttpRequest, obj: DockerHost | None = None) -> tuple[str, ...]:
        given = GIVEN if obj and obj.from_environment else ()
        return (*given, "last_answer", "host_keys")

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if self._takes_key(request, obj):
            kwargs["fields"] = None  # what the form says: the key's fields must not overwrite the columns
        return super().get_form(request, obj, change, **kwargs)

    def _takes_key(self, request: HttpRequest, obj: DockerHost | None) -> bool:
        if obj is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, obj) and not obj.from_environment

    def has_delete_permission(self, request: HttpRequest, obj: DockerHost | None = None) -> bool:
        """A host with stored entries stays: they name it."""
        if obj is not None and ContainerLogEntry.objects.filter(container__host=obj).exists():
            return False
        return super().has_delete_permission(request, obj)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {
            name: action for name, action in super().get_actions(request).items() if name != "delete_selected"
        }

    def page_context(self, request: HttpRequest, obj: DockerHost) -> dict[str, Any]:
        may = request.user.has_perm
        found: dict[str, Any] = {
            "may_collect": self.has_collect_permission(request) and obj.enabled,
            "may_accept": self.may_accept(request) and bool(obj.offered_host_key),
            "environment": FROM_ENVIRONMENT if obj.from_environment else "",
        }
        if may("prodlogs.view_container"):
            found["containers"] = obj.containers.filter(removed_at__isnull=True).order_by("name", "id")
        if may("prodlogs.view_logsnapshot"):
            found["snapshots"] = obj.snapshots.all()[:SHOWN]
        if may("prodlogs.view_remotecommand"):
            found["commands"] = obj.commands.all()[:SHOWN]
        return found

    # --- Columns ---

    @admin.display(description="running")
    def container_count(self, obj: Any) -> str:
        text = f"{obj.running} of {obj.total}"
        return link(text, "prodlogs_container_changelist", host__id__exact=obj.pk)

    @admin.display(description="error")
    def error(self, obj: DockerHost) -> str:
        return obj.error_message[:160] if obj.status == HostStatus.FAILED else ""

    @admin.display(description="last answer")
    def last_answer(self, obj: DockerHost) -> str:
        error = obj.error_message if obj.status == HostStatus.FAILED else ""
        return format_html(
            '{} {} <span class="error">{}</span>', self.status_badge(obj), shown_time(obj.answered_at), error
        )
