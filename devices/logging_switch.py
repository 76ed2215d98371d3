"""Whether what is done on a device is recorded: the device's own word, else its platform's, else yes."""

from django.db.models import OuterRef, QuerySet, Subquery

from devices.models import Device, PlatformLogging, SessionLogging

BY_DEVICE, BY_PLATFORM, BY_DEFAULT = "set for the device", "set for the platform", "the default"


def with_switch(devices: QuerySet[Device]) -> QuerySet[Device]:
    """`devices` with `platform_records`: what their platform says, or None; one query for a whole list."""
    rows = PlatformLogging.objects.filter(platform=OuterRef("platform")).values("record")[:1]
    return devices.annotate(platform_records=Subquery(rows))


def switch(device: Device) -> tuple[bool, str]:
    """Whether sessions with `device` are recorded, and who says so."""
    if device.session_logging != SessionLogging.DEFAULT:
        return device.session_logging == SessionLogging.ON, BY_DEVICE
    if hasattr(device, "platform_records"):
        record = device.platform_records
    else:
        rows = PlatformLogging.objects.filter(platform=device.platform)
        record = rows.values_list("record", flat=True).first()
    return (True, BY_DEFAULT) if record is None else (bool(record), BY_PLATFORM)


def is_recorded(device: Device) -> bool:
    """Whether sessions with `device` are recorded."""
    return switch(device)[0]
