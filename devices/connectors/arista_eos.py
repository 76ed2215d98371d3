"""Arista EOS."""

from devices.connectors.base import BaseConnector


class AristaEosConnector(BaseConnector):
    """EOS over SSH; the differences are data, in platforms/arista_eos.toml."""

    platform_name = "arista_eos"
