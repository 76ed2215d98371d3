"""Chromium, driven through its DevTools protocol over a pipe, and what its pages complain of."""

import fcntl
import json
import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conftest import service_address

SECONDS = 170  # for one message; only a defect takes so long
# Runs before any script of a page.
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.effectiveDirective}: ${event.blockedURI || event.sample} at ${event.sourceFile}`);
});
"""
# Two frames later all that a script has caused is on record.
SETTLED = (
    "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))))"
)
THROWN, WRITTEN, LOGGED = "Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"


class Browser:
    """One page of a headless browser."""

    def __init__(self, send: Any, messages: "queue.Queue[dict[str, Any] | None]") -> None:
        self._send, self._messages, self._number, self._page = send, messages, 0, ""
        self._events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._page = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command of the protocol."""
        self._number += 1
        number = self._number
        call = {"id": number, "method": method, "params": params}
        self._send(call | ({"sessionId": self._page} if self._page else {}))
        while (message := self._next()).get("id") != number:
            pass
        assert "error" not in message, (method, message)
        return message["result"]

    def _next(self) -> dict[str, Any]:
        message = self._messages.get(timeout=SECONDS)
        assert message is not None, "Chromium has ended"
        if "method" in message:
            self._events.append(message)
        return message

    def run(self, script: str, *, by_hand: bool = False) -> Any:
        """The value of an expression in the page; a promise is awaited. `by_hand`: as if a person had clicked."""
        options = {"awaitPromise": True, "returnByValue": True, "userGesture": by_hand}
        result = self.call("Runtime.evaluate", expression=script, **options)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, address: str) -> int:
        """Go there, and return the status code."""
        return self._load(lambda: self.call("Page.navigate", url=address))

    def submit(self, script: str) -> int:
        """Run a script that leads to another page, and return that page's status code."""
        return self._load(lambda: self.call("Runtime.evaluate", expression=script))

    def _load(self, act: Any) -> int:
        self._events = [event for event in self._events if event["method"] in (THROWN, WRITTEN, LOGGED)]
        act()
        while not any(event["method"] == "Page.loadEventFired" for event in self._events):
            self._next()
        documents = [
            event["params"]["response"]
            for event in self._events
            if event["method"] == "Network.responseReceived" and event["params"]["type"] == "Document"
        ]
        return int(documents[-1]["status"])

    def width(self, pixels: int) -> None:
        metrics = {"width": pixels, "height": 600, "deviceScaleFactor": 1, "mobile": pixels < 600}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)

    def complaints(self) -> list[str]:
        """Violations of the policy and errors of scripts, since the last call."""
        self.run(SETTLED)
        found = [f"policy: {text}" for text in self.run("window.violations.splice(0)")]
        found += [text for event in self._events if (text := complaint(event))]
        self._events.clear()
        return found


def complaint(event: dict[str, Any]) -> str:
    """The text of an unwanted event. The browser also logs each error page; that event has no text here."""
    params = event["params"]
    if event["method"] == THROWN:
        details = params["exceptionDetails"]
        return f"thrown: {details.get('exception', {}).get('description', details['text'])} at {details.get('url')}"
    if event["method"] == WRITTEN and params["type"] in ("error", "assert"):
        return f"console: {[each.get('value', each.get('description')) for each in params['args']]}"
    if event["method"] == LOGGED and params["entry"]["level"] in ("error", "warning"):
        entry = params["entry"]
        return "" if entry["source"] == "network" else f"{entry['source']}: {entry['text']}"
    return ""


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """A browser with a profile in `folder`."""
    (read_by_it, written), (read, written_by_it) = os.pipe(), os.pipe()
    # The protocol is read from descriptor 3 and written to 4.
    given = [fcntl.fcntl(each, fcntl.F_DUPFD, 10) for each in (read_by_it, written_by_it)]
    words = [
        "bash", "-c", f'exec 3<&{given[0]} 4>&{given[1]}; exec "$@"', "chromium",
        service_address("LOGSITE_TEST_CHROMIUM"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
        "--in-process-gpu", "--renderer-process-limit=1", "--disable-site-isolation-trials", "--disable-extensions",
        "--remote-debugging-pipe", "--window-size=1200,600", f"--user-data-dir={folder}",
    ]  # fmt: skip
    process = subprocess.Popen(
        words, pass_fds=given, env=os.environ | {"HOME": str(folder)}, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for each in (read_by_it, written_by_it, *given):
        os.close(each)
    messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
    thread = threading.Thread(target=_receive, args=(read, messages))
    thread.start()
    try:
        yield Browser(lambda call: os.write(written, json.dumps(call).encode() + b"\0"), messages)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        thread.join()
        os.close(written)


def _receive(read: int, messages: "queue.Queue[dict[str, Any] | None]") -> None:
    """Messages end with a NUL; None is the last."""
    rest = b""
    with os.fdopen(read, "rb", buffering=0) as pipe:
        while data := pipe.read(1 << 16):
            *whole, rest = (rest + data).split(b"\0")
            for message in whole:
                messages.put(json.loads(message))
    messages.put(None)
