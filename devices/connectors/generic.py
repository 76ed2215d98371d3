"""Every other platform that Netmiko reaches."""

from devices.connectors.base import BaseConnector


class GenericConnector(BaseConnector):
    """Driven by `platform=` alone: its file in platforms/, or what ntc-templates can parse of it."""
