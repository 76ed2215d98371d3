"""Inventory: devices, the credentials to reach them, and what was collected from them."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from devices.platforms import platform_choices
from logsite.encryption.fields import EncryptedTextField, filled_columns
from logsite.ssh.host_keys import PinnedHost, PinnedHostQuerySet, address_validator
from logsite.tables.names import NameField
from logsite.text.terminal import one_line
from sessionlogs.models import ErrorKind


class AgentType(models.TextChoices):
    """The kind of system, as the label `agent_type` of shipped entries."""

    NETWORK = "network"
    DATABASE = "database"
    SECURITY = "security"
    GENERAL = "general"


SECRETS = ("password", "enable_secret", "ssh_key", "ssh_key_passphrase")


class CredentialManager(models.Manager["Credential"]):
    """Secrets are read, and decrypted, only by whom asks for them: a lost key must not break every list."""

    def get_queryset(self) -> models.QuerySet["Credential"]:
        return super().get_queryset().defer(*SECRETS)


class Credential(models.Model):
    """How to log in. Everything but name and username is encrypted and never shown again."""

    name = NameField(max_length=100, unique=True)
    username = NameField(max_length=100)
    password = EncryptedTextField(blank=True)
    enable_secret = EncryptedTextField(blank=True)
    ssh_key = EncryptedTextField("SSH private key", blank=True)
    ssh_key_passphrase = EncryptedTextField("SSH key passphrase", blank=True)

    objects = CredentialManager()

    class Meta:
        ordering = ["name"]
        base_manager_name = "objects"
        permissions = [
            (
                "use_credential",
                "Can choose where stored credentials are sent: assign them, move their devices",
            )
        ]

    def __str__(self) -> str:
        return one_line(self.name)

    def stored(self) -> list[str]:
        """The columns that hold a secret, found without decrypting any."""
        return filled_columns(self, SECRETS)


class Tag(models.Model):
    name = models.SlugField(max_length=50, unique=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Outcome(models.TextChoices):
    """How the last collection ended."""

    NEVER = "never", "never collected"
    SUCCESS = "success"
    FAILED = "failed"


class SessionLogging(models.TextChoices):
    """Whether the sessions of a device are recorded."""

    DEFAULT = "default", "as the platform says"
    ON = "on"
    OFF = "off"


class PlatformLogging(models.Model):
    """Whether the sessions of all devices of a platform are recorded, unless a device says otherwise."""

    platform = models.CharField(max_length=64, choices=platform_choices, unique=True)
    record = models.BooleanField("record sessions", default=True)

    class Meta:
        ordering = ["platform"]
        verbose_name_plural = "platform logging"

    def __str__(self) -> str:
        return f"{self.platform}: {'on' if self.record else 'off'}"


class DeviceManager(models.Manager["Device"]):
    """Host keys are read by those who ask for them: who saves a device they loaded earlier must not undo a pin."""

    def get_queryset(self) -> PinnedHostQuerySet["Device"]:
        return PinnedHostQuerySet(self.model, using=self._db).defer(*Device.no_key)


class Device(PinnedHost):
    """A device that can be reached over SSH. `platform` is Netmiko's name of its operating system."""

    no_key = {**PinnedHost.no_key, "host_key_at": None, "host_key_by": ""}

    name = NameField(max_length=255, unique=True)
    host = models.CharField(
        max_length=255, validators=[address_validator], help_text="DNS name or IP address."
    )
    platform = models.CharField(max_length=64, choices=platform_choices)
    agent_type = models.CharField(max_length=16, choices=AgentType, default=AgentType.NETWORK)
    credential = models.ForeignKey(
        Credential, on_delete=models.PROTECT, null=True, blank=True, related_name="devices"
    )
    tags = models.ManyToManyField(Tag, blank=True, related_name="devices")
    enabled = models.BooleanField(
        default=True, help_text="Devices that are not enabled are never connected to."
    )
    session_logging = models.CharField(
        max_length=8,
        choices=SessionLogging,
        default=SessionLogging.DEFAULT,
        help_text="Whether sessions with the device are recorded.",
    )

    outcome = models.CharField(max_length=16, choices=Outcome, default=Outcome.NEVER, editable=False)
    error_kind = models.CharField(max_length=16, choices=ErrorKind, blank=True, editable=False)
    error_message = models.TextField(blank=True, editable=False)
    collected_at = models.DateTimeField(
        null=True, editable=False, help_text="The last collection that succeeded."
    )
    attempted_at = models.DateTimeField(null=True, editable=False)
    claimed_until = models.DateTimeField(
        null=True,
        editable=False,
        help_text="A running collection has claimed the device until this time.",
    )
    claimed_by = models.UUIDField(null=True, editable=False, help_text="The process that has the claim.")
    queued_at = models.DateTimeField(
        null=True, editable=False, help_text="Queued for a Celery worker since this time."
    )
    queued_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    host_key_at = models.DateTimeField(
        null=True, editable=False, help_text="When the accepted host key was pinned or accepted."
    )
    host_key_by = models.CharField(
        max_length=255,
        blank=True,
        editable=False,
        help_text="How the key was accepted, and by which user or process.",
    )

    objects = DeviceManager()

    class Meta:
        ordering = ["name"]
        permissions = [
            ("accept_host_key", "Can accept a device's host key"),
            ("run_commands", "Can run read-only commands on devices"),
            ("run_any_command", "Can run any command on devices"),
        ]

    def __str__(self) -> str:
        return one_line(self.name)


