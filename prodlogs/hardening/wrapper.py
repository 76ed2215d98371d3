"""The server's half of «read-only»: a wrapper that runs four commands and no other, and the line that forces it.

The wrapper is written from the constants of `grammar.py`, so that both halves allow the same. It takes nothing
from the client but the text of the command, which it compares and takes apart without ever evaluating it.
"""

import base64
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

from prodlogs.docker import grammar
from prodlogs.docker.errors import REFUSAL, REFUSED, WRAPPER
from prodlogs.models import DockerHost

PATH = f"/usr/local/bin/{WRAPPER}"
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ABSOLUTE_PATH = re.compile(r"(?:/[A-Za-z0-9_.-]+)+", re.ASCII)
_PROGRAM_NAME = re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]*|{_ABSOLUTE_PATH.pattern}", re.ASCII)
_DOCKER_HOST = re.compile(r"unix:///[A-Za-z0-9_./-]+|tcp://[A-Za-z0-9_.:\[\]-]+", re.ASCII)
_PUBLIC_KEY = re.compile(r"([a-z0-9@.-]+) ([A-Za-z0-9+/]+=*)(?: [ -~]*)?", re.ASCII)

# In order: nothing is a pattern for file names, no function of the client's environment stands before a program,
# programs come from where the operator put them, brackets mean bytes. `env -i` keeps DOCKER_* and all else out.
SCRIPT = Path(__file__).with_name("wrapper.sh")


def wrapper(docker: str = "docker", docker_host: str = "") -> str:
    """The wrapper's text. `docker` is a program's name or path, `docker_host` the daemon's address where it is not
    Docker's default one. Raises ValueError for what could not be written into a script as it stands."""
    if not _PROGRAM_NAME.fullmatch(docker):
        raise ValueError(
            f"docker: {docker!a} is not a program's name or absolute path of letters, digits and _.-"
        )
    if docker_host and not _DOCKER_HOST.fullmatch(docker_host):
        raise ValueError(
            f"docker_host: {docker_host!a} is not like unix:///run/docker.sock or tcp://127.0.0.1:2375"
        )
    text = SCRIPT.read_text(encoding="utf-8")
    for name, value in _literals(docker, docker_host).items():
        text = text.replace(f"@{name}@", value)
    return text


def _literals(docker: str, docker_host: str) -> dict[str, str]:
    digit = "[0123456789]"
    return {
        "SEARCH_PATH": SEARCH_PATH,
        "PROGRAM": WRAPPER,
        "REFUSAL": REFUSAL,
        "REFUSED": str(REFUSED),
        "DOCKER_HOST": f"DOCKER_HOST={shlex.quote(docker_host)} " if docker_host else "",
        "DOCKER": shlex.quote(docker),
        "LETTERS": "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",  # a range means what the locale says
        "LONGEST_NAME": str(grammar.LONGEST_NAME),
        "MOST_CONTAINERS": str(grammar.MOST_CONTAINERS),
        "DATE": f"[01]{digit}-[0123]{digit}",
        "TIME": f"[012]{digit}:[012345]{digit}:[012345]{digit}.{digit * 9}Z",
        "D": digit,
        **_command_literals("PS", grammar.PS),
        **_command_literals("STATS", grammar.STATS),
        **_command_literals("INSPECT", grammar.INSPECT),
        "LOGS": shlex.join(grammar.LOGS),
        "LOGS_OPTIONS": shlex.join(grammar.LOGS[1:]),
    }


def _command_literals(name: str, words: Sequence[str]) -> dict[str, str]:
    """The last word of these commands is their format: it has no single quote, and is written in two of them."""
    *options, layout = words
    return {
        name: shlex.join(options),
        f"{name}_OPTIONS": shlex.join(options[1:]),
        f"{name}_FORMAT": f"'{layout}'",
    }


def authorized_keys_line(public_key: str, path: str = PATH) -> str:
    """The line that lets a key do nothing but run the wrapper: no terminal, no forwarding, no rc file.

    `public_key` is a type, base64 and perhaps a comment, as in a .pub file. Raises ValueError."""
    if not _ABSOLUTE_PATH.fullmatch(path):
        raise ValueError(f"path: {path!a} is not an absolute path of letters, digits and _.-")
    key = public_key.strip()
    if not (match := _PUBLIC_KEY.fullmatch(key)) or not _is_key(*match.groups()):
        raise ValueError(f"public key: {key[:60]!a} is not a type and base64, as in a .pub file")
    return f'restrict,command="{path}" {key}'


def _is_key(kind: str, encoded: str) -> bool:
    """The base64 begins with the type again: what makes it that type's key and not any other text."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError:
        return False
    return data.startswith(len(kind).to_bytes(4, "big") + kind.encode())


def instructions(
    host: DockerHost, public_key: str, *, path: str = PATH, docker: str = "docker", docker_host: str = ""
) -> str:
    """What the operator does on the host, to be read and pasted. Raises ValueError as the functions above."""
    line, script = authorized_keys_line(public_key, path), wrapper(docker, docker_host)
    return INSTRUCTIONS.format(name=host.name, user=host.user, path=path, line=line, script=script)


INSTRUCTIONS = dedent("""\
    Make {name} read-only for LogSite. Who may talk to Docker (the group docker) is root on that machine, and
    so is whoever holds this key: it goes into authorized_keys with the line below and in no other form.

    1. On {name}, as root: the wrapper, where the login {user} cannot change it.

    cat > {path} <<'END_OF_WRAPPER'
    {script}END_OF_WRAPPER
    chown root:root {path}
    chmod 0755 {path}

    2. In ~{user}/.ssh/authorized_keys: one line, instead of any other line with the same key. `restrict` turns
       off port, socket, agent and X11 forwarding, terminals and ~/.ssh/rc; without it `ssh -L` would reach
       Docker's socket whatever command= says.

    {line}

    3. In sshd_config, AcceptEnv names no more than LANG and LC_* for this login, and AuthorizedKeysFile and
       AuthorizedKeysCommand give no second place from which the key is accepted.

    4. From here, prove it:

    manage.py prodlogs selftest --host {name}
    """)
