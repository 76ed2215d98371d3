"""Who decides where a stored credential is sent: a device's address and platform are where its credential goes."""

from collections.abc import Mapping
from typing import Any

from devices.models import Device

USE = "devices.use_credential"
WHERE = ("host", "port", "platform")


def reserved_fields(device: Device | None, user: Any) -> tuple[str, ...]:
    """The fields of `device`, or of a new one, that `user` may not change."""
    if user.has_perm(USE):
        return ()
    return ("credential", *WHERE) if device is not None and device.credential_id else ("credential",)


def refused_changes(device: Device | None, changes: Mapping[str, Any], user: Any) -> list[str]:
    """Those of `changes` (new values by field) that `user` may not make."""
    return [
        name
        for name in reserved_fields(device, user)
        if name in changes and changes[name] != (getattr(device, name) if device else None)
    ]
