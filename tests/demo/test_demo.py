"""The demo: the emulated fleet, what it puts into the inventory, and that nothing of it stays behind."""

import os
import select
import signal
import socket
import stat
import subprocess
import sys
from contextlib import contextmanager

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from netmiko import ConnectHandler
from netmiko.exceptions import NetmikoAuthenticationException

from demo import running
from deploy.demo.fleet import Fleet, inventory
from devices.models import Credential, Device, InterfaceAddress, Outcome
from sessionlogs.models import EventType, SessionLog
from tests.ports import free_port

SECONDS = 150  # only a defect takes so long


@pytest.fixture(scope="module")
def fleet():
    with Fleet() as started:
        yield {device["name"]: device for device in started.devices}


@contextmanager
def login(device, **changes):
    arguments = {
        "device_type": device["platform"],
        "host": device["host"],
        "port": device["port"],
        "username": device["username"],
        "password": device["password"],
        "secret": device["enable_secret"],
        "conn_timeout": 60,
        "read_timeout_override": 150,
        "allow_agent": device["platform"] == "paloalto_panos",  # FakeNOS knows no keyboard-interactive login
    }
    with ConnectHandler(**arguments | changes) as connection:
        yield connection


def answer(device, command):
    return (running.settings.BASE_DIR / "deploy/demo/outputs" / command["file"]).read_text().strip()


