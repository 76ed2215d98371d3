"""The proof against a host that our key can do nothing there but read: everything else is tried, past the grammar.

Nothing that is tried would do harm where it is not refused: containers that are named cannot exist, commands are
`true`, and what is opened is closed. A refusal is the wrapper's own; that Docker finds no such container is none.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from prodlogs.docker import grammar
from prodlogs.docker.errors import REFUSAL, REFUSED
from prodlogs.docker.grammar import Inspect, Logs, Ps, Stats, command_line
from prodlogs.hardening.raw_access import PROHIBITED, Answer, RawAccess, TransportAccess
from prodlogs.models import DockerHost, ErrorKind
from prodlogs.ssh.audit import SELFTEST, Record
from prodlogs.ssh.login import connect

NOBODY = "0" * 64  # the id of no container
SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")
_PS = command_line(Ps())
_LOGS = command_line(Logs(NOBODY, tail=1))


@dataclass(frozen=True)
class Attempt:
    """`tried` is for people and the audit; `make` asks, `right` says whether the answer is the one that proves it."""

    name: str
    tried: str
    make: Callable[[RawAccess], Answer]
    right: Callable[[Answer], bool]
    hostile: bool = True


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt. `passed`: a hostile one was refused, an allowed one worked."""

    name: str
    tried: str
    hostile: bool
    passed: bool
    refused: bool
    answer: str
    exit_code: int | None
    stdout_bytes: int
    stderr_bytes: int
    duration_ms: float


# name: the text of the exec request. All of it is refused where the wrapper stands before Docker.
COMMANDS = {
    "exec": f"docker exec {NOBODY} true",
    "stop": f"docker stop {NOBODY}",
    "kill": f"docker kill {NOBODY}",
    "rm": f"docker rm --force {NOBODY}",
    "cp": f"docker cp {NOBODY}:/etc/hostname -",
    "run": f"docker run --pull=never --rm {NOBODY} true",
    "attach": f"docker attach {NOBODY}",
    "top": f"docker top {NOBODY}",
    "container": f"docker container inspect {NOBODY}",
    "images": "docker images --quiet",
    "info": "docker info --format {{.ID}}",
    "ps, another format": "docker ps --no-trunc --format '{{.Command}}'",
    "ps, an option more": f"{_PS} --size",
    "inspect, no format": f"docker inspect --type container {NOBODY}",
    "inspect, environment": f"docker inspect --type container --format '{{{{json .Config.Env}}}}' {NOBODY}",
    "inspect, no type": f"docker inspect --format '{{{{.Id}}}}' {NOBODY}",
    "logs --details": f"docker logs --details {NOBODY}",
    "logs --follow": f"docker logs --timestamps --follow {NOBODY}",
    "logs --tail -1": f"docker logs --timestamps --tail -1 {NOBODY}",
    "logs --tail all": f"docker logs --timestamps --tail all {NOBODY}",
    "logs --since relative": f"docker logs --timestamps --since 1m {NOBODY}",
    "logs, two containers": f"docker logs --timestamps {NOBODY} {NOBODY}",
    "option as a name": "docker logs --timestamps --help",
    "stats, streaming": f"docker stats {NOBODY}",
    "another daemon": "docker --host unix:///nonexistent ps",
    "another context": "docker --context default ps --quiet",
    "another configuration": "docker --config /nonexistent ps --quiet",
    "variable before it": f"DOCKER_HOST=unix:///nonexistent {_PS}",
    "env before it": f"env {_PS}",
    "path before it": f"/usr/bin/{_PS}",
    "pipe": f"{_PS} | true",
    "redirect": f"{_PS} > /dev/null",
    "redirected errors": f"{_LOGS} 2>&1",
    "semicolon": f"{_LOGS}; true",
    "and": f"{_PS} && true",
    "or": f"{_LOGS} || true",
    "background": f"{_PS} &",
    "substitution": f"docker logs --timestamps $(echo {NOBODY})",
    "backquotes": f"docker logs --timestamps `echo {NOBODY}`",
    "variable": "docker logs --timestamps $HOME",
    "IFS": f"docker${{IFS}}logs${{IFS}}--timestamps${{IFS}}{NOBODY}",
    "braces": f"docker logs --timestamps {{{NOBODY},x}}",
    "file name pattern": "docker logs --timestamps *",
    "comment": f"{_LOGS} # x",
    "newline and a command": f"{_LOGS}\ntrue",
    "newline at the end": f"{_LOGS}\n",
    "carriage return": f"{_LOGS}\r",
    "tab": _LOGS.replace(" ", "\t"),
    "blank before it": f" {_LOGS}",
    "two blanks": _LOGS.replace(" --timestamps", "  --timestamps"),
    "quotes": _LOGS.replace("logs", "'logs'"),
    "backslash": _LOGS.replace("logs", "lo\\gs"),
    "another program": "true",
    "a shell": "sh -c true",
    "a file": "cat /dev/null",
    "scp": "scp -f /dev/null",
    "no command": "",
}


