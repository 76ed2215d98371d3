"""What can be done with Docker hosts in the admin: collecting now, asking for their health, accepting a key."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from logsite.ssh.host_keys import shown_fingerprint
from prodlogs.errors import HostError
from prodlogs.health.states import asked_health
from prodlogs.hosts.accepting import accept_host_key
from prodlogs.models import DockerHost
from prodlogs.reading.host_reading import collect_hosts

AT_ONCE = 50  # more would keep the browser waiting for minutes
COLLECT, ACCEPT = "prodlogs.collect_logs", "prodlogs.accept_host_key"


class HostPages(admin.ModelAdmin):
    """Adds actions and their pages to the admin of DockerHost."""

    actions: Sequence[str] = ("collect_now", "check_health")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:host_id>/collect/", view(self.collect_view), name="prodlogs_dockerhost_collect"),
            path("<int:host_id>/check-health/", view(self.health_view), name="prodlogs_dockerhost_health"),
            path("<int:host_id>/accept-host-key/", view(self.accept_view), name="prodlogs_dockerhost_accept"),
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

    def accept_view(self, request: HttpRequest, host_id: int) -> HttpResponse:
        """GET: both fingerprints. POST: the key with the fingerprint that was looked at is accepted."""
        host = self._host(request, host_id, ACCEPT)
        back = HttpResponseRedirect(reverse("admin:prodlogs_dockerhost_change", args=[host.pk]))
        if request.method == "POST":
            try:
                accept_host_key(host, request.POST.get("fingerprint", ""), request.user, via="admin")
            except HostError as error:
                self.message_user(request, f"The key was not accepted: {error}.", messages.ERROR)
            else:
                self.message_user(request, f"The key of {host.name} is accepted.", messages.SUCCESS)
            return back
        if not host.offered_host_key:
            self.message_user(
                request,
                f"The host {host.name} has not offered a key that is still to be accepted.",
                messages.INFO,
            )
            return back
        accepted, offered = (shown_fingerprint(text) for text in (host.host_key, host.offered_host_key))
        context = {"accepted": accepted, "offered": offered, "host": host}
        return self._page(request, "accept_host_key", f"Accept the host key of {host.name}", context)

    def _of_one(
        self, request: HttpRequest, host_id: int, act: Callable[[HttpRequest, list[DockerHost]], HttpResponse]
    ) -> HttpResponse:
        host = self._host(request, host_id, COLLECT)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not host.enabled:
            self.message_user(request, f"The host {host.name} is not enabled.", messages.ERROR)
            return HttpResponseRedirect(reverse("admin:prodlogs_dockerhost_change", args=[host.pk]))
        return act(request, [host])

    def _host(self, request: HttpRequest, host_id: int, permission: str) -> DockerHost:
        if not (request.user.has_perm(permission) and self.has_view_permission(request)):
            raise PermissionDenied
        return get_object_or_404(DockerHost, pk=min(host_id, 2**63 - 1))

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
        return self._page(request, "collected", "Collected", {"results": found})

    def _check(self, request: HttpRequest, hosts: list[DockerHost]) -> HttpResponse:
        states = asked_health(hosts, user=request.user.get_username(), via="admin")
        found = [(host.pk, state) for host, state in zip(hosts, states, strict=True)]
        return self._page(request, "health", "Health", {"states": found})

    def _page(self, request: HttpRequest, name: str, title: str, context: dict[str, Any]) -> HttpResponse:
        common = {**self.admin_site.each_context(request), "title": title, "opts": self.opts}
        return TemplateResponse(request, f"admin/prodlogs/{name}.html", common | context)
