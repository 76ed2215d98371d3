"""How many log-ins may fail within LOGIN_WINDOW_MINUTES: from one address, and for one name.

An attempt is counted before its password is looked at, so that many at once get no more answers than one after
the other; one that succeeds is taken back. A browser in which the name has logged in before has a count of its
own (browsers.py): otherwise attackers could keep the owner of a name out for as long as they go on.
"""

import hashlib
import logging
import unicodedata
from typing import Any

from django.conf import settings

from logsite.audit import EventType, Reader, Severity, current_reader, record
from logsite.logins import counts
from logsite.logins.browsers import known_browser
from logsite.web.addresses import address_of, network_of

log = logging.getLogger("logsite.logins")
BROWSER_LIMIT = 10  # failures of one name in a browser that is known by it
SHOWN_CHARACTERS = 150  # of a name in the log; no account has a longer one


class LoginLimited(Exception):
    """Too many log-ins have failed; `seconds` says when the next may be tried."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many log-ins failed. Try again in {minutes(seconds)}.")
        self.seconds = seconds


def minutes(seconds: int) -> str:
    """`15 minutes`; at least one."""
    number = max(1, -(-seconds // 60))
    return f"{number} minute{'' if number == 1 else 's'}"


class Attempt:
    """A log-in of `name` that is counted. Raises LoginLimited where it may not be tried."""

    def __init__(self, request: Any, name: str) -> None:
        self.address = address_of(request) or "unknown"
        self.name = repr(name[:SHOWN_CHARACTERS])  # repr: no control character of it reaches the log
        self.name_key = f"name:{name_digest(name)}"
        self.counted: list[str] = []
        for key, limit in self._limits(request, name):
            found = counts.add(key, settings.LOGIN_WINDOW_MINUTES * 60)
            if found.number > limit:
                self.take_back()
                if found.number == limit + 1:  # once a window: who goes on trying must not fill the audit
                    self._record_limit(key, name, limit)
                log.warning(
                    "log-in refused: name %s, address %s: too many log-ins failed", self.name, self.address
                )
                raise LoginLimited(found.seconds)
            self.counted.append(key)

    def _limits(self, request: Any, name: str) -> list[tuple[str, int]]:
        """The counts of this attempt. The address comes first: one that is refused does not count for the name."""
        if browser := known_browser(request, name_digest(name)):
            return [(f"browser:{browser}", BROWSER_LIMIT)]
        return [
            (f"address:{network_of(self.address)}", settings.LOGIN_ADDRESS_LIMIT),
            (self.name_key, settings.LOGIN_NAME_LIMIT),
        ]

    def _record_limit(self, key: str, name: str, limit: int) -> None:
        now = current_reader()
        details = {"limit": limit, "counted_by": key.partition(":")[0]}
        reader = Reader(None, now.address, now.via)
        kind = EventType.AUTHN_LOGIN_FAIL_MAX
        record(kind, Severity.WARNING, reader, details, what="login", target=name[:SHOWN_CHARACTERS])

    def failed(self) -> None:
        """The password was wrong, or nobody has the name."""
        log.warning("log-in failed: name %s, address %s", self.name, self.address)

    def succeeded(self) -> None:
        """Forget the name's failures, but not the address's: its user may be guessing other names."""
        self.take_back()
        counts.forget(self.name_key)

    def take_back(self) -> None:
        """The attempt does not count."""
        for key in self.counted:
            counts.take_back(key)


def name_digest(name: str) -> str:
    """The same 64 digits for all spellings that Django may take for one name, and for capitals."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()
    return hashlib.sha256(folded.encode("utf-8", "surrogatepass")).hexdigest()
