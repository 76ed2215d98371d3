"""The admin pages of sessions. The module registers its own."""

from sessionlogs.admin import sessions

__all__ = ["sessions"]
