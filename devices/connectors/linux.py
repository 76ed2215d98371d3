"""Linux hosts: each command has an exec channel of its own, with exit code, stdout and stderr apart; no prompt."""

import socket
from typing import Any

from netmiko import BaseConnection
from netmiko.exceptions import NetmikoAuthenticationException, NetmikoTimeoutException
from paramiko import AuthenticationException, SSHClient, SSHException

from devices.connectors.base import BaseConnector
from devices.connectors.executions import Execution, execute
from devices.connectors.failures import describe
from sessionlogs.models import ErrorKind


class HostConnection(BaseConnection):
    """Netmiko's connection up to the login, and no shell after it."""

    def establish_connection(self, width: int = 511, height: int = 1000) -> None:
        client: SSHClient = self._build_ssh_client()
        self.remote_conn_pre = client
        try:
            # Paramiko's own socket waits for acknowledgements, 40 ms and more a command.
            self.sock = socket.create_connection((self.host, self.port), self.conn_timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.connect(**self._connect_params_dict())
        except AuthenticationException as error:
            self._abandon()
            raise NetmikoAuthenticationException(str(error)) from None
        except (OSError, SSHException, EOFError) as error:
            self._abandon()
            raise NetmikoTimeoutException(f"TCP connection to device failed: {describe(error)}") from None

    def _abandon(self) -> None:
        self.paramiko_cleanup()
        if self.sock is not None:
            self.sock.close()

    def _try_session_preparation(self, force_data: bool = True) -> None:
        """There is no session to prepare."""

    def send_command(self, command_string: str, *args: Any, **kwargs: Any) -> Any:
        """The Execution. It fails, and does not raise, when the connection breaks: what was said stays."""
        transport = self.remote_conn_pre.get_transport() if self.remote_conn_pre else None
        if transport is None or not transport.is_active():
            return Execution("", failure="the connection broke", error_kind=ErrorKind.CONNECTION)
        return execute(transport, command_string, self.read_timeout_override or 60.0)


class LinuxConnector(BaseConnector):
    """Linux over SSH. A command's exit code, stdout and stderr are on record apart."""

    platform_name = "linux"
    has_enable_mode = False
    outlives_timeouts = True  # each command has a channel of its own

    def connection_class(self) -> type[BaseConnection]:
        return HostConnection
