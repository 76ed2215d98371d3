"""Inventory over the API. Credentials are not part of it."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from devices.commands import MOST_COMMANDS
from devices.credential_use import USE, refused_changes
from devices.interfaces.normalised import FACTS
from devices.logging_switch import is_recorded
from devices.models import Credential, Device, Interface, InterfaceAddress, Response, Tag
from devices.read_only import LONGEST, Refused, single_line
from logsite.api.host_keys import PinnedHostSerializer
from sessionlogs.audit import may_see


class DeviceSerializer(PinnedHostSerializer):
    """A device; `credential` is the name of a stored credential, whose secrets no call gives back."""

    credential = serializers.SlugRelatedField(
        slug_field="name", queryset=Credential.objects.all(), allow_null=True, required=False
    )
    tags = serializers.SlugRelatedField(
        slug_field="name", queryset=Tag.objects.all(), many=True, required=False
    )
    recorded = serializers.SerializerMethodField(
        help_text="Whether sessions are recorded: as session_logging says, or else the platform."
    )

    class Meta:
        model = Device
        read_only_fields = (
            "outcome",
            "error_kind",
            "error_message",
            "collected_at",
            "attempted_at",
            "host_key_at",
            "host_key_by",
            "offered_at",
        )
        fields = (
            "id",
            "name",
            "host",
            "port",
            "platform",
            "agent_type",
            "credential",
            "tags",
            "enabled",
            "session_logging",
            "recorded",
            "host_key_fingerprint",
            "offered_host_key_fingerprint",
            *read_only_fields,
        )

    def get_recorded(self, device: Device) -> bool:
        return is_recorded(device)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if refused := refused_changes(self.instance, attrs, self.context["request"].user):
            reason = f"your account lacks the permission {USE}: it may not choose where a credential is sent"
            raise PermissionDenied({name: [reason] for name in refused})
        return attrs


class AcceptHostKeySerializer(serializers.Serializer[object]):
    """The fingerprint of the key that somebody looked at, as `ssh-keygen -l` prints it."""

    fingerprint = serializers.CharField(max_length=100)


class AddressSerializer(serializers.ModelSerializer[InterfaceAddress]):
    class Meta:
        model = InterfaceAddress
        fields = ("address", "prefix_length")


class InterfaceSerializer(serializers.ModelSerializer[Interface]):
    """An interface; `addresses` are primary first, `addresses_text` the same as `192.0.2.1/24`."""

    device: Any = serializers.SlugRelatedField(slug_field="name", read_only=True)
    addresses = AddressSerializer(many=True, read_only=True)
    addresses_text = serializers.SerializerMethodField()

    class Meta:
        model = Interface
        fields = (
            "id",
            "device",
            "name",
            *FACTS,
            "addresses",
            "addresses_text",
            "collected_at",
        )

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_addresses_text(self, interface: Interface) -> list[str]:
        return [str(address) for address in interface.addresses.all()]


class ResponseSerializer(serializers.ModelSerializer[Response]):
    """A stored answer without its text. `rows` is how many the template found, `error` why it could not be read;
    the answers of one collection share `collected_at`."""

    device: Any = serializers.SlugRelatedField(slug_field="name", read_only=True)

    class Meta:
        model = Response
        fields = (
            "id",
            "device",
            "position",
            "command",
            "template",
            "template_version",
            "rows",
            "error",
            "session_id",
            "collected_at",
        )
        read_only_fields = fields


class ResponseDetailSerializer(ResponseSerializer):
    """A stored answer with its text, redacted. Without the permission `sessionlogs.view_responses` it is left
    out: `raw` is empty and `raw_withheld` true."""

    raw = serializers.SerializerMethodField()
    raw_withheld = serializers.SerializerMethodField()

    class Meta(ResponseSerializer.Meta):
        fields = (*ResponseSerializer.Meta.fields, "raw", "raw_withheld")  # type: ignore[assignment]

    def get_raw(self, stored: Response) -> str:
        return stored.raw if self._visible() else ""

    def get_raw_withheld(self, stored: Response) -> bool:
        return not self._visible() and bool(stored.raw)

    def _visible(self) -> bool:
        return may_see(self.context["request"].user)


class Status(serializers.ChoiceField):
    """`success` or `failed`: whether something is `ok`."""

    def __init__(self) -> None:
        super().__init__(choices=["success", "failed"], source="ok", read_only=True)

    def to_representation(self, value: Any) -> str:
        return "success" if value else "failed"


class ResultSerializer(serializers.Serializer[object]):
    """How a collection ended. `interfaces` are those stored by a collection that succeeded; it is left out for a
    user who lacks devices.view_interface."""

    device = serializers.CharField(source="device.name")
    status = Status()
    interfaces = serializers.SerializerMethodField()
    interface_count = serializers.IntegerField(source="interfaces")
    address_count = serializers.IntegerField(source="addresses")
    session_id = serializers.UUIDField(allow_null=True)
    error_kind = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
    seconds = serializers.FloatField()

    @extend_schema_field(InterfaceSerializer(many=True))
    def get_interfaces(self, result: Any) -> list[dict[str, Any]]:
        if not result.ok:
            return []
        stored = result.device.interfaces.select_related("device").prefetch_related("addresses")
        return list(InterfaceSerializer(stored, many=True).data)

    def to_representation(self, instance: object) -> dict[str, Any]:
        found: dict[str, Any] = super().to_representation(instance)
        if not self.context["request"].user.has_perm("devices.view_interface"):
            del found["interfaces"]
        return found


def _one_line(command: str) -> None:
    try:
        single_line(command)
    except Refused as error:
        raise serializers.ValidationError(str(error)) from None


class CommandsSerializer(serializers.Serializer[object]):
    """The commands of one session, in their order."""

    commands = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST, validators=[_one_line]),
        min_length=1,
        max_length=MOST_COMMANDS,
    )


class AnswerSerializer(serializers.Serializer[object]):
    """What came of one command, redacted. A network device gives no exit code and no stderr of its own."""

    command = serializers.CharField()
    status = Status()
    exit_code = serializers.IntegerField(allow_null=True)
    stdout = serializers.CharField(allow_blank=True)
    stderr = serializers.CharField(allow_blank=True)
    error = serializers.CharField(allow_blank=True)
    error_kind = serializers.CharField(allow_blank=True)
    seconds = serializers.FloatField()


class RunSerializer(serializers.Serializer[object]):
    """One device's session; `error` says why there was none."""

    device = serializers.CharField(source="device.name")
    status = Status()
    session_id = serializers.UUIDField(allow_null=True)
    error = serializers.CharField(allow_blank=True)
    error_kind = serializers.CharField(allow_blank=True)
    seconds = serializers.FloatField()
    answers = AnswerSerializer(many=True)


class RefusalSerializer(serializers.Serializer[object]):
    """Nothing was sent: `refused` names the commands that ask for devices.run_any_command, and why."""

    detail = serializers.CharField()
    refused = serializers.DictField(child=serializers.CharField())