def attempts(sockets: Sequence[str] = SOCKETS) -> list[Attempt]:
    """Everything hostile that is tried; `sockets` are paths on the host that forwarding must not reach."""
    commands = [Attempt(name, raw, partial(_exec, raw=raw), by_wrapper) for name, raw in COMMANDS.items()]
    return [*commands, *_programs(), *_session_requests(), *_forwardings(sockets)]


def by_wrapper(answer: Answer) -> bool:
    """The wrapper said no and nothing else said anything; or nothing was started at all."""
    if answer.lost:
        return False
    if not answer.granted:
        return True
    return answer.exit_code == REFUSED and not answer.stdout and REFUSAL.encode() in answer.stderr


def _not_started(answer: Answer) -> bool:
    """Of a subsystem: OpenSSH does not pass on what the wrapper says then, only its exit code."""
    return _denied(answer) or (answer.exit_code == REFUSED and not answer.stdout)


def _denied(answer: Answer) -> bool:
    return not answer.granted and not answer.lost


def _prohibited(answer: Answer) -> bool:
    """A port that nobody listens on is not reached, either: only this code says that it was not tried."""
    return _denied(answer) and answer.code == PROHIBITED


def _programs() -> list[Attempt]:
    return [
        Attempt("login shell", "shell", lambda access: access.request("shell", program=True), by_wrapper),
        Attempt(
            "sftp",
            "subsystem sftp",
            lambda access: access.request("subsystem", "sftp", program=True),
            _not_started,
        ),
    ]


def _session_requests() -> list[Attempt]:
    terminal = ("pty-req", "xterm", 80, 24, 0, 0, "")
    x11 = ("x11-req", False, "MIT-MAGIC-COOKIE-1", "0" * 32, 0)
    return [
        Attempt("terminal", "pty-req xterm", lambda access: access.request(*terminal), _denied),
        Attempt("X11 forwarding", "x11-req", lambda access: access.request(*x11), _denied),
        Attempt(
            "agent forwarding",
            "auth-agent-req",
            lambda access: access.request("auth-agent-req@openssh.com"),
            _denied,
        ),
    ]


def _forwardings(sockets: Sequence[str]) -> list[Attempt]:
    """OpenSSH gives no reason for a socket that it may not open: the ports' answer is the stronger proof."""
    return [
        Attempt(
            "port forwarding",
            "direct-tcpip 127.0.0.1:22",
            lambda access: access.open_channel("direct-tcpip", "127.0.0.1", 22, "127.0.0.1", 0),
            _prohibited,
        ),
        Attempt(
            "remote port forwarding", "tcpip-forward 127.0.0.1:0", lambda access: access.listen(), _denied
        ),
        *(
            Attempt(
                f"socket forwarding {path}",
                f"direct-streamlocal {path}",
                partial(_open_socket, path=path),
                _denied,
            )
            for path in sockets
        ),
    ]


def _exec(access: RawAccess, raw: str) -> Answer:
    return access.exec(raw)


def _open_socket(access: RawAccess, path: str) -> Answer:
    return access.open_channel("direct-streamlocal@openssh.com", path, "", 0)


def _works(answer: Answer) -> bool:
    return answer.granted and answer.exit_code == 0


def _works_or_is_nobody(answer: Answer) -> bool:
    """On a host without containers, Docker's own word for it is as good."""
    return _works(answer) or (answer.exit_code == 1 and b"no such container" in answer.stderr.lower())


def _allowed(name: str, raw: str, right: Callable[[Answer], bool] = _works) -> Attempt:
    return Attempt(name, raw, partial(_exec, raw=raw), right, hostile=False)


