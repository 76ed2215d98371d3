"""Running commands: from the command line, over the API, from the admin."""

import getpass
import json
import time
from io import StringIO

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import CommandError, call_command
from django.urls import reverse

from devices.admin import commands
from devices.commands import NOT_RUN, refusals, run_on_device
from devices.connectors import executions
from logsite.audit.models import AuditEntry
from logsite.commands.stopping import account
from sessionlogs.models import Session, SessionLog
from tests.devices.emulator import DROP, PASSWORD, SILENCE, free_port
from tests.devices.openssh import openssh
from tests.factories import CredentialFactory, DeviceFactory, TagFactory

pytestmark = pytest.mark.django_db(transaction=True)
CLOCK, VERSION = "*12:00:00.000 UTC", "Cisco IOS Software, Version 15.9"
WRITE_MEMORY = {"command": "write memory", "reason": "not on the list of read-only commands of cisco_ios"}


@pytest.fixture
def rtr01(router, device_of):
    """A router of the inventory that knows two commands."""
    router.answers |= {"show clock": CLOCK, "show version": VERSION}
    return device_of(router, name="rtr01")


@pytest.fixture
def operator(db):
    """May run what only reads, and see the inventory and the record."""
    user = User.objects.create_user("operator", "operator@example.com", "operator-password", is_staff=True)
    names = ("run_commands", "view_device", "view_session", "view_sessionlog")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


@pytest.fixture(scope="module")
def linux_host():
    with openssh() as server:
        yield server


@pytest.fixture
def web01(linux_host):
    """A Linux host of the inventory."""
    login = CredentialFactory(username=linux_host.username, password="", ssh_key=linux_host.key)
    return DeviceFactory(
        name="web01", platform="linux", host="127.0.0.1", port=linux_host.port, credential=login
    )


def sent(router):
    """What reached the device beyond the login's own preparation."""
    return [line for line in router.received if line.startswith(("show", "sh ", "reload", "write"))]


