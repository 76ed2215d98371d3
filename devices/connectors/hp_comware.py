"""HPE Comware."""

from devices.connectors.base import BaseConnector


class ComwareConnector(BaseConnector):
    """Comware over SSH; the differences are data, in platforms/hp_comware.toml."""

    platform_name = "hp_comware"