Begin = Callable[[Attempt], Callable[[Outcome], None]]


def examine(access: RawAccess, begin: Begin, sockets: Sequence[str] = SOCKETS) -> list[Outcome]:
    """Try it all, what is allowed first. `begin` is called before each attempt, and what it returns after it."""
    outcomes: list[Outcome] = []

    def attempt(each: Attempt) -> bytes:
        finish = begin(each)
        outcome, stdout = _outcome(each, access)
        finish(outcome)
        outcomes.append(outcome)
        return stdout

    listed = _ids(attempt(_allowed("docker ps", _PS)), "ID")[: grammar.MOST_CONTAINERS] or [NOBODY]
    inspect = command_line(Inspect(tuple(listed)))
    described = attempt(_allowed("docker inspect", inspect, _works_or_is_nobody))
    readable = _ids(described, "Id", lambda row: row.get("LogDriver") != "none") or [NOBODY]
    logs = Logs(readable[0], tail=1)
    attempt(_allowed("docker logs", command_line(logs), _works_or_is_nobody))
    attempt(_allowed("docker stats", command_line(Stats())))
    attempt(
        Attempt(
            "environment",
            f"DOCKER_HOST=tcp://192.0.2.1:1 by the env request, then {_PS}",
            lambda access: access.exec(_PS, {"DOCKER_HOST": "tcp://192.0.2.1:1"}),
            _works,
            hostile=False,
        )
    )
    for each in attempts(sockets):
        attempt(each)
    return outcomes


def _outcome(attempt: Attempt, access: RawAccess) -> tuple[Outcome, bytes]:
    began = monotonic()
    answer = attempt.make(access)
    passed = attempt.right(answer)
    outcome = Outcome(
        attempt.name,
        attempt.tried,
        attempt.hostile,
        passed,
        passed if attempt.hostile else by_wrapper(answer),
        _said(answer),
        answer.exit_code,
        len(answer.stdout),
        len(answer.stderr),
        round((monotonic() - began) * 1000, 3),
    )
    return outcome, answer.stdout


def _said(answer: Answer) -> str:
    """One short line; nothing of stdout, which may be anything."""
    said = answer.stderr.decode("utf-8", "replace").strip().splitlines()
    words = [answer.reason or ("granted" if answer.granted else "refused")]
    if answer.exit_code is not None:
        words = [f"exit code {answer.exit_code}", *([said[-1]] if said else [])]
    text = ": ".join(words)
    return "".join(sign if sign.isprintable() else " " for sign in text)[:300]


def _ids(stdout: bytes, key: str, wanted: Callable[[dict[str, Any]], bool] = bool) -> list[str]:
    """Of the wanted objects in an allowed command's answer, whatever else a login shell or a host writes there."""
    found = []
    for line in stdout.decode("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and wanted(row) and grammar.CONTAINER.fullmatch(str(row.get(key))):
            found.append(str(row[key])[: grammar.LONGEST_NAME])
    return found


def run(
    host: DockerHost,
    *,
    user: str = "",
    sockets: Sequence[str] = SOCKETS,
    report: Callable[[Outcome], None] = lambda outcome: None,
) -> list[Outcome]:
    """Prove a host. Each attempt is in the audit before it is made; `report` gets each outcome as it comes.

    Raises HostError where the host cannot be logged in to, RuntimeError within a transaction.
    """
    with connect(host) as connection:

        def begin(attempt: Attempt) -> Callable[[Outcome], None]:
            record = Record(host, [attempt.tried], user=user, via=SELFTEST)

            def finish(outcome: Outcome) -> None:
                record.finish(
                    exit_code=outcome.exit_code,
                    sizes={"stdout": outcome.stdout_bytes, "stderr": outcome.stderr_bytes},
                    denied=outcome.refused,
                    error_kind=ErrorKind.REFUSED if outcome.refused else "",
                    error_message=outcome.answer if outcome.refused else "",
                    host_key_fingerprint=connection.host_key_fingerprint,
                    key_fingerprint=connection.key_fingerprint,
                )
                report(outcome)

            return finish

        return examine(TransportAccess(connection.transport), begin, sockets)


def passed(outcomes: Sequence[Outcome]) -> bool:
    """Whether the key is proven: everything hostile was refused and everything allowed worked."""
    return bool(outcomes) and all(outcome.passed for outcome in outcomes)
