"""What devices answered, kept beside what was made of it, so that it can be parsed again without connecting."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from devices.collecting.one_device import column_value, store_interfaces
from devices.errors import ParseFailed
from devices.interfaces.normalised import FACTS, InterfaceData
from devices.interfaces.parsing import Answer, interfaces_of
from devices.models import Device, Interface, Response
from devices.platforms import InterfaceCommand, UnknownPlatform, get_platform
from sessionlogs.audit import What, note


@dataclass
class Change:
    """What parsing again made of a device's stored answers; empty texts where there is nothing to say."""

    device: Device
    interfaces: int = 0
    addresses: int = 0
    changes: tuple[str, ...] = ()
    error: str = ""
    nothing_stored: bool = False


def reparse_device(device: Device, *, dry_run: bool = False) -> Change:
    """Parse the newest stored answers of `device` again and store what comes of it, or leave all as it was."""
    with transaction.atomic():
        device = Device.objects.select_for_update().get(pk=device.pk)
        if device.claimed_until and device.claimed_until > timezone.now():
            return Change(device, error="a collection of this device is running; nothing was changed")
        responses = _newest(device)
        if not responses:
            return Change(device, nothing_stored=True)
        try:
            interfaces = _parsed(device, responses, dry_run=dry_run)
        except (ParseFailed, UnknownPlatform) as error:
            return Change(device, error=str(error))
        changes = tuple(_changes(device, interfaces))
        if not dry_run:
            store_interfaces(device, interfaces, responses[0].collected_at)
        return Change(device, len(interfaces), sum(len(data.addresses) for data in interfaces), changes)


def note_stored(request: Any, stored: Response, **options: Any) -> None:
    """`request` shows the raw text of `stored`."""
    count = int(bool(stored.raw))
    note(request, What.STORED, count, session_id=stored.session_id, stored_id=stored.pk, **options)


def _newest(device: Device) -> list[Response]:
    """The answers of the newest collection in which the device answered every command."""
    times = device.responses.order_by("-collected_at").values("collected_at")[:1]
    return list(device.responses.filter(collected_at__in=times))


def _parsed(device: Device, responses: list[Response], *, dry_run: bool) -> list[InterfaceData]:
    """The interfaces in stored answers; what was found of each is stored with it, also where it failed."""
    platform = get_platform(device.platform)
    commands = {command.command: command for command in platform.interface_commands}
    answers = [
        Answer(commands.get(kept.command, InterfaceCommand(kept.command, optional=True)), kept.raw)
        for kept in responses
    ]
    try:
        return interfaces_of(platform, answers)
    finally:
        if not dry_run:
            for kept, answer in zip(responses, answers, strict=True):
                kept.template, kept.template_version = answer.template, answer.template_version
                kept.rows, kept.error = answer.rows, answer.error
            Response.objects.bulk_update(responses, ["template", "template_version", "rows", "error"])


def _changes(device: Device, interfaces: list[InterfaceData]) -> Iterator[str]:
    """What differs from the stored interfaces, a text each, such as `eth0: mtu 1500 → 9000`."""
    stored = {row.name: row for row in device.interfaces.prefetch_related("addresses")}
    for data in interfaces:
        row = stored.pop(data.name, None)
        if row is None:
            yield f"{data.name}: new"
            continue
        facts = [fact for column in FACTS if (fact := _change(row, data, column))]
        before = " ".join(str(address) for address in row.addresses.all())
        after = " ".join(str(address) for address in data.addresses)
        if before != after:
            facts.append(f"addresses {before or 'none'} → {after or 'none'}")
        if facts:
            yield f"{data.name}: {', '.join(facts)}"
    yield from (f"{name}: gone" for name in stored)


def _change(row: Interface, data: InterfaceData, column: str) -> str:
    before, after = getattr(row, column), column_value(data, column)
    return "" if before == after else f"{column} {before or 'none'} → {after or 'none'}"
