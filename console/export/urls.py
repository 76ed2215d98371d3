"""Routes below /api/v2/."""

from django.urls import path

from console.export.views import LogExport

urlpatterns = [path("logs/export", LogExport.as_view(), name="log-export")]
