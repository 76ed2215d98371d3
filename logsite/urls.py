"""All addresses of the site."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView

from logsite.api.docs_page import ApiDocsView
from logsite.api.metrics import MetricsView
from logsite.api.tokens import LoginView, LogoutAllView, LogoutView
from logsite.health import healthz, readyz

admin.autodiscover()  # here and not at start-up: see LogSiteAdminConfig

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("favicon.ico", RedirectView.as_view(url="/static/logsite/icon.svg")),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", ApiDocsView.as_view(), name="docs"),
    path("api/v2/auth/login/", LoginView.as_view(), name="token-login"),
    path("api/v2/auth/logout/", LogoutView.as_view(), name="token-logout"),
    path("api/v2/auth/logout-all/", LogoutAllView.as_view(), name="token-logout-all"),
    path("api/v2/", include("logsite.audit.api.urls")),
    path("api/v2/", include("logsite.intake.api.urls")),
    path("api/v2/", include("devices.api.urls")),
    path("api/v2/", include("sessionlogs.api.urls")),
    path("api/v2/prodlogs/", include("prodlogs.api.urls")),
    path("api/v2/", include("applogs.api.urls")),
    path("api/v2/logs/", include("console.api.urls")),
    path("api/v2/", include("console.export.urls")),
    path("api/", include("shipping.api.urls")),
]

handler400 = "logsite.web.error_pages.bad_request"
handler403 = "logsite.web.error_pages.permission_denied"
handler404 = "logsite.web.error_pages.not_found"
handler500 = "logsite.web.error_pages.server_error"
