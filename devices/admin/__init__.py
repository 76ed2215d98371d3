"""The admin pages of the inventory and of what devices answered. Each module registers its own."""

from devices.admin import interfaces, inventory, responses

__all__ = ["interfaces", "inventory", "responses"]