def run(*arguments):
    """The text printed, the error, the exit code."""
    out = StringIO()
    try:
        call_command("run_commands", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return out.getvalue(), str(error), error.returncode
    return out.getvalue(), "", 0


# --- the session ----------------------------------------------------------------------------------------------


def test_the_commands_of_a_device_are_one_recorded_session(rtr01, owner, events):
    found = run_on_device(rtr01, ["show clock", "show version"], owner, any_command=False)
    assert [answer.stdout for answer in found.answers] == [CLOCK, VERSION]
    assert [(event.event_type, event.step) for event in events(found.session_id)] == [
        ("connection_start", None),
        ("connection_success", None),
        ("command_sent", 1),
        ("command_response", 1),
        ("command_sent", 2),
        ("command_response", 2),
        ("disconnection", None),
    ]
    session = Session.objects.get()
    assert (session.status, session.user, session.device, session.commands) == (
        "success",
        "owner",
        "rtr01",
        2,
    )


def test_a_command_the_device_refuses_fails_the_session_and_not_the_next_command(rtr01):
    found = run_on_device(rtr01, ["show nonsense", "show clock"], None, any_command=False)
    assert [(answer.ok, answer.error_kind) for answer in found.answers] == [(False, "device"), (True, "")]
    session = Session.objects.get()
    assert (session.status, session.error_kind) == ("failed", "device")
    assert "Invalid input" in session.error_message


def test_a_refused_command_never_reaches_the_device(rtr01, router):
    found = run_on_device(rtr01, ["reload", "show clock", "show clock | tee x"], None, any_command=False)
    assert [answer.refused for answer in found.answers] == [True, False, True]
    assert sent(router) == ["show clock"]
    assert not found.ok


def test_where_every_command_is_refused_nobody_logs_in(rtr01, router):
    run_on_device(rtr01, ["reload"], None, any_command=False)
    assert router.logins == []
    assert not Session.objects.exists()


def test_with_the_permission_anything_is_sent_but_two_lines(rtr01, router):
    router.answers["write memory"] = "Building configuration...\n[OK]"
    found = run_on_device(rtr01, ["write memory", "show clock\nreload"], None, any_command=True)
    assert [answer.ok for answer in found.answers] == [True, False]
    assert sent(router) == ["write memory"]


class NetmikoTime:
    """The module `time` as Netmiko sees it. Once `flies`, ten seconds go by with each look at the clock."""

    flies, ahead = False, 0.0

    def time(self):
        self.ahead += 10.0 * self.flies
        return time.time() + self.ahead

    def __getattr__(self, name):
        return getattr(time, name)


def test_after_a_timeout_on_a_command_line_nothing_more_is_sent(rtr01, router, monkeypatch):
    """The time for an answer runs out once the device has the command, and not while it is being logged in to."""
    clock = NetmikoTime()
    monkeypatch.setattr("netmiko.base_connection.time", clock)
    router.answers["show slow"] = SILENCE
    router.on_command = lambda line: setattr(clock, "flies", line == "show slow")
    found = run_on_device(rtr01, ["show slow", "show clock"], None, any_command=False)
    assert [answer.error_kind for answer in found.answers] == ["timeout", "timeout"]
    assert found.answers[1].error == NOT_RUN
    assert sent(router) == ["show slow"]


def test_a_connection_that_breaks_leaves_the_answers_so_far(rtr01, router):
    router.answers["show crash"] = DROP
    found = run_on_device(rtr01, ["show clock", "show crash", "show version"], None, any_command=False)
    assert [(answer.stdout, answer.error_kind) for answer in found.answers] == [
        (CLOCK, ""),
        ("", "connection"),
        ("", "connection"),
    ]


def test_a_device_that_cannot_be_reached(device_of, router):
    device = device_of(router, name="refuses", password="Wrong-Horse-9")
    found = run_on_device(device, ["show clock"], None, any_command=False)
    assert (found.ok, found.error_kind) == (False, "authentication")
    assert Session.objects.get(pk=found.session_id).status == "failed"


def test_a_device_without_a_credential():
    device = DeviceFactory(credential=None)
    assert "no credential" in run_on_device(device, ["show clock"], None, any_command=False).error


def test_a_linux_host_says_exit_code_stdout_and_stderr(web01):
    found = run_on_device(
        web01, ["uname", "systemctl status no-such-unit", "ip link show dev nix0"], None, any_command=False
    )
    assert [(answer.ok, answer.exit_code == 0) for answer in found.answers] == [
        (True, True),
        (False, False),
        (False, False),
    ]
    assert found.answers[0].stdout == "Linux"
    assert "nix0" in found.answers[2].stderr
    rows = SessionLog.objects.filter(event_type="command_failed").order_by("id")
    assert [row.exit_code for row in rows] == [answer.exit_code for answer in found.answers[1:]]
    assert Session.objects.get().status == "failed"


def test_after_a_timeout_on_a_linux_host_the_next_command_runs(web01, tmp_path, monkeypatch):
    """An hour goes by once the host has taken the first command up; its empty lines let us look at the clock."""
    taken_up = tmp_path / "taken-up"
    monkeypatch.setattr(executions, "monotonic", lambda: time.monotonic() + 3600 * taken_up.exists())
    endless = f"touch {taken_up}; while sleep 0.05; do echo; done"
    found = run_on_device(web01, [endless, "echo on"], None, any_command=True)
    assert [(answer.error_kind, answer.stdout) for answer in found.answers] == [("timeout", ""), ("", "on")]


def test_which_commands_would_be_refused_on_which_device(rtr01, web01):
    found = refusals([rtr01, web01], ["show clock", "uptime"], any_command=False)
    assert [(device.name, answer.command) for device, answer in found] == [
        ("rtr01", "uptime"),
        ("web01", "show clock"),
    ]
    assert refusals([rtr01, web01], ["reload"], any_command=True) == []


# --- redaction ------------------------------------------------------------------------------------------------

SECRETS = ("$1$abcd$Xyz0123456789abcdefgh.", "Th3-Community", PASSWORD)
CONFIGURATION = "enable secret 5 {}\nsnmp-server community {} RO\nbanner {}".format(*SECRETS)


@pytest.fixture
def tells_secrets(rtr01, router):
    router.answers["show running-config"] = CONFIGURATION
    return rtr01


def test_the_command_line_shows_the_redacted_text(tells_secrets):
    text, _, code = run("--device", "rtr01", "show running-config")
    assert code == 0
    assert "<redacted:" in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_the_json_shows_the_redacted_text(tells_secrets):
    text, _, _ = run("--json", "--device", "rtr01", "show running-config")
    assert "<redacted:" in text
    assert [secret for secret in SECRETS if secret in text] == []


def test_the_api_shows_the_redacted_text(tells_secrets, api, owner):
    response = api(owner).post(
        f"/api/v2/devices/{tells_secrets.pk}/run/", {"commands": ["show running-config"]}
    )
    assert "<redacted:" in response.content.decode()
    assert [secret for secret in SECRETS if secret in response.content.decode()] == []


def test_the_page_shows_the_redacted_text(tells_secrets, browser, owner):
    text = (
        browser(owner)
        .post(page(tells_secrets), {"commands": "show running-config", "run": "1"})
        .content.decode()
    )
    assert "&lt;redacted:" in text
    assert [secret for secret in SECRETS if secret in text] == []


# --- manage.py run_commands -----------------------------------------------------------------------------------


def test_answers_stand_under_the_device_s_name(rtr01):
    text, _, code = run("--device", "rtr01", "show clock", "show version")
    session = Session.objects.get()
    lines = text.splitlines()
    assert lines[:5] == ["=== rtr01 ===", "$ show clock", CLOCK, "$ show version", VERSION]
    assert lines[5].startswith("rtr01: ")
    assert lines[5].endswith(f"session {session.session_id}")
    assert (lines[-1], code) == ("1 of 1 devices answered every command", 0)


def test_a_device_that_failed_is_named_and_the_exit_code_is_1(rtr01, router, device_of):
    device_of(router, name="refuses", password="Wrong-Horse-9")
    text, error, code = run("--device", "rtr01", "refuses", "show clock")
    assert CLOCK in text
    assert "refuses: failed, authentication failed" in text
    assert (error, code) == ("1 of 2 devices failed: refuses", 1)


def test_a_command_that_failed_is_shown_with_its_exit_code(web01):
    text, _, code = run("--device", "web01", "ip link show dev nix0")
    assert "failed: exit code 1" in text
    assert code == 1


def test_a_refused_command_is_bad_usage_and_nothing_is_sent_anywhere(rtr01, web01, router):
    text, error, code = run("--device", "rtr01", "web01", "show clock")
    assert (text, code) == ("", 2)
    assert error == "web01: 'show clock' may not be run: not on the list of read-only commands of linux"
    assert router.logins == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--device", "rtr01", "rtr02", "--", "show clock"],
        ["show clock", "--device", "rtr01", "rtr02"],
        ["--device", "rtr01", "rtr02", "show clock"],
        ["--device", "rtr01", "--device", "rtr02", "show clock"],
        ["--tag", "edge", "show clock"],
        ["--tag", "edge", "--device", "rtr01", "--", "show clock"],
        ["--device", "rtr01", "rtr02", "show clock", "--workers", "1"],
    ],
)
def test_devices_by_name_and_by_tag(rtr01, router, device_of, arguments):
    second, off = device_of(router, name="rtr02"), DeviceFactory(name="off", enabled=False)
    for device in (rtr01, second, off):
        device.tags.add(TagFactory(name="edge"))
    text, _, code = run(*arguments)
    assert text.count(CLOCK) == 2
    assert code == 0


