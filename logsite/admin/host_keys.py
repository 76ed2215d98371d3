"""The host keys of rows that are known by their key: what is accepted, what was offered, the page that accepts it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.html import format_html

from logsite.admin.columns import badge, page_url, shown_time
from logsite.admin.filters import choice_filter
from logsite.admin.strict import StrictModelAdmin
from logsite.ssh.host_keys import HostKeyProblem, PinnedHost, shown_fingerprint

# Whether a key is accepted, and whether one is offered: the state, and its badge.
STATES = {
    (False, False): ("none yet", "plain"),
    (False, True): ("to be accepted", "busy"),
    (True, True): ("changed", "bad"),
    (True, False): ("accepted", "ok"),
}


def _is_filled(column: str, filled: bool) -> Q:
    return ~Q(**{column: ""}) if filled else Q(**{column: ""})


HostKeyFilter = choice_filter(
    "host_key",
    "host key",
    {
        state: (state, _is_filled("host_key", accepted) & _is_filled("offered_host_key", offered))
        for (accepted, offered), (state, _) in STATES.items()
    },
)


class HostKeyPages(StrictModelAdmin):
    """Adds a column, a field, and the page that accepts a key to the admin of a PinnedHost."""

    def accept_key(self, request: HttpRequest, host: Any, fingerprint: str) -> None:
        """Accept the key that `host` offered, on record. Raises HostKeyProblem."""
        raise NotImplementedError

    def accepted_by(self, host: Any) -> tuple[str, str]:
        """The time at which the key was accepted, and the user who accepted it; empty if the row stores neither."""
        return "", ""

    def may_accept(self, request: HttpRequest) -> bool:
        """Whether the user may accept host keys."""
        permission = f"{self.opts.app_label}.accept_host_key"
        return bool(request.user.has_perm(permission)) and self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.accept_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_accept"
        return [path("<int:host_id>/accept-host-key/", page, name=name), *super().get_urls()]

    def accept_view(self, request: HttpRequest, host_id: int) -> HttpResponse:
        """GET: both fingerprints. POST: the key with the fingerprint that was looked at is accepted."""
        if not self.may_accept(request):
            raise PermissionDenied
        host: PinnedHost = get_object_or_404(self.model._base_manager, pk=min(host_id, 2**63 - 1))
        name, label = str(host), f"{self.opts.app_label}_{self.opts.model_name}"
        back = HttpResponseRedirect(page_url(f"{label}_change", host.pk))
        if request.method == "POST":
            try:
                self.accept_key(request, host, request.POST.get("fingerprint", ""))
            except HostKeyProblem as error:
                self.message_user(request, f"The key of {name} was not accepted: {error}.", messages.ERROR)
            else:
                self.message_user(request, f"The key of {name} is accepted.", messages.SUCCESS)
            return back
        if not host.offered_host_key:
            text = f"{name} has not offered a key that is still to be accepted."
            self.message_user(request, text, messages.INFO)
            return back
        accepted, offered = (shown_fingerprint(text) for text in (host.host_key, host.offered_host_key))
        context = {"accepted": accepted, "offered": offered, "host": host}
        template = f"admin/{self.opts.app_label}/accept_host_key.html"
        return self.page(request, template, f"Accept the host key of {name}", context)

    @admin.display(description="host key")
    def host_key_state(self, obj: Any) -> str:
        return badge(*STATES[bool(obj.host_key), bool(obj.offered_host_key)])

    @admin.display(description="host key")
    def host_keys(self, obj: Any) -> str:
        if not obj.pk:
            return "none yet"
        offered = ""
        if obj.offered_host_key:
            offered = format_html(
                "<div><dt>Offered {}</dt><dd><code>{}</code></dd></div>",
                shown_time(obj.offered_at),
                shown_fingerprint(obj.offered_host_key),
            )
        when, by = self.accepted_by(obj)
        return format_html(
            '<dl class="host-keys"><div><dt>Accepted{}</dt><dd><code>{}</code> {}</dd></div>{}</dl>',
            when and f" {when}",
            shown_fingerprint(obj.host_key) or "none yet",
            by,
            offered,
        )
