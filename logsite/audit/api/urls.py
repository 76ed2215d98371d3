"""Routes below /api/v2/."""

from django.urls import path

from logsite.audit.api.views import AuditEntryList

urlpatterns = [path("audit/", AuditEntryList.as_view({"get": "list"}), name="audit")]
