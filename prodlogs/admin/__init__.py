"""The admin pages of container logs. Each module registers its own."""

from prodlogs.admin import containers, entries, hosts

__all__ = ["containers", "entries", "hosts"]
