"""The address of exports; below /api/v2/logs/."""

from django.urls import path

from console.export.views import ExportView

urlpatterns = [path("export", ExportView.as_view(), name="log-export")]
