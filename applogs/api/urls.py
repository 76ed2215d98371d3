"""Where applications send entries."""

from django.urls import path

from applogs.ingest.http import ingest

urlpatterns = [path("logs/ingest", ingest, name="ingest")]
