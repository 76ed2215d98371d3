"""The server's half: the wrapper in every shell of this machine, and the line that forces it upon a key."""

import random
import re
import subprocess
from shutil import which

import pytest

from prodlogs.docker import grammar
from prodlogs.docker.errors import REFUSAL, REFUSED
from prodlogs.docker.grammar import Inspect, Logs, Ps, Stats, command_line
from prodlogs.hardening.wrapper import PATH, authorized_keys_line, instructions, wrapper
from prodlogs.models import DockerHost
from tests.devices.emulator import private_key
from tests.prodlogs.hostile import EVERYTHING, is_ours, random_command
from tests.prodlogs.wrapped import SHELLS, Wrapped

FOUR = [Ps(), Stats(), Inspect(("web", "db")), Logs("web", tail=10, since=0, until=grammar.LATEST - 1)]
HOSTILE = [line for line in EVERYTHING if "\0" not in line]  # no environment can hold a NUL
FOR_ALL_SHELLS = pytest.mark.parametrize("shell", SHELLS.values(), ids=SHELLS)
SOME = " \t\n-_.;&|$`'\"\\*?[]{}()<>!~#=/,:0129TZabwx\u00a0\u0661\u0435\udcff"


@pytest.fixture
def wrapped(tmp_path):
    return Wrapped(tmp_path)


def refused(answer):
    """A shell may complain about the client's locale first."""
    return answer.exit_code == REFUSED and answer.stdout == b"" and REFUSAL.encode() in answer.stderr


def test_there_are_shells_to_try():
    assert {"sh", "dash", "bash --posix"} & set(SHELLS)


@FOR_ALL_SHELLS
def test_every_hostile_command_line_is_refused_without_a_call_of_docker(wrapped, shell):
    answers = wrapped.run_each(shell, HOSTILE)
    assert [line for line, answer in zip(HOSTILE, answers, strict=True) if not refused(answer)] == []
    assert [answer.calls for answer in answers if answer.calls] == wrapped.calls() == []


@FOR_ALL_SHELLS
@pytest.mark.parametrize("locale", ["C.UTF-8", "en_US.UTF-8", "tr_TR.ISO-8859-9", "ja_JP.SJIS"])
def test_the_clients_language_changes_nothing(wrapped, shell, locale):
    asked = [line for line in EVERYTHING if not line.isascii()]
    answers = wrapped.run_each(shell, asked, LANG=locale, LC_ALL=locale, LC_CTYPE=locale)
    assert [line for line, answer in zip(asked, answers, strict=True) if not refused(answer)] == []
    assert [answer.calls for answer in answers if answer.calls] == wrapped.calls() == []


@FOR_ALL_SHELLS
def test_what_the_client_writes_calls_docker_with_exactly_these_words(wrapped, shell):
    chance = random.Random(2)
    commands = [*FOUR, *(random_command(chance) for _ in range(100))]
    answers = wrapped.run_each(shell, [command_line(command) for command in commands])
    for command, answer in zip(commands, answers, strict=True):
        assert [words for words, _ in answer.calls] == [command.argv()[1:]]
        assert (answer.exit_code, answer.stdout, answer.stderr) == (7, b"from docker\n", b"and on stderr\n")


def nearly_right():
    """Command lines of ours with up to two characters changed, put in or left out."""
    chance = random.Random(3)
    for _ in range(300):
        text = command_line(chance.choice(FOUR))
        place, length = chance.randrange(len(text) + 1), chance.choice((0, 1, 1, 2))
        yield text[:place] + chance.choice((chance.choice(SOME), "")) + text[place + length :]


@FOR_ALL_SHELLS
def test_both_halves_agree_on_texts_that_are_nearly_right(wrapped, shell):
    texts = list(nearly_right())
    for text, answer in zip(texts, wrapped.run_each(shell, texts), strict=True):
        assert refused(answer) is not is_ours(text), text
        assert len(answer.calls) == is_ours(text), text
    assert {is_ours(text) for text in texts} == {True, False}


