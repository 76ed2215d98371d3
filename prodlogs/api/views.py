"""/api/v2/prodlogs/: hosts, containers, entries, snapshots, sent commands."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from logsite.api.entries import EntryListViewSet, EntryViewSet
from logsite.api.permissions import holding
from prodlogs.api import filters
from prodlogs.api.serializers import (
    CollectedSerializer,
    CollectSerializer,
    CommandSerializer,
    ContainerSerializer,
    DetailSerializer,
    EntrySerializer,
    FingerprintSerializer,
    HostSerializer,
    SnapshotSerializer,
)
from prodlogs.docker.grammar import Refused
from prodlogs.entries.queries import ERRORS, of_levels
from prodlogs.errors import HostError
from prodlogs.hosts.accepting import accept_host_key
from prodlogs.hosts.configured import notice_environment
from prodlogs.models import Container, ContainerLogEntry, DockerHost, LogSnapshot, RemoteCommand
from prodlogs.reading.host_reading import collect_host
from prodlogs.ssh.audit import check_names

# As in the admin, an action on a host also needs the permission to see the host. A collection logs in and stores
# entries. Accepting a key decides which machine is the host.
CanCollect = holding("prodlogs.view_dockerhost", "prodlogs.collect_logs")
CanAccept = holding("prodlogs.view_dockerhost", "prodlogs.accept_host_key")


class HostViewSet(
    mixins.CreateModelMixin, mixins.UpdateModelMixin, viewsets.ReadOnlyModelViewSet[DockerHost]
):
    """Docker hosts, in the order of their names. What was read of a host outlives it, so none is deleted here."""

    queryset = DockerHost.objects.all()
    serializer_class = HostSerializer
    filterset_class = filters.HostFilter
    keyset = ("name", "id")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        notice_environment()
        return super().list(request, *args, **kwargs)

    @extend_schema(
        request=CollectSerializer,
        responses={
            200: OpenApiResponse(
                CollectedSerializer, "Each reading says how it ended and which lines are missing."
            ),
            409: OpenApiResponse(
                DetailSerializer, "Another process is reading the host, or the host is not enabled."
            ),
            502: OpenApiResponse(CollectedSerializer, "The host could not be read; `error` says why."),
        },
    )
    @action(detail=True, methods=["post"], permission_classes=[CanCollect], filter_backends=[])
    def collect(self, request: Request, pk: str | None = None) -> Response:
        """Read what is new in the containers' logs now; answers when that is done."""
        host: DockerHost = self.get_object()
        wanted = CollectSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        user, containers = request.user.get_username(), wanted.validated_data.get("containers")
        try:
            check_names([host], containers or (), user=user, via="api")
        except Refused as error:
            raise ValidationError({"containers": [str(error)]}) from None
        if not host.enabled:
            return Response({"detail": f"{host.name} is not enabled"}, status=status.HTTP_409_CONFLICT)
        since = wanted.validated_data.get("start_time")
        result = collect_host(host, user=user, via="api", containers=containers, since=since)
        answer = CollectedSerializer(result).data
        if result.running:
            return Response({"detail": result.busy}, status=status.HTTP_409_CONFLICT)
        return Response(answer, status=status.HTTP_502_BAD_GATEWAY if result.error else status.HTTP_200_OK)

    @extend_schema(
        request=FingerprintSerializer,
        responses={
            200: HostSerializer,
            409: OpenApiResponse(DetailSerializer, "The host does not offer this key (any more)."),
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
        """Trust the key that the host offers, if it has the fingerprint that somebody looked at."""
        host: DockerHost = self.get_object()
        wanted = FingerprintSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            accept_host_key(host, wanted.validated_data["fingerprint"], request.user, via="api")
        except HostError as error:
            return Response({"detail": str(error)}, status=status.HTTP_409_CONFLICT)
        return Response(self.get_serializer(host).data)


class ContainerViewSet(viewsets.ReadOnlyModelViewSet[Container]):
    """Containers, in the order of their names. Those that Docker lists no longer have a time in `removed_at`."""

    queryset = Container.objects.select_related("host")
    serializer_class = ContainerSerializer
    filterset_class = filters.ContainerFilter
    keyset = ("name", "id")


class ContainerEntryViewSet(EntryViewSet):
    """Entries, newest first. With `text`, `searched_since` says how far back it was looked for; null: everywhere.

    Reading them is on record. What takes longer than ten seconds is answered with 503.
    """

    source = "container"
    queryset = ContainerLogEntry.objects.none()
    serializer_class = EntrySerializer
    filterset_class = filters.EntryFilter
    pagination_class = filters.SearchPagination
    keyset = ("-timestamp", "-id")


class ErrorViewSet(EntryListViewSet):
    """Entries of the levels ERROR and CRITICAL, newest first."""

    source = "container"
    queryset = ContainerLogEntry.objects.none()
    serializer_class = EntrySerializer
    filterset_class = filters.ErrorFilter
    pagination_class = filters.SearchPagination
    keyset = ("-timestamp", "-id")

    def get_queryset(self) -> QuerySet[ContainerLogEntry]:
        return of_levels(super().get_queryset(), ERRORS)


class SnapshotViewSet(viewsets.ReadOnlyModelViewSet[LogSnapshot]):
    """Readings, newest first: how many lines each found, and whether anything is missing."""

    queryset = LogSnapshot.objects.all()
    serializer_class = SnapshotSerializer
    filterset_class = filters.SnapshotFilter
    keyset = ("-started_at", "-id")
    lookup_value_converter = "uuid"


class CommandViewSet(viewsets.ReadOnlyModelViewSet[RemoteCommand]):
    """Everything that was sent to a host, and what was refused, newest first."""

    queryset = RemoteCommand.objects.all()
    serializer_class = CommandSerializer
    filterset_class = filters.CommandFilter
    keyset = ("-sent_at", "-id")
