"""Accept the host keys of a known_hosts file for the devices it knows."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from devices.connectors.host_keys import Actor, record, signed
from devices.models import Device
from logsite.ssh.host_keys import HostKeyProblem, fingerprint, key_text, parse_host_keys, shown_fingerprint
from logsite.ssh.known_hosts import KnownHosts, KnownKey


class Outcome(StrEnum):
    """What becomes of a device."""

    IMPORTED = "imported"
    REPLACED = "replaced"
    KNOWN = "known already"
    DIFFERENT = "different"
    REVOKED = "revoked"
    ABSENT = "not in the file"


@dataclass(frozen=True)
class Import:
    """What the file says of a device; `text` is the accepted text it leads to."""

    device: Device
    outcome: Outcome
    lines: tuple[int, ...] = ()
    text: str = ""

    @property
    def failed(self) -> bool:
        """Whether somebody has to look at it."""
        return self.outcome in (Outcome.DIFFERENT, Outcome.REVOKED)

    def __str__(self) -> str:
        where = f"line{'s' * (len(self.lines) > 1)} {', '.join(map(str, self.lines))}"
        pinned = shown_fingerprint(self.device.host_key)
        match self.outcome:
            case Outcome.ABSENT:
                return f"{self.device.name}: not in the file"
            case Outcome.REVOKED:
                return (
                    f"{self.device.name}: {where}: the file revokes the key that is accepted here, {pinned}"
                )
            case Outcome.DIFFERENT:
                return (
                    f"{self.device.name}: {where}: {fingerprint(self.text)}, but accepted here is {pinned}; "
                    "--replace accepts the file's key instead"
                )
        return f"{self.device.name}: {where}: {self.outcome}, {fingerprint(self.text)}"


def plan(known: KnownHosts, *, replace: bool = False) -> Iterator[Import]:
    """What importing the file comes to, by the devices' names. With `replace` the file is right where it differs."""
    for device in Device.objects.defer(None).order_by("name"):
        yield _import(device, known.of(device.host, device.port), replace)


def _import(device: Device, lines: list[KnownKey], replace: bool) -> Import:
    revoked = {known.key.asbytes(): known.number for known in lines if known.revoked}
    keys = {known.key.asbytes(): known for known in lines if known.key.asbytes() not in revoked}
    try:
        pinned = {key.asbytes() for key in parse_host_keys(device.host_key)}
    except HostKeyProblem:
        pinned = {b"unreadable"}
    numbers = tuple(known.number for known in keys.values())
    text = "\n".join(key_text(known.key) for known in keys.values())
    banned = sorted(revoked[blob] for blob in pinned & revoked.keys())
    if banned and not (keys and replace):
        return Import(device, Outcome.REVOKED, tuple(banned))
    if not keys:
        return Import(device, Outcome.ABSENT)
    if pinned == keys.keys():
        return Import(device, Outcome.KNOWN, numbers, text)
    if pinned <= keys.keys():
        return Import(device, Outcome.IMPORTED, numbers, text)
    return Import(device, Outcome.REPLACED if replace else Outcome.DIFFERENT, numbers, text)


def apply(found: Import, actor: Actor) -> None:
    """Accept the file's keys for the device, on record; nothing where it has changed since it was read."""
    if found.outcome not in (Outcome.IMPORTED, Outcome.REPLACED):
        return
    device, before = found.device, shown_fingerprint(found.device.host_key)
    columns = {**Device.no_key, **signed("imported", actor), "host_key": found.text}
    unchanged = {name: getattr(device, name) for name in ("host", "port", "host_key")}
    if Device.objects.filter(pk=device.pk, **unchanged).update(**columns):
        instead = f" instead of {before}" if before else ""
        record(device, actor, f"imported the host key {fingerprint(found.text)}{instead}")