@FOR_ALL_SHELLS
def test_a_day_is_one_of_the_calendar_for_both_halves(wrapped, shell):
    chance = random.Random(4)
    days = [
        f"{year}-{month:02}-{day:02}"
        for year in (2100, 2025, 2024, 2000)
        for month, day in ((2, 29), (2, 28))
    ]
    days += [
        f"{chance.randint(1965, 2205)}-{chance.randint(0, 14):02}-{chance.randint(0, 33):02}"
        for _ in range(150)
    ]
    texts = [f"docker logs --timestamps --until {day}T23:59:59.000000000Z web" for day in days]
    for text, answer in zip(texts, wrapped.run_each(shell, texts), strict=True):
        assert refused(answer) is not is_ours(text), text


@FOR_ALL_SHELLS
def test_a_shell_that_starts_for_one_command_line_answers_as_one_that_runs_many(wrapped, shell):
    """`run_each` saves thousands of shells, and may only do so if its answers are those of a forced command."""
    chance = random.Random(5)
    texts = [*map(command_line, FOUR), *chance.sample(HOSTILE, 20), *chance.sample(list(nearly_right()), 20)]
    for text, answer in zip(texts, wrapped.run_each(shell, texts), strict=True):
        alone = wrapped.run(shell, text)
        alone.calls = wrapped.calls()
        assert same(alone) == same(answer), text


def same(answer):
    """An answer without what the shells in Docker's place count for themselves."""
    own = ("PWD", "OLDPWD", "SHLVL", "_")
    calls = [
        (words, {name: value for name, value in environment.items() if name not in own})
        for words, environment in answer.calls
    ]
    return answer.exit_code, answer.stdout, answer.stderr, calls


@FOR_ALL_SHELLS
def test_more_containers_than_one_inspect_takes_are_refused(wrapped, shell):
    most = command_line(Inspect(("web",) * grammar.MOST_CONTAINERS))
    assert wrapped.run(shell, most).exit_code == 7
    assert b"too many containers at once" in wrapped.run(shell, f"{most} web").stderr


@FOR_ALL_SHELLS
def test_a_key_without_a_command_opens_no_shell(wrapped, shell):
    answer = wrapped.run(shell, None)
    assert refused(answer)
    assert b"this key opens no shell" in answer.stderr


@FOR_ALL_SHELLS
def test_docker_gets_nothing_of_the_clients_environment(tmp_path, shell):
    wrapped = Wrapped(tmp_path, docker_host="unix:///run/user/1000/docker.sock")
    hostile = {
        "DOCKER_HOST": "tcp://192.0.2.1:2375",
        "DOCKER_CONTEXT": "other",
        "DOCKER_CONFIG": "/tmp/x",
        "HOME": "/tmp/x",
        "HTTP_PROXY": "http://192.0.2.1",
        "PATH": f"/tmp/x:{tmp_path}",
        "LC_ALL": "C.UTF-8",
        "XYZ": "1",
    }
    assert wrapped.run([which(shell[0]), *shell[1:]], command_line(Ps()), **hostile).exit_code == 7
    [(_, environment)] = wrapped.calls()
    for own in ("PWD", "SHLVL", "_", "OLDPWD"):  # of the shell in Docker's place
        environment.pop(own, None)
    assert environment == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C",
        "DOCKER_CONFIG": "/nonexistent",
        "DOCKER_HOST": "unix:///run/user/1000/docker.sock",
    }


@FOR_ALL_SHELLS
def test_no_file_or_function_of_the_clients_runs(wrapped, shell, tmp_path):
    (tmp_path / "rc").write_text(f"echo ran > {tmp_path}/proof\n")
    function = f"() {{ echo ran > {tmp_path}/proof; }}"
    hostile = {
        "ENV": f"{tmp_path}/rc",
        "BASH_ENV": f"{tmp_path}/rc",
        "IFS": "x-",
        "CDPATH": "/",
        "POSIXLY_CORRECT": "1",
    }
    hostile |= {
        f"BASH_FUNC_{name}%%": function for name in ("printf", "env", "docker", "run", "refuse", "test")
    }
    assert refused(wrapped.run(shell, "docker stop web", **hostile))
    assert wrapped.run(shell, command_line(Logs("web", tail=5)), **hostile).exit_code == 7
    assert [words for words, _ in wrapped.calls()] == [["logs", "--timestamps", "--tail", "5", "web"]]
    assert not (tmp_path / "proof").exists()


