"""`manage.py prodlogs` against a real Docker engine behind a real OpenSSH."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from logsite.commands.stopping import account
from prodlogs.hardening import selftest
from prodlogs.hardening.wrapper import wrapper
from prodlogs.management.commands import prodlogs as command
from prodlogs.models import DockerHost, RemoteCommand
from tests.conftest import service_address
from tests.factories import DockerHostFactory
from tests.prodlogs.conftest import Docker
from tests.prodlogs.keys import HOST_KEY, HOST_KEY_FINGERPRINT, PRIVATE_KEY

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPTS = {
    "pl-web": "echo 'INFO ready'; echo 'ERROR: no such page' >&2; sleep 600",
    "pl-db": "echo '[CRITICAL] disk full'; echo plain; sleep 600",
    "pl-job": 'printf \'{"level":"warning","msg":"slow"}\\n\'; sleep 600',
}
CONTAINERS = set(SCRIPTS)
OUTCOME = {
    "name",
    "tried",
    "hostile",
    "passed",
    "refused",
    "answer",
    "exit_code",
    "stdout_bytes",
    "stderr_bytes",
    "duration_ms",
}
ENTRY = {"container_name", "timestamp", "level", "message", "raw_line"}


def prodlogs(*words):
    """What the command writes to stdout and stderr; CommandError as it comes."""
    out, err = StringIO(), StringIO()
    call_command("prodlogs", *map(str, words), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def as_json(*words):
    return json.loads(prodlogs(*words, "--json")[0])


@pytest.fixture(scope="module")
def running():
    """Three containers that have written something."""
    engine = Docker(service_address("LOGSITE_TEST_DOCKER"))
    for name, script in SCRIPTS.items():
        engine.run(name, script)
    yield engine
    engine.clean()


@pytest.fixture
def three(running, docker_host):
    """They are on the one host there is."""
    return docker_host


def only(found):
    """Of what stands by container, ours: the engine may run others."""
    return {name: value for name, value in found.items() if name in CONTAINERS}


# --- Looking -----------------------------------------------------------------------------------------------


def test_status_lists_the_containers(three):
    lines = prodlogs("status")[0].splitlines()

    assert lines[0].split() == ["HOST", "NAME", "STATE", "HEALTH", "RESTARTS", "STARTED", "AT", "IMAGE"]
    assert {line.split()[1] for line in lines[1:]} >= CONTAINERS


def test_status_as_json(three):
    found = as_json("status")

    [web] = [row for row in found["containers"] if row["name"] == "pl-web"]
    assert found["failures"] == []
    assert len(web["container_id"]) == 64
    assert (web["state"], web["log_driver"]) == ("running", "json-file")


def test_logs_shows_all_containers_with_their_levels(three):
    out, _ = prodlogs("logs", 1)

    assert " pl-web INFO INFO ready\n" in out
    assert " pl-web ERROR ERROR: no such page\n" in out
    assert " pl-db - plain\n" in out


def test_logs_as_json_has_the_shape_of_the_saved_file(three):
    found = as_json("logs", 1)

    assert set(found) == {"timestamp", "collection_source", "containers"}
    assert set(only(found["containers"])) == CONTAINERS
    assert {frozenset(entry) for entry in found["containers"]["pl-web"]} == {frozenset(ENTRY)}


def test_a_second_look_shows_the_same_and_doubles_nothing(three):
    first = only(as_json("logs", 1)["containers"])

    assert only(as_json("logs", 1)["containers"]) == first


def test_container_shows_one(three):
    entries = as_json("container", "pl-db", 1)

    assert [(entry["level"], entry["message"]) for entry in entries] == [
        ("CRITICAL", "[CRITICAL] disk full"),
        (None, "plain"),
    ]


@pytest.mark.parametrize("digits", [12, 64])
def test_container_takes_an_id(digits, three):
    prodlogs("status")
    identity = three.containers.get(name="pl-db").container_id

    assert [entry["message"] for entry in as_json("container", identity[:digits])] == [
        "[CRITICAL] disk full",
        "plain",
    ]


def test_container_in_words(three):
    out, _ = prodlogs("container", "pl-job")

    assert out.splitlines()[0].endswith('pl-job WARNING {"level":"warning","msg":"slow"}')


def test_errors_sums_up(three):
    summary = as_json("errors", 24)

    assert set(summary) == {
        "timestamp",
        "analysis_period_hours",
        "total_containers",
        "containers_with_errors",
        "total_error_entries",
        "error_breakdown",
        "critical_issues",
    }
    assert {name: errors["error_count"] for name, errors in only(summary["error_breakdown"]).items()} == {
        "pl-web": 1,
        "pl-db": 1,
    }
    [issue] = [issue for issue in summary["critical_issues"] if issue["container"] == "pl-db"]
    assert (issue["message"], issue["severity"]) == ("[CRITICAL] disk full", "critical")


def test_errors_in_words(three):
    out, _ = prodlogs("errors")

    assert "errors of the last 1 h in" in out
    assert "pl-web: 1\n" in out
    assert "pl-db critical: [CRITICAL] disk full" in out


def test_save_writes_the_file(three, tmp_path):
    path = tmp_path / "day.json"

    found = as_json("save", 24, "--output", path)

    saved = json.loads(path.read_text())
    assert found["output_file"] == str(path)
    assert found["entries"] == sum(map(len, saved["containers"].values()))
    assert saved["collection_source"] == "production_ssh"
    assert set(only(saved["containers"])) == CONTAINERS


def test_save_says_what_it_wrote(three, tmp_path):
    out, _ = prodlogs("save", "--output", tmp_path / "day.json")

    assert out.endswith(f" entries in {tmp_path / 'day.json'}\n")


@pytest.mark.parametrize("path", ["", "missing/day.json", "file/day.json"])
def test_save_asks_for_a_file_it_can_write_before_it_reads(path, three, tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(CommandError, match=f"^{tmp_path / path}.*director"):
        prodlogs("save", "--output", tmp_path / path)

    assert not RemoteCommand.objects.exists()


def test_health_of_running_containers(three):
    found = as_json("health")

    assert (found["status"], found["hosts"][0]["status"]) == ("healthy", "healthy")
    assert {row["container_name"] for row in found["hosts"][0]["stats"]} >= CONTAINERS


def test_health_names_a_container_that_failed(docker, docker_host):
    docker.run("pl-broken", "exit 3")
    docker.wait("pl-broken")

    with pytest.raises(CommandError, match=r"^health: degraded$"):
        prodlogs("health")

    assert docker_host.containers.get(name="pl-broken").exit_code == 3


@pytest.mark.parametrize(("words", "seconds"), [([], 0.2), (["--interval", "0.3"], 0.3)])
def test_follow_reads_until_it_is_asked_to_end(words, seconds, three, monkeypatch, settings):
    rounds, intervals = [], []

    def two_rounds(find, *, user, interval, stop, report):
        intervals.append(interval)

        def counted(result):
            rounds.append(result)
            report(result)
            if len(rounds) == 2:
                stop.set()

        follow(find, user=user, interval=interval, stop=stop, report=counted)

    follow = command.follow
    monkeypatch.setattr(command, "follow", two_rounds)
    settings.PRODLOGS_INTERVAL = 0.2
    out, err = prodlogs("follow", *words)

    assert "pl-web: complete; 2 lines" in out
    assert "Ctrl-C ends" in err
    assert intervals == [seconds]


def test_follow_as_json_is_an_object_a_line(db, monkeypatch):
    DockerHostFactory(name="dead", address="127.0.0.1", port=1)
    follow = command.follow

    def one_round(find, *, user, interval, stop, report):
        def told(result):
            report(result)
            stop.set()

        follow(find, user=user, interval=interval, stop=stop, report=told)

    monkeypatch.setattr(command, "follow", one_round)

    [line] = prodlogs("follow", "--json")[0].splitlines()

    assert json.loads(line)["host"] == "dead"
    assert json.loads(line)["error_kind"] == "configuration"  # it has no key


# --- What goes wrong ---------------------------------------------------------------------------------------


def test_without_a_host_it_says_how_to_define_one(db):
    with pytest.raises(CommandError, match="no Docker host is defined: add one in the admin") as error:
        prodlogs("status")

    assert error.value.returncode == 2


def test_an_unknown_host_is_named_with_the_known_ones(three, docker_host):
    with pytest.raises(
        CommandError, match=rf"no such Docker host: 'nowhere'; known hosts: {docker_host.name}"
    ):
        prodlogs("logs", "--host", "nowhere")


def test_an_unknown_container_is_an_error(three):
    with pytest.raises(CommandError, match="no host has a container 'nothing'") as error:
        prodlogs("container", "nothing")

    assert error.value.returncode == 1  # the host was asked


def refusal(*words):
    """What the command says as it refuses its words."""
    try:
        return f"not refused: {prodlogs(*words)}"
    except CommandError as error:
        return str(error)


def test_hours_that_are_none_are_refused():
    found = {hours: refusal("logs", "--", hours) for hours in ("0", "-1", "many", "nan", "99999")}

    wrong = {
        hours: said
        for hours, said in found.items()
        if f"'{hours}' is not a number of hours above 0 and up to 8784" not in said
    }
    assert wrong == {}


def test_an_interval_that_is_none_is_refused():
    found = {
        seconds: refusal("follow", f"--interval={seconds}") for seconds in ("0", "-1", "soon", "nan", "86401")
    }

    wrong = {
        seconds: said
        for seconds, said in found.items()
        if f"'{seconds}' is not a number of seconds above 0 and up to a day" not in said
    }
    assert wrong == {}


def test_a_hostile_name_is_sent_nowhere(three):
    with pytest.raises(CommandError, match="not a container's id or name") as refused:
        prodlogs("container", "web; docker rm -f web")

    assert refused.value.returncode == 2
    row = RemoteCommand.objects.get()  # and no other: nothing was sent
    assert row.argv == ["docker", "logs", "--timestamps", "web; docker rm -f web"]
    assert (row.denied, row.via, row.exit_code, row.user) == (True, "cli", None, account())


def test_a_host_that_fails_is_named_and_the_others_are_read(three, docker_host, ssh_host, docker_sshd):
    bad = ssh_host(docker_sshd, name="bad", ssh_key=docker_sshd.stranger)

    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError, match=r"^bad: ") as error:
        call_command("prodlogs", "logs", "1", stdout=out, stderr=err)

    assert error.value.returncode == 1
    assert "pl-web INFO INFO ready" in out.getvalue()
    bad.refresh_from_db()
    assert bad.error_kind == "authentication", bad.error_message


class Head:
    """A standard output whose reader leaves after its first line, as `head -1` does."""

    def __init__(self):
        self.written = ""

    def write(self, text):
        if self.written:
            raise BrokenPipeError
        self.written = text

    def flush(self):
        """Nothing is kept back."""

    def isatty(self):
        return False


def test_a_reader_that_leaves_early_does_not_hide_a_host_that_failed(
    three, ssh_host, docker_sshd, monkeypatch
):
    ssh_host(docker_sshd, name="bad", ssh_key=docker_sshd.stranger)
    monkeypatch.setattr("os.dup2", lambda *descriptors: None)  # the test's own output stays open

    with pytest.raises(CommandError, match=r"^bad: "):
        call_command("prodlogs", "logs", "24", stdout=Head(), stderr=StringIO())


def test_a_failure_is_said_once(three, ssh_host, docker_sshd):
    ssh_host(docker_sshd, name="bad", ssh_key=docker_sshd.stranger)
    err = StringIO()

    with pytest.raises(CommandError):
        call_command("prodlogs", "logs", "24", stdout=StringIO(), stderr=err)

    assert "bad" not in err.getvalue()


# --- The host's side ---------------------------------------------------------------------------------------


def test_accept_key_accepts_what_was_offered(docker, docker_host):
    host_key = docker_host.host_key
    DockerHost.objects.update(host_key="")
    with pytest.raises(CommandError, match="SHA256:") as error:
        prodlogs("status")

    from logsite.ssh.host_keys import fingerprint

    shown = fingerprint(host_key)
    assert shown in str(error.value)
    assert as_json("accept-key", "--host", docker_host.name, "--fingerprint", shown) == {
        "host": docker_host.name,
        "fingerprint": shown,
    }

    prodlogs("status")
    row = RemoteCommand.objects.get(argv__0="accept-key")
    assert (row.argv, row.user, row.via) == (["accept-key", shown], account(), "cli")


def test_accept_key_says_which_key_it_is_from_now_on(db):
    host = DockerHostFactory(offered_host_key=HOST_KEY)

    out, _ = prodlogs("accept-key", "--fingerprint", HOST_KEY_FINGERPRINT)

    assert out == f"{host.name}: the accepted host key is now {HOST_KEY_FINGERPRINT}\n"
    assert DockerHost.objects.get().host_key == HOST_KEY


@pytest.mark.parametrize("words", [["harden"], ["selftest"], ["accept-key", "--fingerprint", "SHA256:x"]])
def test_what_is_for_one_host_asks_which_of_several(words, db):
    for name in ("docker01", "docker02"):
        DockerHostFactory(name=name)

    with pytest.raises(CommandError, match="--host: choose one of docker01, docker02") as error:
        prodlogs(*words)

    assert error.value.returncode == 2


def test_harden_prints_wrapper_and_line(docker_host):
    out, _ = prodlogs("harden", "--host", docker_host.name)

    assert 'restrict,command="/usr/local/bin/logsite-docker-read"' in out
    assert "#!/bin/sh" in out
    assert "PRIVATE KEY" not in out


def test_harden_as_json(docker_host):
    found = as_json("harden", "--path", "/opt/read")

    assert found["wrapper"].startswith("#!/bin/sh\n")
    assert found["authorized_keys"].startswith('restrict,command="/opt/read" ')


def test_harden_prints_the_wrapper_alone(db):
    DockerHostFactory(ssh_key=PRIVATE_KEY)

    out, _ = prodlogs("harden", "--wrapper")

    assert out == wrapper()


def test_harden_names_another_client_and_another_daemon(db):
    DockerHostFactory(ssh_key=PRIVATE_KEY)
    words = ("--docker", "/opt/bin/docker", "--docker-host", "unix:///run/user/1000/docker.sock")

    alone, _ = prodlogs("harden", "--wrapper", *words)
    whole, _ = prodlogs("harden", *words)

    assert alone == wrapper("/opt/bin/docker", "unix:///run/user/1000/docker.sock")
    assert alone in whole
    assert as_json("harden", *words)["wrapper"] == alone


def test_harden_writes_nothing_into_a_script_that_could_be_more_than_a_path(db):
    DockerHostFactory(ssh_key=PRIVATE_KEY)

    with pytest.raises(CommandError, match="is not a program's name or absolute path") as error:
        prodlogs("harden", "--docker", "docker; reboot")

    assert error.value.returncode == 2


REFUSAL = selftest.Outcome("exec", "docker exec", True, True, True, "exit code 126", 126, 0, 9, 1.5)


def test_selftest_as_json_has_each_attempt_and_no_other_line(db, monkeypatch):
    DockerHostFactory()
    got_through = replace(REFUSAL, name="rm", passed=False, refused=False, exit_code=0)

    def run(host, *, user, report):
        for outcome in (REFUSAL, got_through):
            report(outcome)
        return [REFUSAL, got_through]

    monkeypatch.setattr(selftest, "run", run)
    out = StringIO()
    with pytest.raises(CommandError, match="1 of 2 attempts did not end as required"):
        call_command("prodlogs", "selftest", "--json", stdout=out)

    outcomes = json.loads(out.getvalue())
    assert {frozenset(outcome) for outcome in outcomes} == {frozenset(OUTCOME)}
    assert [(outcome["name"], outcome["passed"]) for outcome in outcomes] == [("exec", True), ("rm", False)]


def test_selftest_tells_each_attempt_as_it_ends(db, monkeypatch):
    DockerHostFactory()
    out, seen = StringIO(), []

    def run(host, *, user, report):
        report(REFUSAL)
        seen.append(out.getvalue())
        return [REFUSAL]

    monkeypatch.setattr(selftest, "run", run)
    call_command("prodlogs", "selftest", stdout=out)

    assert seen == ["ok            refused  exec: exit code 126\n"]
    assert out.getvalue() == seen[0]


def test_selftest_fails_on_a_host_that_is_not_hardened(three):
    out = StringIO()
    with pytest.raises(CommandError, match="attempts did not end as required"):
        call_command("prodlogs", "selftest", stdout=out)

    assert "NOT REFUSED" in out.getvalue()