def test_a_command_of_one_word_after_a_device(web01):
    assert run("--device", "web01", "uptime")[2] == 0


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--device", "rtr01", "rtr99", "show clock"],
            "--device: not in the inventory: rtr99; put the commands behind --",
        ),
        (
            ["--device", "rtr99", "show clock"],
            "--device: not in the inventory: rtr99; put the commands behind --",
        ),
        (["--device", "off", "show clock"], "--device: not enabled: off"),
        (["--device", "rtr01"], "COMMAND: give 1 to 50 commands"),
        (["show clock"], "choose devices with --device or --tag"),
        (["--tag", "none", "show clock"], "--tag: no enabled device has 'none'"),
        (["show clock", "--device", "rtr01", "--user", "nobody"], "--user: no such user: nobody"),
        (["show clock", "--device", "rtr01", "--workers", "-1"], "--workers must be at least 1"),
        (
            ["show clock\nreload", "--device", "rtr01"],
            r"rtr01: 'show clock\nreload' may not be run: "
            "the command contains a line break, a tab or another control character",
        ),
    ],
)
def test_bad_usage_is_one_line_and_exit_code_2(arguments, text):
    DeviceFactory(name="rtr01", host="127.0.0.1", port=free_port())
    DeviceFactory(name="off", enabled=False)
    assert run(*arguments) == ("", text, 2)


