"""Ingest tokens, whose text is shown once, and what was rejected."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from logsite.admin import LogModelAdmin, StrictModelAdmin, badge, beginning, text_filter, time_range_filter
from logsite.intake.models import IngestToken, RejectedInput
from logsite.intake.tokens import revoke, set_new_text

LIMITS = ("entries_per_second", "bytes_per_second")
SEEN = ("beginning", "created_at", "created_by", "last_used_at", "revoked_at", "rejected")


@admin.register(IngestToken)
class IngestTokenAdmin(StrictModelAdmin):
    """A token is made here, and its text shown on the page behind the form: nobody can show it again."""

    list_display = ("name", "state", "beginning", "app", "host", *LIMITS, "last_used_at", "rejected")
    list_filter = (text_filter("app", "app"), text_filter("host", "host"))
    search_fields = ("name", "app", "host", "beginning")
    search_help_text = "Name, app, host, or how the token begins"
    actions = ("revoke_tokens",)
    show_facets = admin.ShowFacets.NEVER

    def get_fields(self, request: HttpRequest, obj: IngestToken | None = None) -> Any:
        return ("name", "app", "host", *LIMITS, *(SEEN if obj else ()))

    def get_readonly_fields(self, request: HttpRequest, obj: IngestToken | None = None) -> Any:
        return ("app", "host", *SEEN) if obj else ()

    @admin.display(description="state")
    def state(self, obj: IngestToken) -> str:
        return badge("revoked", "bad") if obj.revoked_at else badge("valid", "ok")

    def save_model(self, request: HttpRequest, obj: IngestToken, form: Any, change: bool) -> None:
        if not change:
            obj.created_by = request.user.get_username()
            request.new_token_text = set_new_text(obj)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        text = request.new_token_text  # type: ignore[attr-defined]
        context = {"token": obj, "text": text}
        return self.page(request, "admin/intake/new_token.html", f"The ingest token {obj.name}", context)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[IngestToken]) -> None:
        tokens = list(queryset.filter(revoked_at=None))
        for token in tokens:
            revoke(token)
        self.message_user(request, f"Revoked: {len(tokens)}.", messages.SUCCESS)


@admin.register(RejectedInput)
class RejectedInputAdmin(LogModelAdmin):
    """The last thousand entries and bodies that were refused."""

    keyset = ("-rejected_at", "-id")
    list_display = (
        "rejected_at",
        "token_name",
        "protocol",
        "address",
        "index",
        "field",
        "short_reason",
        "size",
    )
    list_filter = (
        time_range_filter("rejected_at"),
        text_filter("token_name", "token"),
        text_filter("protocol", "protocol"),
        text_filter("reason", "reason", "icontains"),
    )
    short_reason = beginning("reason", "reason", 200)
