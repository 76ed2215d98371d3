"""Rows whose transaction commits late, with a lower id than one that is shipped already."""

import psycopg
import pytest
from django.utils import timezone

from sessionlogs.models import SessionLog
from tests.shipping.builders import make_session
from tests.shipping.processes import database_url

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

INSERT = """
    INSERT INTO session_logs (session_id, device, "user", event_type, command, response, error_message,
                              timestamp, error_kind, execution_status, truncated_bytes, withheld, timing)
    VALUES (%s, 'fw01', '', 'command_sent', %s, '', '', %s, '', 'running', 0, '', '{}') RETURNING id
"""


def test_a_lower_id_that_commits_later_is_shipped(loki, run):
    session = make_session()
    address = database_url().replace("postgres://", "postgresql://")
    with psycopg.connect(address) as slow, psycopg.connect(address) as quick:
        [low] = slow.execute(INSERT, (session.session_id, "slow", timezone.now())).fetchone()
        [high] = quick.execute(INSERT, (session.session_id, "quick", timezone.now())).fetchone()
        assert low < high
        quick.commit()
        assert SessionLog.objects.count() == 1
        first = run("--loki", loki.url)
        slow.commit()
    second = run("--loki", loki.url)
    assert (first.code, second.code) == (0, 0)
    assert loki.row_ids() == [low, high]
    assert "nothing to ship" in run("--loki", loki.url).out


def test_an_open_transaction_does_not_hold_up_what_committed_before_it(loki, run):
    session = make_session()
    address = database_url().replace("postgres://", "postgresql://")
    with psycopg.connect(address) as early, psycopg.connect(address) as open_one:
        [low] = early.execute(INSERT, (session.session_id, "early", timezone.now())).fetchone()
        early.commit()
        open_one.execute(INSERT, (session.session_id, "open", timezone.now()))
        assert "shipped 1" in run("--loki", loki.url).out
        open_one.rollback()
    assert loki.row_ids() == [low]
