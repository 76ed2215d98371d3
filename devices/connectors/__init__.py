"""Connectors: one class a vendor that needs code, the generic one for the rest."""

from typing import Any

from devices.connectors.arista_eos import AristaEosConnector
from devices.connectors.base import BaseConnector
from devices.connectors.cisco_ios import CiscoIosConnector
from devices.connectors.generic import GenericConnector
from devices.connectors.hp_comware import ComwareConnector
from devices.connectors.linux import LinuxConnector
from devices.connectors.paloalto import PaloAltoConnector

CONNECTORS: dict[str, type[BaseConnector]] = {
    connector.platform_name: connector
    for connector in (
        PaloAltoConnector,
        CiscoIosConnector,
        AristaEosConnector,
        ComwareConnector,
        LinuxConnector,
    )
}
ALIASES = {"paloalto": "paloalto_panos", "cisco": "cisco_ios", "arista": "arista_eos"}


def get_connector(
    vendor: str,
    host: str,
    username: str,
    password: str,
    *,
    device_id: Any,
    user_id: Any,
    enable_session_logging: bool = True,
    **options: Any,
) -> BaseConnector:
    """The connector for `vendor`: a platform name of Netmiko's, or `paloalto`, `cisco`, `arista`.

    `options` are the further arguments of BaseConnector. Raises UnknownPlatform.
    """
    platform = ALIASES.get(vendor, vendor)
    connector = CONNECTORS.get(platform, GenericConnector)
    return connector(
        host,
        username,
        password,
        device_id=device_id,
        user_id=user_id,
        enable_session_logging=enable_session_logging,
        platform=platform,
        **options,
    )
