"""System checks of the app."""

import pytest

from devices import checks, platforms
from tests.factories import DeviceFactory


def test_the_shipped_platform_files_are_fine():
    assert checks.check_platform_files(None) == []


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"netmiko": "hal9000"}, "'own_os' is not known"),
        ({"netmiko": "cisco_ios", "failure_indicators": ["("]}, "missing )"),
        ({"netmiko": "cisco_ios", "interface_commands": [{"comand": "show"}]}, "comand"),
        (
            {"netmiko": "cisco_ios", "interface_commands": [{"command": "show", "template": "own.textfsm"}]},
            "no such template: own.textfsm",
        ),
    ],
)
def test_a_platform_file_that_cannot_be_used_is_an_error(data, text, monkeypatch):
    monkeypatch.setattr(platforms, "_files", lambda: {"own_os": {"label": "Own", **data}})
    platforms.get_platform.cache_clear()
    (error,) = checks.check_platform_files(None)
    platforms.get_platform.cache_clear()
    assert (error.id, text in error.msg, bool(error.hint)) == ("devices.E001", True, True)
    assert "own_os.toml" in error.msg


def test_a_read_timeout_that_outlasts_the_claim_is_warned_of(settings):
    assert checks.check_claim(None) == []
    settings.DEVICE_READ_TIMEOUT = 600.0
    (warning,) = checks.check_claim(None)
    assert (warning.id, "DEVICE_READ_TIMEOUT" in warning.hint) == ("devices.W001", True)


@pytest.mark.django_db
def test_a_device_whose_platform_nobody_knows_any_more_is_warned_of():
    DeviceFactory(name="rtr01")
    DeviceFactory(name="rtr02", platform="forgotten_os")
    (warning,) = checks.check_platforms_known(None, databases=["default"])
    assert warning.id == "devices.W002"
    assert "device rtr02: platform 'forgotten_os' is not known" in warning.msg


def test_without_a_database_to_look_at_nothing_is_looked_at():
    assert checks.check_platforms_known(None) == []
