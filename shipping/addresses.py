"""Addresses of the machines we talk to, kept apart from the user and password they may carry."""

import ipaddress
from urllib.parse import unquote, urlsplit, urlunsplit

LONGEST = 500  # characters; what a destination's column holds


class AddressError(ValueError):
    """Not an address; the text never repeats a password."""


def split_credentials(url: str) -> tuple[str, tuple[str, str] | None]:
    """`url` without its user and password, and these two, or None. Raises AddressError."""
    if len(url) > LONGEST:
        raise AddressError(f"it is longer than {LONGEST} characters")
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressError("it is not a URL such as http://127.0.0.1:3100") from None
    if parts.scheme not in ("http", "https") or not host or parts.query or parts.fragment or _odd(host):
        raise AddressError("it is not a URL such as http://127.0.0.1:3100")
    netloc = f"[{host}]" if ":" in host else host
    netloc += f":{port}" if port else ""
    clean = urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))
    if parts.username is None:
        return clean, None
    return clean, (unquote(parts.username), unquote(parts.password or ""))


def check_address(url: str) -> str:
    """`url` in its plain form. Raises AddressError, also where it carries a user or password."""
    clean, credentials = split_credentials(url)
    if credentials:
        raise AddressError("it carries a user and password; they would be stored in clear")
    return clean


def is_this_site(url: str, public_url: str) -> bool:
    """Whether `url` is the site that browsers reach at `public_url`.

    All names of this machine are one (`localhost`, 127.0.0.1, [::1]), and so are http and https at their own ports.
    """
    try:
        return _origin(url) == _origin(public_url)
    except ValueError:  # check logsite.E001 tells of a PUBLIC_URL that is no address
        return False


def _origin(url: str) -> tuple[str, int, str]:
    """Host, port and path, in one form for all that mean the same."""
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host.endswith(".localhost"):
            host = "localhost"
    else:
        address = getattr(address, "ipv4_mapped", None) or address
        host = "localhost" if address.is_loopback or address.is_unspecified else str(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return host, 80 if port == 443 else port, parts.path.rstrip("/")


def _odd(host: str) -> bool:
    return any(character.isspace() or not character.isprintable() for character in host)
