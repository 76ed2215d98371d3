"""The demo's devices print passwords, communities and keys; none may be found after a collection."""

import pytest
from django.core.management import CommandError, call_command

from demo.running import seed
from deploy.demo.fleet import Fleet
from devices.models import Interface
from tests.devices.test_canary import everything_stored

pytestmark = pytest.mark.django_db(transaction=True)


def test_no_secret_of_the_fleet_is_stored_or_printed(capsys, caplog):
    with Fleet() as fleet:
        seed(fleet.devices)
        with pytest.raises(CommandError, match=r"sw02\.demo"):
            call_command("collect_interfaces", "--all")
        secrets = {secret for device in fleet.devices for secret in device["secrets"]}
        secrets |= {device[name] for device in fleet.devices for name in ("password", "enable_secret")}
    printed = capsys.readouterr()
    text = "\n".join([*(value for _, value in everything_stored()), printed.out, printed.err, caplog.text])
    assert [secret for secret in secrets if secret and secret in text] == []
    assert Interface.objects.filter(description__contains="<redacted:snmp-community>").count() == 2
