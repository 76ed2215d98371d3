"""The site's settings, as other environments make them; each in a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from logsite import checks
from logsite.environment import Env, default_data_dir

ROOT = Path(settings.BASE_DIR)
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONDONTWRITEBYTECODE")


@pytest.fixture
def run(tmp_path):
    """Run Python in the project with nothing but the given settings in the environment."""

    def run(*arguments, **environment):
        bare = {name: os.environ[name] for name in KEPT if name in os.environ}
        return subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=ROOT,
            env={**bare, "DATA_DIR": str(tmp_path / "var"), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture
def values(run):
    """The values of some settings in an environment."""

    def values(*names, **environment):
        code = "import json, sys; from logsite import settings as s; "
        code += "print(json.dumps({n: getattr(s, n) for n in sys.argv[1:]}, default=str))"
        done = run("-c", code, *names, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return values


@pytest.fixture
def problem(run):
    """The last line that a start in a bad environment prints."""

    def problem(**environment):
        done = run("-c", "import logsite.settings", **environment)
        assert done.returncode != 0
        return done.stderr.strip().splitlines()[-1]

    return problem


def found(check, settings, **changed):
    """The ids and texts of what one system check finds with some settings changed."""
    for name, value in changed.items():
        setattr(settings, name, value)
    return [(message.id, message.msg, message.hint) for message in check(None)]


# --- A fresh start -----------------------------------------------------------------------------------------


def test_nothing_has_to_be_set(run, tmp_path):
    done = run("manage.py", "check")

    assert (done.returncode, done.stderr) == (0, "")
    made = {path.name: oct(path.stat().st_mode & 0o777) for path in (tmp_path / "var").iterdir()}
    assert made["secret.key"] == made["field.keys"] == "0o600"
    assert (tmp_path / "var").stat().st_mode & 0o777 == 0o700


def test_the_defaults(values):
    defaults = values(
        "DEBUG", "ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "REDIS_URL", "TIME_ZONE"
    )

    assert defaults == {
        "DEBUG": False,
        "ALLOWED_HOSTS": ["127.0.0.1", "127.0.0.1", "localhost", "[::1]"],
        "SESSION_COOKIE_SECURE": False,
        "SECURE_SSL_REDIRECT": False,
        "REDIS_URL": None,
        "TIME_ZONE": "UTC",
    }


@pytest.mark.parametrize(
    "name", ["DATA_DIR", "PUBLIC_URL", "DATABASE_URL", "COLLECT_WORKERS", "DEBUG", "LOG_LEVEL"]
)
def test_an_empty_variable_counts_as_unset(run, tmp_path, name):
    environment = {"DATA_DIR": str(tmp_path / "var"), name: ""}

    assert run("-c", "import logsite.settings", **environment).returncode == 0


# --- DATA_DIR ----------------------------------------------------------------------------------------------


def test_the_data_of_a_checkout_lie_in_it(tmp_path):
    assert default_data_dir(tmp_path, "/home/ops/.share") == tmp_path / "var"


def test_the_data_of_an_installed_site_lie_in_the_user_s_data_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ops")

    assert default_data_dir(None, "") == Path("/home/ops/.local/share/logsite")


def test_the_user_s_data_folder_may_be_another(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ops")

    assert default_data_dir(None, "/data/ops") == Path("/data/ops/logsite")


def test_a_relative_data_folder_of_the_user_is_ignored(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ops")

    assert default_data_dir(None, "share") == Path("/home/ops/.local/share/logsite")


def test_an_installed_site_without_a_home_folder_asks_for_the_setting(monkeypatch):
    def no_home(path):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "expanduser", no_home)

    with pytest.raises(
        ImproperlyConfigured, match=r"\ADATA_DIR: this user has no home folder; set DATA_DIR\Z"
    ):
        default_data_dir(None, "")


def test_a_home_folder_is_not_needed_where_the_data_folder_is_set(tmp_path, monkeypatch):
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))

    assert Env().folder("DATA_DIR", lambda: pytest.fail("asked for the default")) == tmp_path / "data"


def test_a_data_folder_that_cannot_be_created_is_one_error_that_names_the_setting(problem, tmp_path):
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"

    assert problem(DATA_DIR=str(folder)) == (
        f"-c: DATA_DIR: the folder {folder} cannot be created: Not a directory"
    )


# --- PUBLIC_URL --------------------------------------------------------------------------------------------

DERIVED = (
    "ALLOWED_HOSTS",
    "CSRF_TRUSTED_ORIGINS",
    "SESSION_COOKIE_SECURE",
    "CSRF_COOKIE_SECURE",
    "SECURE_SSL_REDIRECT",
    "SECURE_HSTS_SECONDS",
)


def test_an_https_address_makes_hosts_origins_and_cookies(values):
    assert values(*DERIVED, PUBLIC_URL="https://logs.example.com:8443/") == {
        "ALLOWED_HOSTS": ["logs.example.com", "127.0.0.1", "localhost", "[::1]"],
        "CSRF_TRUSTED_ORIGINS": ["https://logs.example.com:8443"],
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
    }


def test_a_plain_http_address_leaves_cookies_as_they_are(values):
    derived = values(*DERIVED, PUBLIC_URL="http://logs.example.com")

    assert derived["ALLOWED_HOSTS"][0] == "logs.example.com"
    assert not derived["SESSION_COOKIE_SECURE"]
    assert derived["SECURE_HSTS_SECONDS"] == 0


def test_an_ipv6_address_is_a_host(values):
    assert (
        values("ALLOWED_HOSTS", PUBLIC_URL="http://[2001:db8::1]:8000")["ALLOWED_HOSTS"][0] == "[2001:db8::1]"
    )


def test_the_proxy_is_believed_only_when_told_to(values):
    names = ("SECURE_PROXY_SSL_HEADER", "REST_FRAMEWORK")

    alone, proxied = values(*names), values(*names, TRUST_PROXY_HEADERS="true")

    assert (alone["SECURE_PROXY_SSL_HEADER"], alone["REST_FRAMEWORK"]["NUM_PROXIES"]) == (None, 0)
    assert proxied["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]
    assert proxied["REST_FRAMEWORK"]["NUM_PROXIES"] == 1


# --- Checks ------------------------------------------------------------------------------------------------


def test_a_site_behind_tls_passes_the_deployment_check(run):
    done = run(
        "manage.py", "check", "--deploy", PUBLIC_URL="https://logs.example.com", TRUST_PROXY_HEADERS="true"
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "System check identified no issues (0 silenced).\n"


def test_bad_settings_are_listed_with_hints_and_no_traceback(run):
    done = run(
        "manage.py",
        "check",
        "--deploy",
        PUBLIC_URL="http://[bad",
        COLLECT_WORKERS="0",
        FIELD_ENCRYPTION_KEYS="hunter2",
        REDIS_URL="http://:hunter2@r",
    )

    assert done.returncode == 1
    for number in (1, 2, 3, 4):
        assert f"(logsite.E00{number})" in done.stderr
    assert done.stderr.count("HINT: ") >= 4
    assert "Traceback" not in done.stderr
    assert "hunter2" not in done.stderr


def test_a_site_on_plain_http_is_warned_of(settings):
    [(number, text, hint)] = found(checks.check_plain_http, settings, PUBLIC_URL="http://logs.example.com")

    assert number == "logsite.W001"
    assert text.startswith("PUBLIC_URL=http://logs.example.com is plain HTTP")
    assert hint.startswith("Put a TLS proxy in front")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000", "http://localhost", "http://[::1]:9000", "https://logs.example.com"]
)
def test_plain_http_on_this_machine_and_tls_are_no_warning(settings, url):
    assert found(checks.check_plain_http, settings, PUBLIC_URL=url) == []
    assert found(checks.check_public_url, settings, PUBLIC_URL=url) == []


@pytest.mark.parametrize(
    "url",
    [
        "logs.example.com",
        "ftp://logs.example.com",
        "https://",
        "https://logs.example.com/path",
        "http://[bad",
        "https://logs.example.com:http",
        "https://logs.example.com:99999",
        "https://logs.example.com?x=1",
        "//x",
        "",
        "https://admin:hunter2@logs.example.com",
    ],
)
def test_what_is_no_address_of_a_site_is_an_error_with_a_hint(settings, url):
    [(number, text, hint)] = found(checks.check_public_url, settings, PUBLIC_URL=url)

    assert number == "logsite.E001"
    assert text.startswith("PUBLIC_URL=")
    assert "hunter2" not in text
    assert hint.startswith("Give scheme and host")


@pytest.mark.parametrize(
    "name",
    [
        "TOKEN_HOURS",
        "COLLECT_WORKERS",
        "DEVICE_READ_TIMEOUT",
        "SESSION_LOG_STORE_TIMEOUT",
        "SHIPPING_BACKOFF",
    ],
)
@pytest.mark.parametrize("value", [0, -1])
def test_numbers_that_must_be_above_zero(settings, name, value):
    assert found(checks.check_numbers, settings, **{name: value}) == [
        ("logsite.E002", f"{name}={value} must be above 0", f"Set {name}.")
    ]


@pytest.mark.parametrize("url", ["redis", "redis:6379", "http://:hunter2@redis", "redis//x"])
def test_a_redis_address_that_is_none(settings, url):
    [(number, text, _)] = found(checks.check_redis_url, settings, REDIS_URL=url)

    assert (number, text) == ("logsite.E004", "REDIS_URL is not the address of a Redis server")


@pytest.mark.parametrize("url", [None, "redis://redis", "rediss://:a@redis:6380/2", "unix:///run/redis.sock"])
def test_a_redis_address_that_is_one(settings, url):
    assert found(checks.check_redis_url, settings, REDIS_URL=url) == []


# --- Values that do not fit --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("COLLECT_WORKERS", "ten", "COLLECT_WORKERS='ten' is not a whole number"),
        ("COLLECT_WORKERS", "1.5", "COLLECT_WORKERS='1.5' is not a whole number"),
        ("SHIPPING_TIMEOUT", "30s", "SHIPPING_TIMEOUT='30s' is not a number"),
        ("SHIPPING_TIMEOUT", "nan", "SHIPPING_TIMEOUT='nan' is not a number"),
        ("DEVICE_READ_TIMEOUT", "inf", "DEVICE_READ_TIMEOUT='inf' is not a number"),
        ("DEBUG", "ture", "DEBUG='ture': give true or false"),
        ("TRUST_PROXY_HEADERS", "2", "TRUST_PROXY_HEADERS='2': give true or false"),
        (
            "LOG_LEVEL",
            "loud",
            "LOG_LEVEL='LOUD' is not a level; give one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
        ),
        ("SECRET_KEY_FILE", "/nowhere", "SECRET_KEY_FILE=/nowhere: No such file or directory"),
        ("DATABASE_URL_FILE", "/nowhere", "DATABASE_URL_FILE=/nowhere: No such file or directory"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_that_names_its_variable(problem, name, value, said):
    assert problem(**{name: value}) == f"-c: {said}"


@pytest.mark.parametrize("value", ["1e3", " 30 ", "30"])
def test_numbers_mean_what_they_say(values, value):
    assert values("SHIPPING_TIMEOUT", SHIPPING_TIMEOUT=value)["SHIPPING_TIMEOUT"] == float(value)


@pytest.mark.parametrize(
    ("text", "meant"), [("true", True), ("YES", True), ("1", True), ("off", False), ("No", False)]
)
def test_yes_and_no_have_several_words(values, text, meant):
    assert values("DEBUG", DEBUG=text)["DEBUG"] is meant


def test_the_log_level_may_be_in_lower_case(values):
    assert values("LOGGING", LOG_LEVEL="info")["LOGGING"]["root"]["level"] == "INFO"


# --- DATABASE_URL ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "garbage",
        "postgres",
        "mysql://logsite:hunter2@db/logsite",
        "postgres://logsite:hunter2@db:port/logsite",
        "postgres://logsite:hunter2@db:99999/logsite",
        "postgres://logsite:hunter2@db",
        "logsite:hunter2@db/logsite",
        "sqlite://",
        "sqlite:///:memory:",
        "://",
    ],
)
def test_what_is_no_database_address_is_one_clear_error_that_does_not_show_it(run, url):
    done = run("-c", "import logsite.settings", DATABASE_URL=url)

    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode != 0
    assert last.startswith("-c: DATABASE_URL: ")
    assert last.endswith("give postgres://user:password@host:5432/name or sqlite:////path/to/file")
    assert "hunter2" not in done.stderr


def test_a_postgresql_address(values):
    url = "postgres://logsite:p%40ss%23word@db.example.com:5433/logs?sslmode=require"
    database = values("DATABASES", DATABASE_URL=url)["DATABASES"]["default"]

    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("logsite", "p@ss#word")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.com", 5433, "logs")
    assert database["OPTIONS"] == {"sslmode": "require"}


def test_the_database_address_may_come_from_a_file(values, tmp_path):
    (tmp_path / "url").write_text("postgres://a:b@c/d\n")
    database = values("DATABASES", DATABASE_URL_FILE=str(tmp_path / "url"))["DATABASES"]["default"]

    assert database["HOST"] == "c"


@pytest.mark.parametrize("folder", ["plain", "with space", "a+b", "c#d", "50%25", "ü?"])
def test_the_default_database_lies_in_the_data_folder_whatever_its_name(values, tmp_path, folder):
    database = values("DATABASES", DATA_DIR=str(tmp_path / folder))["DATABASES"]["default"]

    assert database["NAME"] == str(tmp_path / folder / "logsite.sqlite3")


def test_sqlite_writes_ahead_and_waits_for_its_turn(run):
    code = (
        "import django; django.setup(); from django.db import connection as c; s = c.cursor(); "
        "print([s.execute(f'PRAGMA {p}').fetchone()[0] for p in ('journal_mode', 'synchronous', 'busy_timeout')], "
        "c.transaction_mode)"
    )
    done = run("-c", code, DJANGO_SETTINGS_MODULE="logsite.settings")

    assert done.stdout.strip() == "['wal', 2, 30000] IMMEDIATE"


@pytest.mark.django_db(transaction=True)
def test_the_tests_run_on_the_same_kind_of_database(on_postgres):
    with connection.cursor() as sql:
        if on_postgres:
            sql.execute("SHOW server_version_num")
            assert int(sql.fetchone()[0]) >= 130000
        else:
            sql.execute("PRAGMA journal_mode")
            assert sql.fetchone()[0] == "wal"


# --- Redis, tokens -----------------------------------------------------------------------------------------


def test_redis_carries_the_channels_where_it_is_set(values):
    layer = values("CHANNEL_LAYERS", REDIS_URL="redis://redis:6379/1")["CHANNEL_LAYERS"]["default"]

    assert layer["BACKEND"] == "channels_redis.pubsub.RedisPubSubChannelLayer"
    assert layer["CONFIG"] == {"hosts": ["redis://redis:6379/1"]}


def test_without_redis_the_channels_are_in_memory(values):
    layer = values("CHANNEL_LAYERS")["CHANNEL_LAYERS"]["default"]

    assert layer == {"BACKEND": "channels.layers.InMemoryChannelLayer"}


def test_tokens_last_the_hours_that_are_set(values):
    assert values("REST_KNOX", TOKEN_HOURS="2")["REST_KNOX"]["TOKEN_TTL"] == "2:00:00"
