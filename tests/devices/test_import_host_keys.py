"""manage.py import_host_keys: known_hosts into the inventory, all or nothing."""

import io
import sys
from types import SimpleNamespace

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command

from devices.models import Device
from tests.devices.keyed import host_key, shown, text
from tests.factories import DeviceFactory

pytestmark = pytest.mark.django_db

FIRST, SECOND, THIRD = (host_key(number=number) for number in range(3))
RSA, ED25519 = host_key("rsa"), host_key("ed25519")


@pytest.fixture
def known_hosts(tmp_path):
    """Runs the command over a file of these lines: what it wrote, and what it complained of at last."""

    def make(*lines, options=()):
        file = tmp_path / "known_hosts"
        file.write_text("".join(f"{line}\n" for line in lines))
        return run(str(file), *options)

    return make


def run(*words):
    out, err, failed = io.StringIO(), io.StringIO(), ""
    try:
        call_command("import_host_keys", *words, stdout=out, stderr=err)
    except CommandError as error:
        failed = str(error)
    return SimpleNamespace(out=out.getvalue(), err=err.getvalue(), failed=failed)


def stored():
    return dict(Device.objects.order_by("name").values_list("name", "host_key"))


def device(name="rtr01", **columns):
    return DeviceFactory(name=name, **{"host": name, **columns})


def test_a_file_s_keys_are_accepted_on_record(known_hosts, owner):
    device()
    device("rtr02", host="192.0.2.2", port=2222, offered_host_key=text(SECOND))
    device("rtr03")
    said = known_hosts(
        f"rtr01 {text(FIRST)} of the console", f"[192.0.2.2]:2222 {text(SECOND)}", options=["--user", "owner"]
    )
    assert said.failed == ""
    assert said.out == (
        f"rtr01: line 1: imported, {shown(FIRST)}\nrtr02: line 2: imported, {shown(SECOND)}\n"
        "rtr03: not in the file\n2 imported, 1 not in the file\n"
    )
    assert stored() == {"rtr01": text(FIRST), "rtr02": text(SECOND), "rtr03": ""}
    row = Device.objects.get(name="rtr02")
    assert (row.offered_host_key, row.host_key_by) == ("", "imported by user owner")
    messages = [entry.get_change_message() for entry in LogEntry.objects.filter(user=owner).order_by("pk")]
    assert messages == [f"Imported the host key {shown(key)}" for key in (FIRST, SECOND)]


def test_a_dry_run_says_the_same_and_does_nothing(known_hosts):
    device()
    said = known_hosts(f"rtr01 {text(FIRST)}", options=["--dry-run"])
    assert said.out == f"rtr01: line 1: imported, {shown(FIRST)}\nWould be: 1 imported\n"
    assert (stored(), LogEntry.objects.count()) == ({"rtr01": ""}, 0)


def test_standard_input_is_read(monkeypatch):
    device()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(f"rtr01 {text(FIRST)}\n".encode())))
    assert run("-").failed == ""
    assert stored() == {"rtr01": text(FIRST)}