def test_any_command_asks_for_a_user_who_may(rtr01, router, owner, operator, teammate):
    router.answers["write memory"] = "[OK]"
    codes = [
        run("write memory", "--device", "rtr01", *user)[2]
        for user in (
            [],
            ["--user", "operator"],
            ["--user", "teammate"],
            ["--user", "owner"],
        )
    ]
    assert codes == [2, 2, 2, 0]
    assert sent(router) == ["write memory"]
    denied = AuditEntry.objects.filter(event_type="authz_fail").order_by("id")
    assert [(each.user, each.via, each.target, each.details.get("commands")) for each in denied] == [
        (account(), "cli", "rtr01", [WRITE_MEMORY]),
        ("operator", "cli", "rtr01", [WRITE_MEMORY]),
        ("teammate", "cli", "run_commands", None),
    ]
    assert denied[2].details == {"permission": "devices.run_commands"}


def test_who_may_not_run_commands_cannot_be_named(rtr01, router, teammate):
    _, error, code = run("show clock", "--device", "rtr01", "--user", "teammate")
    assert (error, code) == ("--user: teammate lacks the permission devices.run_commands", 2)
    assert router.logins == []


def test_the_account_s_own_name_gives_no_permission(rtr01, owner, monkeypatch):
    monkeypatch.setattr(getpass, "getuser", lambda: "owner")
    assert run("write memory", "--device", "rtr01")[2] == 2
    assert run("show clock", "--device", "rtr01")[2] == 0
    assert Session.objects.get().user == "owner"


def test_json_is_an_object_a_device(rtr01):
    text, _, _ = run("--json", "show clock", "--device", "rtr01")
    [line] = text.splitlines()
    found = json.loads(line)
    assert (found["device"], found["status"]) == ("rtr01", "success")
    assert found["session_id"] == str(Session.objects.get().session_id)
    assert [(answer["command"], answer["stdout"]) for answer in found["answers"]] == [("show clock", CLOCK)]


def test_what_a_device_says_does_not_steer_the_terminal(rtr01, web01):
    text, _, _ = run(
        "--device",
        "web01",
        "--user",
        User.objects.create_superuser("root1").username,
        "--",
        r"printf '\033[2J'",
    )
    assert "\x1b" not in text
    assert "␛[2J" in text


# --- POST /api/v2/devices/{id}/run/ ---------------------------------------------------------------------------


def test_who_may_run_what_over_the_api(rtr01, api, owner, operator, teammate, outsider):
    url = f"/api/v2/devices/{rtr01.pk}/run/"
    codes = {
        command: [
            api(user).post(url, {"commands": [command]}).status_code
            for user in (owner, operator, teammate, outsider, None)
        ]
        for command in ("show clock", "show clock | tee x")
    }
    assert codes == {"show clock": [200, 200, 403, 403, 401], "show clock | tee x": [200, 403, 403, 403, 401]}


