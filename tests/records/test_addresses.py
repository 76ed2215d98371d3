"""The page of an entry."""

import pytest

from logsite.records import get_source
from tests.factories import ContainerLogEntryFactory, SessionFactory, SessionLogFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", ["session", "container"])
def test_an_entry_of_each_source_has_a_page(name, browser, owner):
    row = SessionLogFactory(session=SessionFactory()) if name == "session" else ContainerLogEntryFactory()

    assert browser(owner).get(get_source(name).url_of(row.id)).status_code == 200
