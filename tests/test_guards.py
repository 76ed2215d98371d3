"""What a change forgets easily: a test of a command, a line of documentation, a migration, the changelog."""

import argparse
import ast
import re
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command, get_commands, load_command_class
from django.core.management.commands import migrate

from logsite import __version__, read_version
from tests.repository import repository_files

ROOT = Path(settings.BASE_DIR)
ROOMS = ["logsite", *(app for app in settings.INSTALLED_APPS if (ROOT / app).is_dir())]
COMMANDS = sorted(
    path.stem for room in ROOMS for path in (ROOT / room / "management/commands").glob("[a-z]*.py")
)
GUIDE = ROOT / "docs" / "configuration.md"
READERS = {"str", "int", "float", "bool", "log_level", "folder"}
NOT_OURS = {"DJANGO_SETTINGS_MODULE"}


def read_settings():
    """Each setting that the code reads from the environment: its name, whether it is a secret, its default."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    not isinstance(node, ast.Call)
                    or not node.args
                    or not isinstance(node.args[0], ast.Constant)
                ):
                    continue
                match node.func:
                    case ast.Name(id="read_secret"):
                        yield node.args[0].value, True, None
                    case ast.Attribute(value=ast.Name(id="env"), attr=reader) if reader in READERS:
                        yield node.args[0].value, False, ast.unparse(node.args[1])


def is_plain(default):
    """Whether a default is a text or number, and not made from other settings."""
    return default is not None and not any(
        isinstance(node, ast.Name) for node in ast.walk(ast.parse(default))
    )


SETTINGS = {setting: (secret, default) for setting, secret, default in read_settings()}


def documented():
    """The rows of the guide's tables: the first column's names, and the default."""
    rows = re.findall(
        r"^\| (`[A-Z][^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", GUIDE.read_text(), re.MULTILINE
    )
    return {
        re.findall(r"`(\w+)`", names)[0]: (names, default, unit, text) for names, default, unit, text in rows
    }


def regular_files():
    """Every file of the repository; a link to a folder is none."""
    return [path for path in repository_files() if path.is_file()]


# --- Commands ----------------------------------------------------------------------------------------------


def test_every_command_has_a_test():
    tests = [
        path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)
    ]

    untested = [word for word in COMMANDS if not any(re.search(rf"\b{word}\b", test) for test in tests)]
    assert untested == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(command, capsys):
    with pytest.raises(SystemExit) as done:
        call_command(command, "--help")

    assert done.value.code == 0
    assert len(capsys.readouterr().out) > 100


def options_of(parser):
    """The option strings of a parser and its subparsers."""
    for action in parser._actions:
        yield from (word for word in action.option_strings if word.startswith("--"))
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from options_of(each)


DJANGOS = {*options_of(migrate.Command().create_parser("manage.py", "migrate"))}  # and those of every command
GUIDES = "\n".join(path.read_text("utf-8") for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_documented(command):
    parser = load_command_class(get_commands()[command], command).create_parser("manage.py", command)
    options = {*options_of(parser)} - DJANGOS

    assert [word for word in sorted(options) if not re.search(rf"{word}(?![\w-])", GUIDES)] == []


# --- Settings ----------------------------------------------------------------------------------------------


def test_every_setting_is_documented_and_every_documented_one_exists():
    assert set(SETTINGS) == set(documented())


def test_settings_were_found_at_all():
    assert {"DATABASE_URL", "SECRET_KEY", "COLLECT_WORKERS", "SHIPPING_BACKOFF", "LOG_LEVEL"} <= set(SETTINGS)


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_a_secret_is_documented_with_its_file(setting):
    names = documented()[setting][0]

    assert (f"`{setting}_FILE`" in names) == SETTINGS[setting][0]


@pytest.mark.parametrize(
    "setting", sorted(name for name, (_, default) in SETTINGS.items() if is_plain(default))
)
def test_the_documented_default_is_the_real_one(setting):
    value = eval(SETTINGS[setting][1], {"__builtins__": {}})
    words = {"True": "true", "False": "false", "": "none"}

    assert documented()[setting][1].strip("`") == words.get(str(value), str(value))


@pytest.mark.parametrize("setting", sorted(SETTINGS))
def test_every_setting_has_a_unit_and_an_explanation(setting):
    _, default, unit, text = documented()[setting]

    assert default
    assert unit
    assert text.endswith(".")


def test_the_environment_is_read_in_one_place():
    """Elsewhere a setting would be read unseen, unchecked and undocumented."""
    allowed = {
        ROOT / "logsite" / "encryption" / "keys.py",
        ROOT / "logsite" / "environment.py",
        ROOT / "logsite" / "asgi.py",
        ROOT / "logsite" / "celery.py",
    }
    reads = re.compile(r"\b(?:os\.environ|os\.getenv|getenv\(|environ\[)")
    found = {
        str(path.relative_to(ROOT))
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if path not in allowed and reads.search(path.read_text(encoding="utf-8"))
    }

    # The demo hands its environment on to the server it starts; its application has no settings.
    assert found <= {"demo/running.py", "demo/application.py"}


def test_the_files_that_run_first_exist():
    from tests.conftest import LONGEST_FILES

    assert [name for name in LONGEST_FILES if not (ROOT / "tests" / name).exists()] == []


# --- Version, migrations -----------------------------------------------------------------------------------


def test_the_changelog_s_newest_heading_is_the_version():
    [newest, *_] = re.findall(
        r"^## (\S+) \(\d{4}-\d{2}-\d{2}\)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )

    assert __version__ == newest


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("# Changelog\n\n## 1.2.3 (2026-01-31)\n\n## 1.2.2 (2026-01-30)\n", "1.2.3"),
        ("## v2.0.0rc1 (2026-01-31)\n", "2.0.0rc1"),
        ("## Unreleased\n\n## 0.9.0 (2026-01-31)\n", "0.9.0"),
        ("## 1.0.0 (unreleased)\n\n## 0.9.0 (2026-01-31)\n", "0.9.0"),
    ],
)
def test_the_version_is_read_from_the_newest_heading(tmp_path, text, version):
    (tmp_path / "CHANGELOG.md").write_text(text)

    assert read_version(tmp_path / "CHANGELOG.md") == version


def test_a_changelog_without_a_version_is_an_error(tmp_path):
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n")

    with pytest.raises(RuntimeError, match="has no heading such as '## 0"):
        read_version(tmp_path / "CHANGELOG.md")


@pytest.mark.django_db
def test_no_migration_is_missing():
    output = StringIO()
    call_command("makemigrations", check_changes=True, dry_run=True, stdout=output)

    assert output.getvalue().strip() == "No changes detected"


# --- The repository ----------------------------------------------------------------------------------------


def test_no_file_names_a_package_registry():
    """Where packages come from is the machine's affair: a mirror, a proxy, an offline index."""
    hosts = (
        "py" + "pi.org",
        "python" + "hosted.org",
        "registry.npm" + "js",
        "npm" + "js.com",
        "files.python" + "hosted",
    )
    needle = re.compile("|".join(map(re.escape, hosts)).encode())

    assert [str(path.relative_to(ROOT)) for path in regular_files() if needle.search(path.read_bytes())] == []


def test_no_private_key_or_database_is_about_to_be_committed():
    suspicious = (".sqlite3", ".key", ".keys", ".pem", ".env")

    assert [path.name for path in regular_files() if path.name.endswith(suspicious)] == []
