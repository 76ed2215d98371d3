"""The host keys of a row over the API, as fingerprints."""

from typing import Any

from rest_framework import serializers

from logsite.ssh.host_keys import shown_fingerprint


class Fingerprint(serializers.CharField):
    """The fingerprint of a column's key, or what is wrong with the column; read only."""

    def to_representation(self, value: Any) -> str:
        return shown_fingerprint(value)


class PinnedHostSerializer(serializers.ModelSerializer[Any]):
    """A row that derives from PinnedHost."""

    host_key_fingerprint = Fingerprint(
        source="host_key", read_only=True, help_text="Fingerprint of the accepted host key."
    )
    offered_host_key_fingerprint = Fingerprint(
        source="offered_host_key",
        read_only=True,
        help_text="Fingerprint of the key that was offered and that nobody has accepted yet.",
    )
