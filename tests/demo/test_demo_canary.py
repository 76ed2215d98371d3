"""The demo's devices print passwords, communities and keys; none may be found after a collection."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from demo.running import seed
from deploy.demo.fleet import Fleet
from devices.models import Interface

pytestmark = pytest.mark.django_db(transaction=True)


def everything_stored():
    """Every value of every table, as text."""
    with connection.cursor() as sql:
        for table in connection.introspection.table_names(sql):
            sql.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in sql.fetchall():
                yield from (f"{table}: {value}" for value in row)


def test_no_secret_of_the_fleet_is_stored_or_printed(capsys, caplog):
    with Fleet() as fleet:
        seed(fleet.devices)
        with pytest.raises(CommandError, match=r"sw02\.demo"):
            call_command("collect_interfaces", "--all")
        secrets = {secret for device in fleet.devices for secret in device["secrets"]}
        secrets |= {device[name] for device in fleet.devices for name in ("password", "enable_secret")}
    printed = capsys.readouterr()
    text = "\n".join([*everything_stored(), printed.out, printed.err, caplog.text])
    assert [secret for secret in secrets if secret and secret in text] == []
    assert Interface.objects.filter(description__contains="<redacted:snmp-community>").count() == 2
