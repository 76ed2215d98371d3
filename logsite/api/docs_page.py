"""GET /api/docs/: Swagger UI over the OpenAPI schema, from files of this site alone."""

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.request import Request
from rest_framework.response import Response


class ApiDocsView(SpectacularSwaggerView):
    """The library's page has an inline style and script, and takes Cross-Origin-Opener-Policy away; ours has not."""

    template_name = "api_docs.html"

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        context = {"schema_url": self._get_schema_url(request), "csrf_header": self._get_csrf_header_name()}
        return Response(context, template_name=self.template_name)
