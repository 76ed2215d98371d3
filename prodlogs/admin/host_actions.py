"""What can be done with Docker hosts in the admin: collecting now, asking for their health, accepting a key."""

from collections.abc import Callable, Sequence

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path

from logsite.admin import HostKeyPages, page_url
from logsite.ssh.host_keys import HostKeyProblem
from prodlogs.errors import HostError
from prodlogs.health.states import asked_health
from prodlogs.hosts.accepting import accept_host_key
from prodlogs.models import DockerHost
from prodlogs.reading.host_reading import collect_hosts

AT_ONCE = 50  # more would keep the browser waiting for minutes
COLLECT = "prodlogs.collect_logs"


class HostPages(HostKeyPages):
    """Adds actions and their pages to the admin of DockerHost."""

    actions: Sequence[str] = ("collect_now", "check_health")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:host_id>/collect/", view(self.collect_view), name="prodlogs_dockerhost_collect"),
            path("<int:host_id>/check-health/", view(self.health_view), name="prodlogs_dockerhost_health"),
            *super().get_urls(),
        ]

    def has_collect_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(COLLECT))

    @admin.action(description="Collect now", permissions=["collect"])
    def collect_now(self, request: HttpRequest, queryset: QuerySet[DockerHost]) -> HttpResponse | None:
        return self._of_enabled(request, queryset, self._collect)

    @admin.action(description="Check health", permissions=["collect"])
    def check_health(self, request: HttpRequest, queryset: QuerySet[DockerHost]) -> HttpResponse | None:
        return self._of_enabled(request, queryset, self._check)

    def collect_view(self, request: HttpRequest, host_id: int) -> HttpResponse:
        return self._of_one(request, host_id, self._collect)

    def health_view(self, request: HttpRequest, host_id: int) -> HttpResponse:
        return self._of_one(request, host_id, self._check)

    def accept_key(self, request: HttpRequest, host: DockerHost, fingerprint: str) -> None:
        try:
            accept_host_key(host, fingerprint, request.user, via="admin")
        except HostError as error:
            raise HostKeyProblem(error.reason) from None

    def _of_one(
        self, request: HttpRequest, host_id: int, act: Callable[[HttpRequest, list[DockerHost]], HttpResponse]
    ) -> HttpResponse:
        if not (self.has_collect_permission(request) and self.has_view_permission(request)):
            raise PermissionDenied
        host = get_object_or_404(DockerHost, pk=min(host_id, 2**63 - 1))
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not host.enabled:
            self.message_user(request, f"The host {host.name} is not enabled.", messages.ERROR)
            return HttpResponseRedirect(page_url("prodlogs_dockerhost_change", host.pk))
        return act(request, [host])

    def _of_enabled(
        self,
        request: HttpRequest,
        queryset: QuerySet[DockerHost],
        act: Callable[[HttpRequest, list[DockerHost]], HttpResponse],
    ) -> HttpResponse | None:
        hosts = list(DockerHost.objects.filter(pk__in=queryset.values("pk")).order_by("name"))
        if len(hosts) > AT_ONCE:
            text = f"{len(hosts)} hosts are too many for one page: choose fewer, or run manage.py prodlogs"
            self.message_user(request, text, messages.ERROR)
            return None
        if off := [host.name for host in hosts if not host.enabled]:
            self.message_user(
                request, f"Skipped, because they are not enabled: {', '.join(off)}", messages.WARNING
            )
        enabled = [host for host in hosts if host.enabled]
        return act(request, enabled) if enabled else None

    def _collect(self, request: HttpRequest, hosts: list[DockerHost]) -> HttpResponse:
        results = collect_hosts(hosts, user=request.user.get_username(), via="admin")
        found = [(host.pk, result) for host, result in zip(hosts, results, strict=True)]
        return self.page(request, "admin/prodlogs/collected.html", "Collected", {"results": found})

    def _check(self, request: HttpRequest, hosts: list[DockerHost]) -> HttpResponse:
        states = asked_health(hosts, user=request.user.get_username(), via="admin")
        found = [(host.pk, state) for host, state in zip(hosts, states, strict=True)]
        return self.page(request, "admin/prodlogs/health.html", "Health", {"states": found})