# The accepted text before, the lines, the options, the accepted text after, and a part of what is said.
CASES = [
    ("", [f"rtr01 {text(FIRST)}"], [], text(FIRST), "rtr01: line 1: imported"),
    ("", [f"RTR01 {text(FIRST)}"], [], text(FIRST), "rtr01: line 1: imported"),
    (text(FIRST), [f"rtr01 {text(FIRST)}"], [], text(FIRST), "1 known already"),
    (text(FIRST), [f"rtr01 {text(SECOND)}"], [], text(FIRST), "--replace accepts the file's key instead"),
    (text(FIRST), [f"rtr01 {text(SECOND)}"], ["--replace"], text(SECOND), "rtr01: line 1: replaced"),
    (text(FIRST), [f"rtr01 {text(SECOND)}"], ["--replace", "--dry-run"], text(FIRST), "replaced"),
    (
        text(RSA),
        [f"rtr01 {text(ED25519)}", f"rtr01 {text(RSA)}"],
        [],
        text(ED25519, RSA),
        "lines 1, 2: imported",
    ),
    (text(RSA), [f"rtr01 {text(RSA)}", f"rtr01 {text(RSA)}"], [], text(RSA), "known already"),
    ("", [f"rtr01 {text(FIRST)}", f"rtr01 {text(SECOND)}"], [], text(FIRST, SECOND), "lines 1, 2"),
    ("", [f"@revoked rtr01 {text(FIRST)}", f"rtr01 {text(FIRST)}"], [], "", "rtr01: not in the file"),
    ("", [f"@revoked * {text(FIRST)}", f"rtr01 {text(SECOND)}"], [], text(SECOND), "line 2: imported"),
    (
        text(FIRST),
        [f"@revoked * {text(FIRST)}"],
        [],
        text(FIRST),
        "line 1: the file revokes the key",
    ),
    (
        text(FIRST),
        [f"@revoked * {text(FIRST)}", f"rtr01 {text(SECOND)}"],
        ["--replace"],
        text(SECOND),
        "replaced",
    ),
    (text(FIRST), [f"@revoked rtr02 {text(FIRST)}"], [], text(FIRST), "rtr01: not in the file"),
    ("", [f"@cert-authority * {text(FIRST)}"], [], "", "line 1: skipped, a certificate authority"),
    ("", ["rtr01 ssh-dss AAAAB3NzaC1kc3M=", f"rtr01 {text(FIRST)}"], [], text(FIRST), "line 1: skipped"),
    ("", [f"[rtr01]:2222 {text(FIRST)}"], [], "", "rtr01: not in the file"),
    ("", ["# nothing"], [], "", "rtr01: not in the file"),
    ("nonsense", [f"rtr01 {text(FIRST)}"], [], "nonsense", "--replace accepts the file's key instead"),
    ("nonsense", [f"rtr01 {text(FIRST)}"], ["--replace"], text(FIRST), "replaced"),
]


def test_what_an_import_comes_to(known_hosts):
    wrong = []
    for number, (before, lines, options, after, expected) in enumerate(CASES):
        device(host_key=before)
        said = known_hosts(*lines, options=options)
        looks = "--replace accepts" in expected or "the file revokes" in expected
        if stored() != {"rtr01": after} or expected not in said.out + said.err:
            wrong.append((number, stored(), said))
        if said.failed != ("check these devices: rtr01" if looks else ""):
            wrong.append((number, said.failed))
        Device.objects.all().delete()
    assert wrong == []


def test_a_bad_line_imports_nothing_and_all_are_named(known_hosts):
    device()
    said = known_hosts(f"rtr01 {text(FIRST)}", "rtr01", f"rtr02 {text(SECOND)}", f"rtr03 {text(THIRD)[:-8]}")
    assert said.failed == (
        "line 2: expected names, key type and base64\n"
        f"line 4: the {THIRD.get_name()} key is damaged\n"
        "nothing is imported: correct or remove these lines"
    )
    assert stored() == {"rtr01": ""}


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path, monkeypatch):
    device()
    utf16 = tmp_path / "utf16"
    utf16.write_bytes(f"rtr01 {text(FIRST)}\n".encode("utf-16"))
    wrong = []
    for file, expected in (
        (tmp_path / "absent", "No such file or directory"),
        (tmp_path, "Is a directory"),
        ("\0", "is not UTF-8 text without NUL"),
        ("~nobody-of-this-name/known_hosts", "cannot be read"),
        (utf16, "line 1: "),
    ):
        said = run(str(file))
        if expected not in said.failed:
            wrong.append((file, said))
    monkeypatch.setattr("devices.management.commands.import_host_keys.MAX_FILE_BYTES", 10)
    if "it is longer than 10 bytes" not in run(str(utf16)).failed:
        wrong.append("size")
    assert wrong == []
    assert stored() == {"rtr01": ""}


def test_what_a_file_says_does_not_steer_the_terminal(known_hosts):
    said = known_hosts(f"@\x1b[2Jevil rtr01 {text(FIRST)}", f"rtr01 x\x1b[31m {FIRST.get_base64()}")
    assert "\x1b" not in said.failed + said.out + said.err


def test_a_device_that_changes_meanwhile_is_left_alone(known_hosts, monkeypatch):
    from devices import known_hosts as module

    device()
    applied = module.apply

    def moved(found, actor):
        Device.objects.update(host="192.0.2.7")
        applied(found, actor)

    monkeypatch.setattr(module, "apply", moved)
    known_hosts(f"rtr01 {text(FIRST)}")
    assert (stored(), LogEntry.objects.count()) == ({"rtr01": ""}, 0)