def is_closed(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


class TestFleet:
    @pytest.mark.parametrize("name", ["fw01.demo", "rtr01.demo", "sw01.demo"])
    def test_a_device_answers_its_commands(self, fleet, name):
        entry = next(entry for entry in inventory() if entry["name"] == name)
        with login(fleet[name]) as connection:
            if fleet[name]["enable_secret"]:
                connection.enable()
            for command, expected in entry["commands"].items():
                if isinstance(expected, dict):
                    assert connection.send_command(command).strip() == answer(entry, expected)

    def test_an_unknown_command_is_refused(self, fleet):
        with login(fleet["rtr01.demo"]) as connection:
            assert "% Invalid input" in connection.send_command("show bogus")

    def test_the_configuration_needs_the_enable_secret(self, fleet):
        with login(fleet["rtr01.demo"], secret="wrong") as connection:
            assert "% Invalid input" in connection.send_command("show running-config")
            with pytest.raises(ValueError, match="enable mode"):
                connection.enable()

    def test_one_refuses_the_password(self, fleet):
        with pytest.raises(NetmikoAuthenticationException), login(fleet["sw02.demo"]):
            pass

    def test_a_port_that_is_taken_is_replaced(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with Fleet(port, names=["sw02.demo"]) as fleet:
                assert fleet.devices[0]["port"] not in (0, port)

    def test_stopping_closes_the_ports(self):
        with Fleet(free_port(), names=["sw01.demo"]) as fleet:
            port = fleet.devices[0]["port"]
            assert not is_closed(port)
        assert is_closed(port)


class TestFleetProcess:
    """What `run_demo` starts."""

    def test_runs_until_its_standard_input_ends_and_says_nothing(self):
        with self.process() as (process, devices):
            refusing = next(device for device in devices if device["name"] == "sw02.demo")
            with pytest.raises(NetmikoAuthenticationException), login(refusing):
                pass
            socket.create_connection((refusing["host"], refusing["port"])).close()
            process.stdin.close()
            assert process.wait(SECONDS) == 0
            assert process.stderr.read() == ""
        assert all(is_closed(device["port"]) for device in devices)

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_ends_at_a_signal(self, number):
        with self.process() as (process, _):
            process.send_signal(number)
            assert process.wait(SECONDS) == 0
            assert process.stderr.read() == ""

    @contextmanager
    def process(self):
        # The default ports are those of every fleet: another one could listen on them once this one has ended.
        command = [sys.executable, "-m", "deploy.demo.fleet", "--port-base", str(free_port())]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, cwd=running.settings.BASE_DIR, text=True, **pipes) as process:
            try:
                yield process, running._read_ready(process)
            finally:
                process.kill()


class TestAttached:
    def test_a_command_ends_when_its_parent_is_killed(self):
        if sys.platform != "linux":
            pytest.skip("only Linux tells a process of its parent's end")
        program = (
            "import os, subprocess, sys, time\n"
            "attached = [sys.executable, '-m', 'deploy.demo.attached', str(os.getpid())]\n"
            "subprocess.Popen([*attached, '/bin/sh', '-c', 'echo runs; exec sleep 600'])\n"
            "time.sleep(600)\n"
        )
        command = [sys.executable, "-c", program]
        with subprocess.Popen(command, cwd=running.settings.BASE_DIR, stdout=subprocess.PIPE) as parent:
            assert parent.stdout.readline() == b"runs\n"
            parent.kill()
            # The pipe ends when nobody holds it any more: neither the parent nor its child.
            assert select.select([parent.stdout], [], [], SECONDS)[0]
            assert parent.stdout.read() == b""

    def test_a_command_whose_parent_has_gone_does_not_start(self):
        command = [sys.executable, "-m", "deploy.demo.attached", "1", "/bin/echo", "started"]
        done = subprocess.run(command, cwd=running.settings.BASE_DIR, capture_output=True, check=False)
        assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.django_db
class TestAdministrator:
    def test_is_created_once_and_its_password_kept_privately(self, tmp_path):
        path = tmp_path / "admin-password"
        first, second = running.ensure_admin(path), running.ensure_admin(path)
        assert (first.created, second.created) == (True, False)
        assert first.password == second.password == path.read_text().strip()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        user = get_user_model().objects.get(username="admin")
        assert user.is_superuser
        assert user.check_password(first.password)

    def test_a_password_set_by_hand_is_not_known(self, tmp_path):
        path = tmp_path / "admin-password"
        running.ensure_admin(path)
        user = get_user_model().objects.get(username="admin")
        user.set_password("set-by-hand")
        user.save()
        assert running.ensure_admin(path).password == ""
        path.unlink()
        assert running.ensure_admin(path).password == ""


def entry(name="sw09.demo", **changes):
    return {
        "name": name,
        "host": "127.0.0.1",
        "port": 2201,
        "platform": "arista_eos",
        "agent_type": "network",
        "username": "netops",
        "password": "first",
        "enable_secret": "",
        "tags": ["demo", "switch"],
        "secrets": [],
    } | changes


@pytest.mark.django_db
class TestSeeding:
    def test_twice_gives_the_same_rows_brought_up_to_date(self):
        (created,), _ = running.seed([entry()])
        Device.objects.update(enabled=False, outcome=Outcome.FAILED)
        (updated,), foreign = running.seed([entry(port=2209, password="second")])
        assert (updated.pk, updated.port, foreign) == (created.pk, 2209, [])
        updated.refresh_from_db()
        assert updated.enabled
        assert updated.outcome == Outcome.FAILED, "what a collection found out is not the demo's to change"
        assert Credential.objects.get().password == "second"
        assert sorted(updated.tags.values_list("name", flat=True)) == ["demo", "switch"]

    def test_leaves_other_peoples_rows_alone(self):
        credential = Credential.objects.create(name="demo: sw08.demo", username="mine", password="mine")
        Device.objects.create(name="sw07.demo", host="192.0.2.7", platform="arista_eos")
        Device.objects.create(name="other", host="192.0.2.8", platform="arista_eos", credential=credential)
        devices, foreign = running.seed([entry("sw07.demo"), entry("sw08.demo"), entry("sw09.demo")])
        assert [device.name for device in devices] == ["sw09.demo"]
        assert foreign == ["sw07.demo", "sw08.demo"]
        assert Device.objects.get(name="sw07.demo").host == "192.0.2.7"
        credential.refresh_from_db()
        assert credential.username == "mine"

    def test_takes_back_the_claim_of_a_demo_that_was_killed(self):
        running.seed([entry()])
        Device.objects.update(claimed_until="2099-01-01T00:00:00Z")
        running.seed([entry()])
        assert Device.objects.get().claimed_until is None


class TestProcesses:
    def test_a_signal_ends_the_block_quietly(self):
        before = signal.getsignal(signal.SIGTERM)
        reached = []
        with running.until_stopped():
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("the end")
        assert reached == []
        assert signal.getsignal(signal.SIGTERM) == before

    def test_the_site_answers_and_leaves_no_port_open(self, tmp_path, monkeypatch):
        monkeypatch.setenv("DATA_DIR", str(tmp_path))
        monkeypatch.delenv("DATABASE_URL", raising=False)
        port = free_port()
        with running.running_site("127.0.0.1", port) as site:
            assert site.poll() is None
            assert not is_closed(port)
        assert is_closed(port)


class TestCommand:
    def test_a_busy_port_is_one_line_before_anything_else(self, db):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(CommandError, match=rf"127.0.0.1:{port} is in use; .* PORT={port + 1}\Z"):
                call_command("run_demo", "--port", str(port))
        assert not get_user_model().objects.exists()

    def test_without_fakenos_it_says_what_to_install(self, db, monkeypatch):
        monkeypatch.setattr(running, "find_spec", lambda name: None)
        with pytest.raises(
            CommandError, match=r"\Athe package FakeNOS.* is missing; `make run` installs it\Z"
        ):
            call_command("run_demo")
        assert not get_user_model().objects.exists()

    def test_without_the_fleet_s_program_it_says_who_has_it(self, db, settings, tmp_path):
        settings.BASE_DIR = tmp_path
        with pytest.raises(
            CommandError, match=r"deploy/demo.* missing: only a checkout .*`make run` in a checkout\Z"
        ):
            call_command("run_demo")
        assert not get_user_model().objects.exists()

    @pytest.mark.django_db(transaction=True)
    def test_collects_the_fleet_and_shows_the_refused_one(self, settings, tmp_path, capsys):
        settings.DATA_DIR = tmp_path
        call_command("run_demo", "--no-serve")
        output = capsys.readouterr().out
        assert "user: admin  password: " in output
        assert "sw02.demo" in output
        outcomes = dict(Device.objects.values_list("name", "outcome"))
        assert outcomes.pop("sw02.demo") == Outcome.FAILED
        assert set(outcomes.values()) == {Outcome.SUCCESS}
        assert InterfaceAddress.objects.filter(address="198.51.100.3", prefix_length=29, position=1).exists()
        refused = SessionLog.objects.get(device="sw02.demo", event_type=EventType.CONNECTION_FAILED)
        assert refused.error_message
        assert refused.user == "admin"