def test_the_api_answers_with_what_the_device_said(rtr01, api, operator):
    body = (
        api(operator)
        .post(f"/api/v2/devices/{rtr01.pk}/run/", {"commands": ["show clock", "show nonsense"]})
        .json()
    )
    assert (body["device"], body["status"]) == ("rtr01", "failed")
    assert [(answer["status"], answer["stdout"].splitlines()[0].strip()) for answer in body["answers"]] == [
        ("success", CLOCK),
        ("failed", "^"),
    ]
    assert Session.objects.get(pk=body["session_id"]).user == "operator"


def test_the_api_names_the_refused_commands_and_sends_none(rtr01, router, api, operator):
    response = api(operator).post(f"/api/v2/devices/{rtr01.pk}/run/", {"commands": ["show clock", "reload"]})
    assert response.json() == {
        "detail": "a command is not read-only: running it needs the permission devices.run_any_command",
        "refused": {"reload": "not on the list of read-only commands of cisco_ios"},
    }
    assert router.logins == []
    denied = AuditEntry.objects.filter(event_type="authz_fail").order_by("id")
    assert [(each.user, each.via, each.what, each.target) for each in denied] == [
        ("operator", "api", "command", "rtr01"),
        ("operator", "api", "request", f"/api/v2/devices/{rtr01.pk}/run/"),
    ]
    assert [each["command"] for each in denied[0].details["commands"]] == ["reload"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"commands": []},
        {"commands": "show clock"},
        {"commands": ["show clock\nreload"]},
        {"commands": [""]},
        {"commands": ["x" * 1001]},
        {"commands": ["show clock"] * 51},
        {"commands": [{"a": 1}]},
        {"commands": None},
    ],
)
def test_bad_input_is_a_400_that_names_the_field(rtr01, router, api, owner, body):
    response = api(owner).post(f"/api/v2/devices/{rtr01.pk}/run/", body)
    assert (response.status_code, list(response.json())) == (400, ["commands"])
    assert router.logins == []


def test_a_device_that_is_not_enabled_or_not_there(api, owner):
    off = DeviceFactory(enabled=False)
    codes = [
        api(owner).post(f"/api/v2/devices/{pk}/run/", {"commands": ["show clock"]}).status_code
        for pk in (off.pk, 0)
    ]
    assert codes == [409, 404]


def test_a_device_that_does_not_answer_is_a_502(api, owner):
    device = DeviceFactory(host="127.0.0.1", port=free_port())
    response = api(owner).post(f"/api/v2/devices/{device.pk}/run/", {"commands": ["show clock"]})
    assert response.status_code == 502
    assert response.json()["error_kind"] == "connection"


# --- the admin ------------------------------------------------------------------------------------------------


def page(*devices):
    return f"{reverse('admin:devices_device_run_commands')}?devices={','.join(str(device.pk) for device in devices)}"


def test_who_may_see_the_page(rtr01, browser, owner, operator, teammate, outsider):
    users = (owner, operator, teammate, outsider, None)
    assert [browser(user).get(page(rtr01)).status_code for user in users] == [200, 200, 403, 302, 302]
    form = {"commands": "show clock", "run": "1"}
    assert [browser(user).post(page(rtr01), form).status_code for user in users] == [200, 200, 403, 302, 302]
    assert sorted(Session.objects.values_list("user", flat=True)) == ["operator", "owner"]


def test_who_may_run_commands_but_not_see_devices_has_no_page(rtr01, browser):
    user = User.objects.create_user("blind", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="run_commands"))
    assert browser(user).get(page(rtr01)).status_code == 403


@pytest.mark.parametrize(("name", "offered"), [("owner", True), ("operator", True), ("teammate", False)])
def test_the_action_is_offered_to_who_may(rtr01, browser, owner, operator, teammate, name, offered):
    text = (
        browser(User.objects.get(username=name))
        .get(reverse("admin:devices_device_changelist"))
        .content.decode()
    )
    assert ("Run commands…" in text) == offered


def test_the_action_leads_to_the_page_of_the_chosen_devices(rtr01, web01, browser, operator):
    data = {"action": "run_commands", "_selected_action": [rtr01.pk, web01.pk]}
    response = browser(operator).post(reverse("admin:devices_device_changelist"), data)
    assert response.url == page(rtr01, web01)


