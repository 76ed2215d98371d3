"""The ASGI application: HTTP by Django, WebSockets by Channels."""

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logsite.settings")
http = get_asgi_application()

from console.stream import OriginValidator, websocket_urlpatterns  # noqa: E402
from logsite.signals import web_started  # noqa: E402
from logsite.web.bodies import SiteRequest  # noqa: E402  needs the apps loaded
from logsite.web.streaming import StreamedResponses  # noqa: E402

http.request_class = SiteRequest
application = ProtocolTypeRouter(
    {
        "http": StreamedResponses(http),
        "websocket": OriginValidator(
            AuthMiddlewareStack(URLRouter(websocket_urlpatterns)), settings.ALLOWED_HOSTS
        ),
    }
)
web_started.send(sender=None)
