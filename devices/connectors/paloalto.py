"""Palo Alto firewalls."""

from typing import Any

from netmiko import BaseConnection
from netmiko.paloalto.paloalto_panos import PaloAltoPanosBase, PaloAltoPanosSSH, SSHClient_interactive
from paramiko import BadAuthenticationType, SSHClient, Transport

from devices.connectors.base import BaseConnector


class InteractiveOrPasswordClient(SSHClient_interactive):
    """Netmiko logs in to PAN-OS by keyboard-interactive only, to accept a banner on the way; a firewall (or a
    gateway before it) that offers `password` alone then refuses a right password."""

    def _auth(self, username: str, password: str, *args: Any) -> None:
        try:
            super()._auth(username, password, *args)
        except BadAuthenticationType as error:
            if "password" not in error.allowed_types:
                raise
            transport = self.get_transport()
            assert isinstance(transport, Transport)
            transport.auth_password(username, password)


class PanosConnection(PaloAltoPanosSSH):
    """Netmiko's PAN-OS connection with that login."""

    def _get_ssh_client_instance(self) -> SSHClient:
        if self.pkey:
            return SSHClient()
        client: SSHClient = super()._get_ssh_client_instance()
        return InteractiveOrPasswordClient() if isinstance(client, SSHClient_interactive) else client

    def strip_prompt(self, a_string: str) -> str:
        """Netmiko's takes away every line with the prompt in it."""
        return str(self.strip_context_items(super(PaloAltoPanosBase, self).strip_prompt(a_string)))


class PaloAltoConnector(BaseConnector):
    """PAN-OS over SSH."""

    platform_name = "paloalto_panos"

    def connection_class(self) -> type[BaseConnection]:
        return PanosConnection