def test_a_teammate_s_action_does_nothing(rtr01, browser, teammate):
    data = {"action": "run_commands", "_selected_action": [rtr01.pk]}
    response = browser(teammate).post(reverse("admin:devices_device_changelist"), data)
    assert "run-commands" not in response.get("Location", "")


def test_the_page_shows_first_what_will_not_be_sent(rtr01, web01, router, browser, operator):
    response = browser(operator).post(
        page(rtr01, web01), {"commands": "show clock\r\n\r\nreload\r\n", "check": "Check"}
    )
    refused = [(device.name, answer.command) for device, answer in response.context["refused"]]
    assert refused == [("rtr01", "reload"), ("web01", "show clock"), ("web01", "reload")]
    assert "Run 1 command<" in response.content.decode().replace('"', "<")
    assert router.logins == []


def test_the_page_runs_the_rest_and_links_to_the_sessions(rtr01, web01, router, browser, operator):
    response = browser(operator).post(page(rtr01, web01), {"commands": "show clock\nuptime", "run": "Run"})
    text = response.content.decode()
    assert CLOCK in text
    assert "exit code 0" in text
    for session in Session.objects.all():
        assert reverse("admin:sessionlogs_session_change", args=[session.pk]) in text
    assert Session.objects.count() == 2
    assert sent(router) == ["show clock"]


def test_a_forged_run_of_a_refused_command_sends_nothing(rtr01, router, browser, operator):
    secret = "snmp-server community hunter22 rw"
    response = browser(operator).post(page(rtr01), {"commands": f"reload\n{secret}", "run": "Run"})
    assert response.context["runs"][0].answers[0].refused
    assert router.logins == []
    [denied] = AuditEntry.objects.filter(event_type="authz_fail")
    assert (denied.user, denied.via, denied.what, denied.target) == ("operator", "admin", "command", "rtr01")
    assert [each["command"].split()[0] for each in denied.details["commands"]] == ["reload", "snmp-server"]
    assert "hunter22" not in str(denied.details)


def test_a_check_of_what_would_be_refused_is_no_denial(rtr01, browser, operator):
    browser(operator).post(page(rtr01), {"commands": "reload", "check": "Check"})
    assert not AuditEntry.objects.filter(event_type="authz_fail").exists()


def test_an_owner_may_run_anything_from_the_page(rtr01, router, browser, owner):
    router.answers["write memory"] = "[OK]"
    browser(owner).post(page(rtr01), {"commands": "write memory", "run": "Run"})
    assert sent(router) == ["write memory"]


@pytest.mark.parametrize(
    "commands",
    ["", "  \n ", "show clock\x0breload", "show\tclock", "\n".join(["show clock"] * 51), "x" * 1001],
)
def test_a_form_that_does_not_fit_is_shown_again(rtr01, router, browser, owner, commands):
    response = browser(owner).post(page(rtr01), {"commands": commands, "run": "Run"})
    assert response.context["form"].errors
    assert router.logins == []


def test_too_many_devices_or_none_lead_back_to_the_list(rtr01, browser, owner, monkeypatch):
    monkeypatch.setattr(commands, "DEVICES_AT_ONCE", 1)
    other, off = DeviceFactory(), DeviceFactory(enabled=False)
    for url in (page(rtr01, other), page(off), page(), f"{page()}x,-1,{'9' * 30}"):
        assert browser(owner).get(url).url == reverse("admin:devices_device_changelist")
    data = {"action": "run_commands", "_selected_action": [rtr01.pk, other.pk]}
    response = browser(owner).post(reverse("admin:devices_device_changelist"), data, follow=True)
    assert "2 devices are too many for one page" in response.content.decode()


def test_what_a_device_says_is_no_html(rtr01, router, browser, owner):
    router.answers["show clock"] = "<script>alert(1)</script>"
    text = browser(owner).post(page(rtr01), {"commands": "show clock", "run": "Run"}).content.decode()
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