@FOR_ALL_SHELLS
def test_a_missing_docker_is_no_refusal(tmp_path, shell):
    wrapped = Wrapped(tmp_path)
    (tmp_path / "docker").unlink()
    answer = wrapped.run(shell, command_line(Ps()))
    assert (answer.exit_code, refused(answer)) == (127, False)


def test_the_wrapper_evaluates_nothing():
    code = [line.split("#")[0] for line in wrapper().splitlines() if not re.match(r"\w+_format=", line)]
    assert not re.search(r"\beval\b|`|\$\([^(]", "\n".join(code))
    assert wrapper().startswith("#!/bin/sh\n")
    assert not re.search("@[A-Z_]+@", wrapper(docker_host="unix:///run/docker.sock"))


def test_without_another_address_docker_takes_its_own():
    assert "DOCKER_HOST" not in wrapper()
    assert "DOCKER_HOST=unix:///run/user/7/docker.sock docker" in wrapper(
        docker_host="unix:///run/user/7/docker.sock"
    )


@pytest.mark.parametrize(
    "docker", ["", "a b", "-x", "A=b", "bin/docker", "docker;id", "$(id)", "docker\n", "'", "é"]
)
def test_a_program_that_could_be_more_than_a_program_is_refused(docker):
    with pytest.raises(ValueError, match="is not a program's name or absolute path"):
        wrapper(docker=docker)


@pytest.mark.parametrize(
    "address", ["x", "unix://x", "unix:///a b", "ssh://x", "unix:///a'b", "unix:///a\n", "fd://"]
)
def test_an_address_of_docker_that_could_be_more_is_refused(address):
    with pytest.raises(ValueError, match="is not like unix:///"):
        wrapper(docker_host=address)


def test_the_line_restricts_the_key_and_forces_the_wrapper():
    key = private_key()[0]
    public = f"{key.get_name()} {key.get_base64()}"
    assert authorized_keys_line(f"{public} logsite@example.com\n") == (
        f'restrict,command="/usr/local/bin/logsite-docker-read" {public} logsite@example.com'
    )


@pytest.mark.parametrize(
    "public",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 !!!!",
        "ssh-rsa {base64}",
        "{key}\n{key}",
        "{key} a\nb",
        "no-pty {key}",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "{key} \u00e9",
    ],
)
def test_what_is_no_public_key_gets_no_line(public):
    key = private_key()[0]
    text = public.format(key=f"{key.get_name()} {key.get_base64()}", base64=key.get_base64())
    with pytest.raises(ValueError, match=r"public key: .* is not a type and base64"):
        authorized_keys_line(text)


@pytest.mark.parametrize(
    "path", ["", "logsite-docker-read", "/a b", '/a"', "/a\n", "/a;b", "~/a", "/", "/$HOME"]
)
def test_a_path_that_would_end_the_option_is_refused(path):
    key = private_key()[0]
    with pytest.raises(ValueError, match=r"path: .* is not an absolute path"):
        authorized_keys_line(f"{key.get_name()} {key.get_base64()}", path)


def test_the_instructions_can_be_pasted(tmp_path):
    """Up to the wrapper itself, which comes out of the here-document as it went in."""
    key = private_key()[0]
    path = f"{tmp_path}/logsite-docker-read"
    text = instructions(
        DockerHost(name="app01", user="logs"), f"{key.get_name()} {key.get_base64()}", path=path
    )
    assert authorized_keys_line(f"{key.get_name()} {key.get_base64()}", path) in text.splitlines()
    assert "manage.py prodlogs selftest --host app01" in text
    paste = text[text.index("cat > ") : text.index("chown")]
    subprocess.run(["sh", "-c", paste], check=True)
    assert (tmp_path / "logsite-docker-read").read_text() == wrapper()
    assert PATH == "/usr/local/bin/logsite-docker-read"
