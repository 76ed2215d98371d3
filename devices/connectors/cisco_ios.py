"""Cisco IOS and IOS-XE."""

from devices.connectors.base import BaseConnector


class CiscoIosConnector(BaseConnector):
    """IOS over SSH; the differences are data, in platforms/cisco_ios.toml."""

    platform_name = "cisco_ios"
