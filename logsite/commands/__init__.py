"""The base of all commands, and how they stop."""

from logsite.commands.base import SiteCommand

__all__ = ["SiteCommand"]
