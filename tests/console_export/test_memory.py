"""An export needs the memory of a page, whatever its size."""

import gc
import tracemalloc

import pytest

from console.export.options import Options
from console.export.running import Export
from logsite.audit import SITE
from prodlogs.models import ContainerLogEntry
from tests.factories import ContainerFactory

pytestmark = pytest.mark.django_db


def peak(name):
    """The most bytes that Python held while a file of the format was made and thrown away, and its entries."""
    export = Export(SITE, Options(format=name, sources=("container",)))
    gc.collect()
    tracemalloc.start()
    for _ in export.blocks():
        pass
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return highest, export.count


def fill(container, first, rows):
    ContainerLogEntry.objects.bulk_create(
        ContainerLogEntry(
            container=container, container_name="web", stream="stdout", timestamp=n, message=f"GET /{n} " * 20
        )
        for n in range(first, first + rows)
    )


def test_the_memory_of_a_large_export_is_that_of_a_small_one():
    names, container = ("json", "csv", "txt"), ContainerFactory()
    fill(container, 0, 2000)
    peak("csv")  # what is loaded once
    small = {name: peak(name) for name in names}
    fill(container, 2000, 18_000)
    large = {name: peak(name) for name in names}

    assert {count for _, count in small.values()} == {2000}
    assert {count for _, count in large.values()} == {20_000}
    assert {
        name: large[name][0] / small[name][0] for name in names if large[name][0] / small[name][0] > 1.5
    } == {}
