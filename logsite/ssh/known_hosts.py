"""OpenSSH's known_hosts: which keys a host may show. The format: sshd(8), «SSH_KNOWN_HOSTS FILE FORMAT»."""

import base64
import binascii
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import paramiko

from logsite.ssh.host_keys import HostKeyProblem, canonical, parse_host_key

DEFAULT_PORT = 22
MAX_NAME = 1024  # characters, as in OpenSSH: comparing takes time by the product of two lengths
SALT_BYTES = hashlib.sha1().digest_size  # noqa: S324
READABLE = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")


@dataclass(frozen=True)
class KnownKey:
    """One line. `patterns` are the names it is for, in lower case; `revoked`: no host may show this key."""

    number: int
    patterns: tuple[str, ...]
    key: paramiko.PKey = field(compare=False)
    revoked: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether its names are to be taken as they are."""
        return not any(set(pattern) & {*"*?!|"} for pattern in self.patterns)

    def is_for(self, names: Iterable[str]) -> bool:
        """Whether it is for a host that goes by one of `names`; a pattern after `!` excludes what it matches."""
        found = False
        for pattern in self.patterns:
            excludes = pattern.startswith("!")
            if any(_matches(pattern.removeprefix("!"), name) for name in names):
                if excludes:
                    return False
                found = True
        return found


@dataclass
class KnownHosts:
    """A file's lines: the keys, and what was passed over or cannot be read, as (line number, reason)."""

    keys: list[KnownKey] = field(default_factory=list)
    skipped: list[tuple[int, str]] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)
    _plain: dict[str, list[KnownKey]] = field(default_factory=lambda: defaultdict(list))
    _others: list[KnownKey] = field(default_factory=list)

    def add(self, known: KnownKey) -> None:
        self.keys.append(known)
        if not known.is_plain:
            self._others.append(known)
            return
        for name in known.patterns:
            self._plain[name].append(known)

    def of(self, host: str, port: int) -> list[KnownKey]:
        """The lines for this address, in the file's order."""
        names = names_of(host, port)
        plain = {known.number: known for name in names for known in self._plain.get(name, ())}
        others = {known.number: known for known in self._others if known.is_for(names)}
        return [known for _, known in sorted({**plain, **others}.items())]


def names_of(host: str, port: int) -> tuple[str, ...]:
    """How known_hosts calls an address: `host`, and `[host]:port` where the port is not 22."""
    spellings = dict.fromkeys((canonical(host), host.lower()))
    return tuple(name if port == DEFAULT_PORT else f"[{name}]:{port}" for name in spellings)


def parse(text: str) -> KnownHosts:
    """The lines of a known_hosts file. Raises nothing: what cannot be read is in `bad`."""
    found = KnownHosts()
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            known = _parsed(number, words)
        except _Skipped as reason:
            found.skipped.append((number, str(reason)))
        except ValueError as reason:
            found.bad.append((number, str(reason)))
        else:
            found.add(known)
    return found


class _Skipped(Exception):
    """A good line that says nothing we can use."""


def _parsed(number: int, words: list[str]) -> KnownKey:
    """Raises _Skipped, or ValueError for what is no line of known_hosts."""
    marker = words.pop(0) if words[0].startswith("@") else ""
    if marker not in ("", "@revoked", "@cert-authority"):
        raise ValueError(f"the marker {marker[:40]!r} is not known")
    if len(words) < 3:
        raise ValueError("expected names, key type and base64")
    names, kind, text = words[:3]
    if kind.isdecimal() and text.isdecimal():
        raise _Skipped("a key of SSH 1")
    patterns = tuple(map(_pattern, filter(None, names.split(","))))
    if not patterns:
        raise ValueError("it names no host")
    _check_blob(kind, text)
    if marker == "@cert-authority":
        raise _Skipped("a certificate authority: host certificates are not used")
    if kind not in READABLE:
        raise _Skipped(f"keys of type {kind[:40]} are not used")
    try:
        return KnownKey(number, patterns, parse_host_key(f"{kind} {text}"), marker == "@revoked")
    except HostKeyProblem:
        raise ValueError(f"the {kind} key is damaged") from None


def _pattern(name: str) -> str:
    """The name as it is compared. Raises ValueError for a hash that is not one."""
    if len(name) > MAX_NAME:
        raise ValueError(f"a name is longer than {MAX_NAME} characters")
    if not name.startswith("|"):
        return _canonical_name(name.lower())
    try:
        _, kind, salt, digest = name.split("|")
        lengths = [len(base64.b64decode(part, validate=True)) for part in (salt, digest)]
    except (ValueError, binascii.Error):
        kind, lengths = "", []
    if kind != "1" or lengths != [SALT_BYTES, SALT_BYTES]:
        raise ValueError("its hashed name cannot be read")
    return name


def _canonical_name(name: str) -> str:
    """`[2001:db8:0::1]:2222` as `[2001:db8::1]:2222`; `[host]:22` is the same as `host`."""
    excludes, name = name[: name.startswith("!")], name.removeprefix("!")
    if name.startswith("[") and "]:" in name:
        host, _, port = name[1:].rpartition("]:")
        host = canonical(host)
        return f"{excludes}{host if port == str(DEFAULT_PORT) else f'[{host}]:{port}'}"
    return f"{excludes}{canonical(name)}"


def _check_blob(kind: str, text: str) -> None:
    """Raises ValueError unless `text` is base64 of a key that says itself that it is of this kind."""
    try:
        blob = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("the key is not base64") from None
    size = int.from_bytes(blob[:4], "big")
    if blob[4 : 4 + size] != kind.encode("utf-8", "replace"):
        raise ValueError(f"the key is not of the type {kind[:40]!r}")


def _matches(pattern: str, name: str) -> bool:
    if pattern.startswith("|"):
        _, _, salt, digest = pattern.split("|")
        made = hmac.digest(base64.b64decode(salt), name.encode("utf-8", "replace"), "sha1")
        return hmac.compare_digest(made, base64.b64decode(digest))
    return fits(pattern, name)


def fits(pattern: str, text: str) -> bool:
    """Whether `text` is like `pattern`: `*` is any characters, `?` is one. At most len(pattern) × len(text) steps."""
    at, place, star, mark = 0, 0, -1, 0
    while place < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, mark, at = at, place, at + 1
        elif at < len(pattern) and pattern[at] in ("?", text[place]):
            at, place = at + 1, place + 1
        elif star >= 0:
            mark += 1
            at, place = star + 1, mark
        else:
            return False
    return not pattern[at:].strip("*")
