"""BACKEND_URL is the default of --backend; where it is this site itself, the database is read here."""

import pytest

from shipping import checks
from tests.shipping.builders import make_events, make_session
from tests.shipping.test_backend import CANARY, token_of

OURS = {
    "http://127.0.0.1:8000": [
        "http://localhost:8000", "http://127.0.0.1:8000", "http://127.0.0.1:8000/", "http://[::1]:8000",
        "http://LOCALHOST:8000", "http://127.0.0.2:8000", "http://0.0.0.0:8000", "http://localhost.:8000",
        "http://[::ffff:127.0.0.1]:8000", "https://localhost:8000", "http://[::]:8000",
    ],
    "http://localhost": ["http://localhost", "http://localhost:80", "http://127.0.0.1/"],
    "https://logs.example.com": [
        "https://logs.example.com", "https://LOGS.example.com:443/", "http://logs.example.com",
        "https://logs.example.com.",
    ],
    "https://[2001:db8::1]:8443": ["https://[2001:db8::1]:8443", "https://[2001:DB8:0::1]:8443"],
}  # fmt: skip
OTHERS = {
    "http://127.0.0.1:8000": [
        "http://localhost:8001", "http://localhost", "http://localhost.example.com:8000", "http://192.0.2.1:8000",
        "http://127.0.0.1.example.com:8000", "http://[2001:db8::1]:8000", "http://10.127.0.1:8000",
        "http://127.0.0.1:8000/other",
    ],
    "https://logs.example.com": [
        "https://logs.example.com:8443", "https://other.example.com", "https://logs.example.com.evil.org",
        "https://example.com", "https://logs.example.com/other", "http://localhost:8000",
    ],
}  # fmt: skip


def test_an_address_is_this_site_or_another_one():
    from shipping.addresses import is_this_site

    found = {(url, own): is_this_site(url, own) for own, urls in OURS.items() for url in urls}
    assert [row for row, ours in found.items() if not ours] == []
    found = {(url, own): is_this_site(url, own) for own, urls in OTHERS.items() for url in urls}
    assert [row for row, ours in found.items() if ours] == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("given", ["BACKEND_URL", "--backend"])
def test_this_site_reads_its_database_without_a_token_and_says_so(loki, run, settings, given):
    make_events(make_session(), 2)
    url = "http://localhost:8000"
    settings.BACKEND_URL = url if given == "BACKEND_URL" else ""
    result = run("--loki", loki.url, *(["--backend", url] if given == "--backend" else []))
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        f"{given} {url} is this site: its database is read here\nsession: shipped 2, rejected 0, left 0\n"
    )
    settings.BACKEND_URL = ""  # the same cursor
    assert run("--loki", loki.url).out == "session: nothing to ship, every entry is shipped\n"


@pytest.mark.django_db(transaction=True)
def test_another_site_is_read_there_and_an_option_goes_before_the_setting(
    live_server, loki, run, settings, teammate
):
    make_events(make_session(), 2)
    settings.BACKEND_URL, settings.SHIPPING_TOKEN = live_server.url, token_of(teammate)
    assert run("--loki", loki.url).out == f"session@{live_server.url}: shipped 2, rejected 0, left 0\n"
    assert "is this site" in run("--loki", loki.url, "--backend", settings.PUBLIC_URL).out


@pytest.mark.django_db(transaction=True)
def test_a_backend_that_cannot_be_used_is_named_by_where_it_was_given(run, settings):
    wrong = {}
    for url, words in {
        "http://192.0.2.1:8000": "BACKEND_URL needs --token, or the setting SHIPPING_TOKEN",
        "nonsense": "BACKEND_URL: it is not a URL",
        "http://user:canary@192.0.2.1": "BACKEND_URL: it carries a user and password",
    }.items():
        settings.BACKEND_URL = url
        result = run()
        if result.code != 2 or not result.err.startswith(words) or "canary" in result.err:
            wrong[url] = result.err
    assert wrong == {}


@pytest.mark.django_db(transaction=True)
def test_a_token_alone_serves_the_backend_of_the_settings(live_server, loki, run, settings, teammate):
    make_events(make_session(), 1)
    settings.BACKEND_URL = live_server.url
    assert "shipped 1," in run("--loki", loki.url, "--token", token_of(teammate)).out


def test_a_bad_backend_url_is_named_by_a_system_check(settings):
    wrong = {}
    for url in (
        "backend:8000",
        "ftp://backend",
        f"http://user:{CANARY}@backend",
        "http://",
        "http://a b",
        "x" * 600,
    ):
        settings.BACKEND_URL = url
        found = checks.check_backend(None)
        if [m.id for m in found] != ["shipping.E005"] or not found[0].hint or CANARY in str(found[0]):
            wrong[url] = found
    assert wrong == {}
    for url in ("", "http://backend:8000", "https://logs.example.com/"):
        settings.BACKEND_URL = url
        assert checks.check_backend(None) == []
