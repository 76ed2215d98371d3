"""Who reads or changes something, from where, and by which way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Via = Literal["admin", "api", "stream", "export", "cli", "feed", "system"]
VIAS: tuple[str, ...] = get_args(Via)


@dataclass(frozen=True)
class Reader:
    """Built from a request, a socket's scope, or a command.

    Without a user, `system` and `cli` are the site itself, with all rights; any other way is nobody's. `address` is
    the client's, empty where it has none.
    """

    user: User | None
    address: str
    via: Via

    def __str__(self) -> str:
        if self.user is not None:
            return f"user {self.user.get_username()}"
        return "the site" if self.is_site else "nobody"

    @property
    def is_site(self) -> bool:
        return self.user is None and self.via in ("system", "cli")

    def holds(self, permission: str) -> bool:
        """Whether the reader has `permission`; nobody lacks the empty one."""
        if not permission or self.is_site:
            return True
        return self.user is not None and self.user.has_perm(permission)


SITE = Reader(None, "", "system")
_request_reader: ContextVar[Callable[[], Reader] | None] = ContextVar("request_reader", default=None)
_process_via: list[Via] = ["cli"]


def current_reader() -> Reader:
    """Who makes the request that is answered now; outside of a request the process itself."""
    found = _request_reader.get()
    return Reader(None, "", _process_via[0]) if found is None else found()


def in_request() -> bool:
    """Whether a request is answered now."""
    return _request_reader.get() is not None


@contextmanager
def answering(reader: Callable[[], Reader]) -> Iterator[None]:
    """Let `current_reader` return `reader()` within the block: who it is may be known only later in the request."""
    token = _request_reader.set(reader)
    try:
        yield
    finally:
        _request_reader.reset(token)


def serve_the_web(**_: Any) -> None:
    """What this process does outside of requests is the site's own doing, and no command's."""
    _process_via[0] = "system"
