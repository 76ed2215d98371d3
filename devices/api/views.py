"""/api/v2/devices/ and /api/v2/interfaces/."""

import django_filters
from django import forms
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from devices.api.serializers import (
    AcceptHostKeySerializer,
    CommandsSerializer,
    DeviceSerializer,
    InterfaceSerializer,
    RefusalSerializer,
    ResultSerializer,
    RunSerializer,
)
from devices.collecting.one_device import collect_device
from devices.commands import RUN, RUN_ANY, may, record_refusals, refusals, run_on_device
from devices.connectors.host_keys import Actor, accept
from devices.logging_switch import with_switch
from devices.models import Device, Interface
from logsite.api.filters import TrueOrFalse
from logsite.api.permissions import holding
from logsite.ssh.host_keys import HostKeyProblem

# A collection logs in to the device and changes its record. Accepting a key decides which machine is the device.
CanCollect = holding("devices.change_device")
CanAccept = holding("devices.view_device", "devices.accept_host_key")


class CanRun(BasePermission):
    """Which commands they may run is asked for each of them."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return may(request.user, RUN) or may(request.user, RUN_ANY)


class AddressFilter(django_filters.Filter):
    """An IPv4 or IPv6 address; PostgreSQL fails on anything else."""

    field_class = forms.GenericIPAddressField


class DeviceFilter(django_filters.FilterSet):
    tag = django_filters.CharFilter(field_name="tags__name", distinct=True)
    enabled = TrueOrFalse()

    class Meta:
        model = Device
        fields = ("name", "host", "platform", "agent_type", "outcome", "enabled", "session_logging")


class DeviceViewSet(viewsets.ModelViewSet[Device]):
    """The inventory. Lists are in the order of their names."""

    # The credential is not joined: its secrets stay unread.
    queryset = with_switch(Device.objects.prefetch_related("credential", "tags"))
    serializer_class = DeviceSerializer
    filterset_class = DeviceFilter
    keyset = ("name", "id")

    def get_queryset(self) -> QuerySet[Device]:
        """With the host keys where they are shown; a device that is saved must not bring back an old one."""
        rows = super().get_queryset()
        return rows.defer(None) if self.action in ("list", "retrieve") else rows

    @extend_schema(
        request=AcceptHostKeySerializer,
        responses={
            200: DeviceSerializer,
            409: OpenApiResponse(description="The device does not offer this key (any more)."),
        },
    )
    @action(
        detail=True,
        methods=["post"],
        url_path="accept-host-key",
        permission_classes=[CanAccept],
        filter_backends=[],
    )
    def accept_host_key(self, request: Request, pk: str | None = None) -> Response:
        """Trust the host key that the device offers, if it has the fingerprint that somebody looked at."""
        device: Device = self.get_object()
        wanted = AcceptHostKeySerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            accept(device, wanted.validated_data["fingerprint"], Actor(request.user))  # type: ignore[arg-type]
        except HostKeyProblem as error:
            return Response({"detail": f"{device.name}: {error}"}, status=status.HTTP_409_CONFLICT)
        return Response(self.get_serializer(device).data)

    @extend_schema(
        request=None,
        responses={
            200: ResultSerializer,
            409: OpenApiResponse(
                ResultSerializer, "A collection of this device is running, or the device is not enabled."
            ),
            502: OpenApiResponse(ResultSerializer, "The device could not be collected; `error` says why."),
        },
    )
    @action(detail=True, methods=["post"], permission_classes=[CanCollect], filter_backends=[])
    def collect(self, request: Request, pk: str | None = None) -> Response:
        """Log in now, read the interfaces, store them; answers when that is done."""
        device: Device = self.get_object()
        if not device.enabled:
            return Response({"detail": f"{device.name} is not enabled"}, status=status.HTTP_409_CONFLICT)
        result = collect_device(device, request.user)  # type: ignore[arg-type]
        code = status.HTTP_200_OK if result.ok else status.HTTP_502_BAD_GATEWAY
        answer = ResultSerializer(result, context={"request": request}).data
        return Response(answer, status=status.HTTP_409_CONFLICT if result.running else code)

    @extend_schema(
        request=CommandsSerializer,
        responses={
            200: OpenApiResponse(
                RunSerializer, "`status` says how the run ended; each response has a `status`, too."
            ),
            403: OpenApiResponse(RefusalSerializer, "A command is not read-only; no command was sent."),
            409: OpenApiResponse(description="The device is not enabled."),
            502: OpenApiResponse(
                RunSerializer, "The session could not be opened, or broke; `error` says why."
            ),
        },
    )
    @action(detail=True, methods=["post"], permission_classes=[CanRun], filter_backends=[])
    def run(self, request: Request, pk: str | None = None) -> Response:
        """Run commands now, in one recorded session; answers when that is done."""
        device: Device = self.get_object()
        wanted = CommandsSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        commands, any_command = wanted.validated_data["commands"], may(request.user, RUN_ANY)
        if not device.enabled:
            return Response({"detail": f"{device.name} is not enabled"}, status=status.HTTP_409_CONFLICT)
        if refused := refusals([device], commands, any_command=any_command):
            record_refusals(refused, request.user)  # type: ignore[arg-type]
            detail = {
                "detail": f"a command is not read-only: running it needs the permission {RUN_ANY}",
                "refused": {answer.command: answer.error for _, answer in refused},
            }
            return Response(detail, status=status.HTTP_403_FORBIDDEN)
        run = run_on_device(device, commands, request.user, any_command=any_command)  # type: ignore[arg-type]
        code = status.HTTP_502_BAD_GATEWAY if run.error else status.HTTP_200_OK
        return Response(RunSerializer(run).data, status=code)


class InterfaceFilter(django_filters.FilterSet):
    device = django_filters.CharFilter(field_name="device__name")
    address = AddressFilter(field_name="addresses__address", distinct=True)
    enabled = TrueOrFalse()

    class Meta:
        model = Interface
        fields = ("name", "state", "enabled", "zone", "vlan", "vsys", "vrf")


class InterfaceViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Interface]):
    """Collected interfaces with their addresses."""

    queryset = Interface.objects.select_related("device").prefetch_related("addresses")
    serializer_class = InterfaceSerializer
    filterset_class = InterfaceFilter
    keyset = ("id",)
