"""The admin's «Run commands…»: an action, and the page it leads to."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse

from devices.commands import (
    MOST_COMMANDS,
    RUN,
    RUN_ANY,
    may,
    record_refusals,
    refusals,
    run_on_devices,
)
from devices.models import Device
from devices.read_only import Refused, single_line
from logsite.admin import StrictModelAdmin

DEVICES_AT_ONCE = 50  # more would keep the browser waiting for minutes
LIST = "admin:devices_device_changelist"


class CommandsForm(forms.Form):
    """One command a line."""

    commands = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 6, "cols": 80, "spellcheck": "false", "autofocus": True}),
        help_text=f"One command a line, at most {MOST_COMMANDS} commands.",
    )

    def clean_commands(self) -> list[str]:
        # Not splitlines: it takes characters for a line's end that reach a device as something else.
        lines = [line.strip(" \r") for line in self.cleaned_data["commands"].split("\n")]
        commands = [line for line in lines if line]
        if len(commands) > MOST_COMMANDS:
            raise forms.ValidationError(
                f"{len(commands)} commands are too many for one session: give at most {MOST_COMMANDS}."
            )
        for number, command in enumerate(commands, 1):
            try:
                single_line(command)
            except Refused as error:
                raise forms.ValidationError(f"Command {number}: {error}.") from None
        return commands


class CommandPages(StrictModelAdmin):
    """Adds the action and its page to the admin of Device."""

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.run_commands_view)
        return [path("run-commands/", page, name="devices_device_run_commands"), *super().get_urls()]

    def has_run_permission(self, request: HttpRequest) -> bool:
        return may(request.user, RUN) or may(request.user, RUN_ANY)

    @admin.action(description="Run commands…", permissions=["run"])
    def run_commands(self, request: HttpRequest, queryset: QuerySet[Device]) -> HttpResponse | None:
        chosen = list(queryset.order_by("name").values_list("pk", flat=True))
        if len(chosen) > DEVICES_AT_ONCE:
            text = f"{len(chosen)} devices are too many for one page: choose fewer, or run manage.py run_commands"
            self.message_user(request, text, messages.ERROR)
            return None
        url = reverse("admin:devices_device_run_commands")
        return HttpResponseRedirect(f"{url}?devices={','.join(map(str, chosen))}")

    def run_commands_view(self, request: HttpRequest) -> HttpResponse:
        """GET: the form. POST: what would be refused, with `check`; the answers, with `run`."""
        if not self.has_run_permission(request) or not self.has_view_permission(request):
            raise PermissionDenied
        devices = self._chosen(request)
        if not devices:
            self.message_user(request, "Choose 1 to 50 enabled devices first.", messages.ERROR)
            return HttpResponseRedirect(reverse(LIST))
        form = CommandsForm(request.POST or None)
        context: dict[str, Any] = {
            "form": form,
            "devices": devices,
            "any_command": may(request.user, RUN_ANY),
        }
        if request.method == "POST" and form.is_valid():
            context |= self._outcome(request, devices, form.cleaned_data["commands"])
        return self.page(request, "admin/devices/run_commands.html", "Run commands", context)

    def _chosen(self, request: HttpRequest) -> list[Device]:
        """The enabled ones of the devices named by id; none when there are too many."""
        ids = [
            text for text in request.GET.get("devices", "").split(",") if text.isdecimal() and len(text) < 19
        ]
        rows = self.get_queryset(request).filter(pk__in=ids, enabled=True)
        found = list(rows.order_by("name").prefetch_related("tags"))
        return found if len(found) <= DEVICES_AT_ONCE else []

    def _outcome(self, request: HttpRequest, devices: list[Device], commands: list[str]) -> dict[str, Any]:
        """With `run`, the runs in the order of the devices' names; else what would be refused."""
        any_command = may(request.user, RUN_ANY)
        refused = refusals(devices, commands, any_command=any_command)
        if "run" not in request.POST:
            count = len(devices) * len(commands)
            return {"checked": True, "refused": refused, "sendable": count - len(refused)}
        user: Any = request.user
        record_refusals(refused, user)
        runs = run_on_devices(
            devices, commands, user, any_command=any_command, workers=settings.COLLECT_WORKERS
        )
        return {"runs": sorted(runs, key=lambda run: run.device.name)}
