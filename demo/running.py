"""The demo: an administrator, an emulated fleet in the inventory, and the processes that make it run."""

import errno
import json
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from demo.application import HOST
from devices.models import Credential, Device, Tag
from logsite.encryption.keys import write_private
from logsite.intake.models import IngestToken
from logsite.intake.tokens import make_token, revoke

ADMIN = "admin"
TAG = "demo"
APPLICATION = "demo application"
START_SECONDS = 60.0  # for the fleet, and for the site, to come up on a busy machine
STOP_SECONDS = 10.0
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DemoError(Exception):
    """What a person can mend; the text is one line that says how."""


@dataclass(frozen=True)
class Administrator:
    """`password` is empty where somebody has changed it: then nobody can print it."""

    username: str
    password: str
    created: bool


def ensure_admin(path: Path) -> Administrator:
    """The demo's administrator, created with a generated password on first run; `path` keeps it, mode 600."""
    users = get_user_model()
    user = users.objects.filter(username=ADMIN).first()
    if user is None:
        password = secrets.token_urlsafe(12)
        write_private(path, password + "\n")  # first, or a crash between the two would lock everybody out
        users.objects.create_superuser(ADMIN, password=password)
        return Administrator(ADMIN, password, created=True)
    kept = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    return Administrator(ADMIN, kept if kept and user.check_password(kept) else "", created=False)


# --- The inventory -----------------------------------------------------------------------------------------


@transaction.atomic
def seed(entries: Iterable[dict[str, Any]]) -> tuple[list[Device], list[str]]:
    """Create or update the fleet's devices; gives them, and the names left alone because they are not ours."""
    devices, foreign = [], []
    for entry in entries:
        if _is_ours(entry["name"]):
            devices.append(_seed_device(entry))
        else:
            foreign.append(entry["name"])
    return devices, foreign


def _credential_name(device: str) -> str:
    return f"demo: {device}"


def _is_ours(name: str) -> bool:
    """A device or credential of this name that carries no `demo` tag is somebody's own, and stays as it is."""
    same_name = Device.objects.filter(name=name)
    users = Device.objects.filter(credential__name=_credential_name(name))
    return not (same_name | users).exclude(tags__name=TAG).exists()


def _seed_device(entry: dict[str, Any]) -> Device:
    credential, _ = Credential.objects.update_or_create(
        name=_credential_name(entry["name"]),
        defaults={name: entry[name] for name in ("username", "password", "enable_secret")},
    )
    columns = {name: entry[name] for name in ("host", "port", "platform", "agent_type")}
    # A demo that was killed while it collected leaves its claim behind; here nobody else can hold one.
    columns |= {"credential": credential, "enabled": True, "claimed_until": None}
    device, _ = Device.objects.update_or_create(name=entry["name"], defaults=columns)
    device.tags.add(*(Tag.objects.get_or_create(name=tag)[0] for tag in entry["tags"]))
    return device


# --- The processes -----------------------------------------------------------------------------------------


def check_parts() -> None:
    """Raises DemoError when a part that the demo runs is missing."""
    if not (settings.BASE_DIR / "deploy" / "demo" / "fleet.py").is_file():
        raise DemoError(
            "the emulated devices (deploy/demo) are missing: only a checkout of LogSite has them; "
            "run `make run` in a checkout"
        )
    if find_spec("fakenos") is None:
        raise DemoError("the package FakeNOS, which emulates the devices, is missing; `make run` installs it")


def check_port(host: str, port: int) -> None:
    """Raises DemoError when the site could not listen there."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise DemoError(f"{host}:{port} {reason}; choose another port: make run PORT={port + 1}") from None


def _start(arguments: list[str], **options: Any) -> subprocess.Popen[str]:
    """A child in a process group of its own: Ctrl-C reaches only us, and we stop the children in order."""
    return subprocess.Popen(  # noqa: S603
        [sys.executable, *arguments], cwd=settings.BASE_DIR, text=True, process_group=0, **options
    )


def stop(process: subprocess.Popen[str]) -> None:
    """Ask it to end; make it end when it does not."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()


@contextmanager
def running_fleet() -> Iterator[list[dict[str, Any]]]:
    """The emulated devices, as long as the context lasts; with their addresses and logins."""
    process = _start(["-m", "deploy.demo.fleet"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield _read_ready(process)
    finally:
        stop(process)


def _read_ready(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = process.stdout.readline() if selector.select(START_SECONDS) else ""
    if not line:
        raise DemoError("the emulated devices did not start; python -m deploy.demo.fleet shows why")
    devices: list[dict[str, Any]] = json.loads(line)["devices"]
    return devices


@contextmanager
def running_site(host: str, port: int) -> Iterator[subprocess.Popen[str]]:
    """The site under daphne, answering, as long as the context lasts."""
    daphne = f"-m daphne -v 0 -b {host} -p {port} logsite.asgi:application".split()
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)  # WhiteNoise warns where it is missing
    environment = {**os.environ, "PUBLIC_URL": os.environ.get("PUBLIC_URL") or site_url(host, port)}
    attached = ["-m", "deploy.demo.attached", str(os.getpid()), sys.executable]
    process = _start([*attached, *daphne], stdin=subprocess.DEVNULL, env=environment)
    try:
        _wait_until(lambda: process.poll() is not None or _answers(f"{site_url(host, port)}healthz"))
        if process.poll() is not None:
            raise DemoError(f"the site ended at once with exit code {process.returncode}; see above")
        yield process
    finally:
        stop(process)


@contextmanager
def running_application(url: str) -> Iterator[None]:
    """The demo application, which logs to the site at `url`, as long as the context lasts."""
    attached = ["-m", "deploy.demo.attached", str(os.getpid()), sys.executable]
    environment = {**os.environ, "LOGSITE_TOKEN": new_token()}
    process = _start([*attached, "-m", "demo.application", url], stdin=subprocess.DEVNULL, env=environment)
    try:
        yield
    finally:
        stop(process)


def new_token() -> str:
    """The text of an ingest token for the application; that of an earlier run is revoked and makes way."""
    with transaction.atomic():
        for earlier in IngestToken.objects.filter(name=APPLICATION):
            revoke(earlier)
            earlier.delete()
        _, text = make_token(APPLICATION, host=HOST)
    return text


def site_url(host: str, port: int) -> str:
    """Where a browser on this machine finds the site."""
    name = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104
    return f"http://{name}:{port}/"


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310
            return True
    except urllib.error.HTTPError:
        return True  # whatever it says, it speaks
    except OSError:
        return False


def _wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + START_SECONDS
    while not done():
        if time.monotonic() > end:
            raise DemoError(f"the site did not answer within {START_SECONDS:.0f} seconds")
        time.sleep(0.1)


@contextmanager
def until_stopped() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal end the block quietly; what it opened is closed undisturbed.

    Set by hand, because a shell starts background jobs with SIGINT ignored.
    """

    def end(*_: object) -> None:
        for number in ENDINGS:  # a second Ctrl-C must not interrupt the tidying up
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in ENDINGS}
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
