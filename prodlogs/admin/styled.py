"""How the admin pages of container logs look, and who may change what: nobody."""

from typing import Any

from django.http import HttpRequest

from logsite.admin import StrictModelAdmin


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
