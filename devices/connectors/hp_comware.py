"""HPE Comware."""

from typing import Any

from netmiko import BaseConnection
from netmiko.hp.hp_comware import HPComwareSSH

from devices.connectors.base import BaseConnector

LINE = 60  # characters; prompt and command together stay on one line of 80


class ComwareConnection(HPComwareSSH):
    """Netmiko does not wait for a command's echo here, because Comware wraps long lines; without it a prompt
    that comes late ends the next answer before it began. Short commands have their echo on one line."""

    def send_command(self, command_string: str, *args: Any, **kwargs: Any) -> Any:
        unverified = self.global_cmd_verify
        self.global_cmd_verify = None if len(command_string) <= LINE else unverified
        try:
            return super().send_command(command_string, *args, **kwargs)
        finally:
            self.global_cmd_verify = unverified


class ComwareConnector(BaseConnector):
    """Comware over SSH; the other differences are data, in platforms/hp_comware.toml."""

    platform_name = "hp_comware"

    def connection_class(self) -> type[BaseConnection]:
        return ComwareConnection
