"""What a person would look at after `make run`, looked at over the API. Usage: check_demo.py OUTPUT-OF-MAKE-RUN"""

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests

DEVICES = {"fw01.demo": "success", "rtr01.demo": "success", "sw01.demo": "success", "sw02.demo": "failed"}
SECONDARY = "198.51.100.3/29"  # of the Palo Alto's ethernet1/1
WAIT_SECONDS = 60.0
T = TypeVar("T")
READY = re.compile(r"LogSite: (?P<url>\S+?)/\s+user: (?P<username>\S+)\s+password: (?P<password>\S+)")


def check(what: str, fine: object) -> None:
    print(f"  {'ok' if fine else 'NOT OK'}: {what}")
    if not fine:
        sys.exit(1)


def awaited(read: Callable[[], T]) -> T:
    """What `read` returns, tried again for a while as long as that is empty: the application has just started."""
    ends = time.monotonic() + WAIT_SECONDS
    while not (found := read()) and time.monotonic() < ends:
        time.sleep(0.5)
    return found


def main() -> None:
    printed = READY.search(Path(sys.argv[1]).read_text())
    check("the output names address, user and password", printed)
    assert printed
    url = printed["url"]
    page = requests.get(f"{url}/", timeout=10)
    check("the login page answers", page.status_code == 200 and "/admin/login/" in page.url)
    login = requests.post(
        f"{url}/api/v2/auth/login/",
        json={"username": printed["username"], "password": printed["password"]},
        timeout=10,
    )
    check("the printed password gives a token", login.status_code == 200)
    session = requests.Session()
    session.headers["Authorization"] = f"Token {login.json()['token']}"

    def read(path: str) -> list[dict[str, Any]]:
        answer = session.get(f"{url}/api/v2/{path}", timeout=10)
        answer.raise_for_status()
        results: list[dict[str, Any]] = answer.json()["results"]
        return results

    sessions = {row["device"]: row["status"] for row in reversed(read("sessions/"))}
    check("the sessions of all devices are there", sessions.keys() >= DEVICES.keys())
    check("they ended as they should", all(sessions[name] == end for name, end in DEVICES.items()))
    failed = read("session-logs/?device=sw02.demo&event_type=connection_failed")
    check("the refused login is a connection_failed with its error", failed and failed[0]["error_message"])
    interfaces = read("interfaces/?device=fw01.demo")
    addresses = [text for row in interfaces for text in row["addresses_text"]]
    check("entries of the demo application come in", awaited(lambda: read("logs/entries?source=app&limit=1")))
    check(f"the firewall's secondary address {SECONDARY} is there", SECONDARY in addresses)


if __name__ == "__main__":
    main()
