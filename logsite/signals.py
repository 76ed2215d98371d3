"""What the project tells the apps, which it must not import."""

from django.dispatch import Signal

web_started = Signal()  # the web process has loaded; the database may not be there yet
