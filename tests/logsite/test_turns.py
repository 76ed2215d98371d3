"""Threads that take turns at writing to SQLite."""

import threading

import pytest
from django.db import DatabaseError, connection, transaction

from devices.models import Tag
from logsite.tables import writing as module
from logsite.tables.writing import writing

pytestmark = pytest.mark.django_db(transaction=True)


class Rival(threading.Thread):
    """Another thread that writes: it sets `begun` when its transaction has begun."""

    def __init__(self):
        super().__init__()
        self.begun = threading.Event()

    def run(self):
        try:
            with writing():
                self.begun.set()
                Tag.objects.create(name="rival")
        finally:
            connection.close()


def only_on_sqlite():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL needs no turns")


def test_who_finds_another_thread_writing_begins_when_that_has_ended():
    only_on_sqlite()
    rival = Rival()
    with writing():
        rival.start()
        assert not rival.begun.wait(0.2)
        Tag.objects.create(name="first")
    rival.join(120)
    assert list(Tag.objects.order_by("id").values_list("name", flat=True)) == ["first", "rival"]


def test_who_has_waited_long_leaves_it_to_the_database(monkeypatch):
    only_on_sqlite()
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    rival = Rival()
    with module._turn:  # somebody hangs, and holds nothing up but his own work
        rival.start()
        rival.join(120)
        assert Tag.objects.filter(name="rival").exists()


def fail_half_way():
    Tag.objects.create(name="half")
    raise DatabaseError


def test_a_failure_takes_everything_back_and_ends_the_turn():
    with pytest.raises(DatabaseError), writing():
        fail_half_way()
    rival = Rival()
    rival.start()
    rival.join(120)
    assert list(Tag.objects.values_list("name", flat=True)) == ["rival"]


def test_within_a_transaction_nobody_waits_for_a_turn():
    with transaction.atomic(), module._turn, writing():
        Tag.objects.create(name="nested")
    assert Tag.objects.get().name == "nested"