class CollectionRun(models.Model):
    """A run of collect_interfaces over many devices; one that has no end was interrupted, or still runs."""

    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started_at", "-id"]

    def __str__(self) -> str:
        return f"run of {self.started_at:%Y-%m-%d %H:%M:%S}"


class State(models.TextChoices):
    """Operational state of an interface."""

    UP = "up"
    DOWN = "down"
    UNKNOWN = "unknown"


class Interface(models.Model):
    """An interface as the device described it at `collected_at`."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="interfaces")
    name = models.CharField(max_length=128)
    enabled = models.BooleanField(null=True, help_text="The administrative state, if the device shows it.")
    state = models.CharField(max_length=16, choices=State, default=State.UNKNOWN)
    description = models.CharField(max_length=512, blank=True)
    mac_address = models.CharField("MAC address", max_length=17, blank=True)
    mtu = models.PositiveIntegerField("MTU", null=True, blank=True)
    speed = models.CharField(max_length=64, blank=True)
    vlan = models.CharField("VLAN", max_length=32, blank=True)
    zone = models.CharField(max_length=128, blank=True)
    vsys = models.CharField(max_length=64, blank=True)
    vrf = models.CharField("VRF", max_length=128, blank=True)
    position = models.PositiveIntegerField(default=0, help_text="The device's own order.")
    collected_at = models.DateTimeField()

    class Meta:
        ordering = ["device__name", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["device", "name"], name="interface_once_a_device")]

    def __str__(self) -> str:
        return f"{self.device} {self.name}"


class InterfaceAddress(models.Model):
    """An address with its prefix length; `position` 0 is the primary one of its family."""

    interface = models.ForeignKey(Interface, on_delete=models.CASCADE, related_name="addresses")
    address = models.GenericIPAddressField()
    prefix_length = models.PositiveSmallIntegerField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        verbose_name_plural = "interface addresses"
        indexes = [models.Index(fields=["address"], name="interface_address")]
        constraints = [
            models.UniqueConstraint(fields=["interface", "address"], name="address_once_an_interface")
        ]

    def __str__(self) -> str:
        return self.address if self.prefix_length is None else f"{self.address}/{self.prefix_length}"

    def clean(self) -> None:
        if self.prefix_length is not None and self.prefix_length > (128 if ":" in self.address else 32):
            raise ValidationError({"prefix_length": "longer than the address"})


class Response(models.Model):
    """A device's answer to one command of a collection, redacted, and what came of parsing it.

    The answers of one collection share `collected_at`. `template_version` is ntc-templates' or, of a template
    of ours, the head of its content's hash.
    """

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="responses")
    position = models.PositiveSmallIntegerField(default=0, help_text="In the order in which they were sent.")
    command = models.CharField(max_length=255)
    raw = models.TextField(blank=True)
    template = models.CharField(max_length=128, blank=True)
    template_version = models.CharField(max_length=64, blank=True)
    rows = models.PositiveIntegerField(default=0, help_text="The rows that the template found.")
    error = models.TextField(blank=True, help_text="Why the response could not be parsed.")
    session_id = models.UUIDField(null=True, blank=True, help_text="The session that recorded the response.")
    collected_at = models.DateTimeField()

    class Meta:
        verbose_name = "stored response"
        ordering = ["device__name", "-collected_at", "position"]
        indexes = [
            models.Index(fields=["device", "-collected_at"], name="response_newest"),
            models.Index(fields=["-collected_at", "-id"], name="response_of_all_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.device} {self.command}"
