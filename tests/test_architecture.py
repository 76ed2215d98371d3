"""The rooms of docs/architecture.md: who may import whom, the same files in each, nothing that grows too large."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
LOG_APPS = ("sessionlogs", "prodlogs", "applogs", "metrics", "securitylogs")
MAY_IMPORT = {
    "logsite": set(),
    "devices": {"logsite", "sessionlogs"},
    **{app: {"logsite"} for app in LOG_APPS},
    "shipping": {"logsite"},
    "client": set(),
}
OURS = {*MAY_IMPORT, "tests", "benchmarks", "deploy"}
ROOMS = [room for room in MAY_IMPORT if (ROOT / room).is_dir()]
APPS = [room for room in ROOMS if room not in ("logsite", "client")]
EVERY_APP_HAS = (
    "models.py", "apps.py", "checks.py", "api/serializers.py", "api/views.py", "api/urls.py",
    "management/commands", "migrations/0001_initial.py",
)  # fmt: skip
BANNED_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "misc",
    "common",
    "manager",
    "manager2",
    "core",
    "base2",
}
LONGEST_MODULE = 400
LONGEST_FUNCTION = 40


def modules(room):
    """The room's own modules; migrations are written by Django."""
    return [path for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts]


def name(path):
    return str(path.relative_to(ROOT))


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path):
    """The top-level packages that a module imports, wherever in it."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(path.relative_to(ROOT).parts[0] if node.level else node.module.partition(".")[0])
    return found


def functions(path):
    return [node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_the_rooms_that_exist_are_the_ones_django_knows():
    assert [app for app in APPS if app not in settings.INSTALLED_APPS] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room):
    forbidden = OURS - MAY_IMPORT[room] - {room}

    found = [
        (name(path), package) for path in modules(room) for package in imported(path) if package in forbidden
    ]

    assert found == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_does_not_reach_another_by_a_name_in_a_string(room):
    """`apps.get_model("devices.Device")` is an import too. Settings and urls put the rooms together."""
    forbidden = set(MAY_IMPORT) - MAY_IMPORT[room] - {room}
    reaches = re.compile(rf"({'|'.join(sorted(forbidden))})\.[A-Za-z_]\w*(\.\w+)*")
    wiring = {"logsite/settings.py", "logsite/urls.py"}

    found = [
        (name(path), node.value)
        for path in modules(room)
        if name(path) not in wiring
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and reaches.fullmatch(node.value)
    ]

    assert found == []


@pytest.mark.parametrize("room", ["tests", "benchmarks", "deploy"])
def test_nothing_that_runs_the_site_imports_it(room):
    found = [name(path) for other in ROOMS for path in modules(other) if room in imported(path)]

    assert found == []


@pytest.mark.parametrize("app", APPS)
def test_every_app_has_the_same_file_names(app):
    assert [file for file in EVERY_APP_HAS if not (ROOT / app / file).exists()] == []
    assert (ROOT / app / "admin.py").exists() or (ROOT / app / "admin" / "__init__.py").exists()


@pytest.mark.parametrize("app", APPS)
def test_every_app_registers_its_system_checks(app):
    loaded = "import checks" in (ROOT / app / "apps.py").read_text(encoding="utf-8")
    registered = "@register(" in (ROOT / app / "checks.py").read_text(encoding="utf-8")

    assert loaded
    assert registered


@pytest.mark.parametrize("app", [app for app in LOG_APPS if app in APPS])
def test_every_log_app_registers_its_source(app):
    assert "register_source(" in (ROOT / app / "apps.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("app", APPS)
def test_every_app_has_tests_of_its_own(app):
    assert list((ROOT / "tests" / app).glob("test_*.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_is_too_long(room):
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(room)}

    assert {module: length for module, length in lengths.items() if length > LONGEST_MODULE} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_no_function_is_too_long(room):
    """Counted from the first line of its body: a long list of parameters is no logic."""
    lengths = {
        f"{name(path)}: {function.name}": function.end_lineno - function.body[0].lineno + 1
        for path in modules(room)
        for function in functions(path)
    }

    assert {function: length for function, length in lengths.items() if length > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("room", ROOMS)
def test_a_module_is_named_for_what_it_does(room):
    assert [name(path) for path in modules(room) if path.stem in BANNED_NAMES] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_says_what_it_is(room):
    silent = [
        name(path) for path in modules(room) if tree(path).body and ast.get_docstring(tree(path)) is None
    ]

    assert silent == []


def test_the_guide_has_a_row_for_every_room():
    guide = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

    assert [room for room in ROOMS if not re.search(rf"^\| `{room}/` \|", guide, re.MULTILINE)] == []
