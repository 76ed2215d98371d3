"""The rooms of docs/architecture.md: who may import whom, the same files in each, nothing that grows too large."""

import ast
import importlib
import re
import subprocess
import sys
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
    "console": {"logsite"},
    "shipping": {"logsite"},
    "demo": {"logsite", "devices", *LOG_APPS, "console", "shipping"},
    "client": set(),
}
# Inside a room, from top to bottom: a module imports from its own floor and from those below. What is not named is on
# the top floor.
FLOORS = {
    "logsite": (
        {"admin", "api", "logins", "web"},
        {"intake", "housekeeping"},
        {"records"},
        {"audit"},
        {"lines"},
        {"redaction"},
        {"tables", "encryption", "ssh", "commands"},
        {"text", "locks"},
        {"environment", "signals", "private_files", "redis_client"},
    ),
    "prodlogs": (
        {"management", "api", "admin", "log_interface"},
        {"collector"},
        {"health"},
        {"reading", "hardening"},
        {"ssh"},
        {"docker", "hosts"},
        {"entries", "sources", "retention", "metrics"},
        {"entry_index"},
        {"query_fields"},
        {"errors"},
        {"models"},
    ),
    "applogs": (
        {"management", "api", "admin", "pages"},
        {"ingest"},
        {"sources"},
        {"retention"},
        {"storing"},
        {"senders", "entry_index"},
        {"query_fields"},
        {"models"},
    ),
    "devices": (
        {"management", "api", "admin"},
        {"tasks", "commands"},
        {"collecting"},
        {"connectors"},
        {"interfaces"},
        {"logging_switch", "read_only"},
        {"models"},
        {"platforms"},
        {"errors"},
    ),
    "sessionlogs": (
        {"management", "api", "admin"},
        {"recording", "retention", "sources", "metrics"},
        {"event_index"},
        {"query_fields"},
        {"audit"},
        {"models"},
    ),
    "shipping": (
        {"management", "api", "admin"},
        {"engine"},
        {"feed", "aggregation", "progress"},
        {"models"},
        {"receivers"},
        {"http", "retry"},
        {"errors", "addresses"},
    ),
}
# Of an app inside logsite/, these are on the top floor whatever the floor of its other modules.
INNER_APPS = {"audit", "intake", "housekeeping", "locks"}
ON_TOP_IN_AN_INNER_APP = {"admin", "api", "apps", "checks", "sources", "management"}
FACES = (
    "logsite/admin",
    "logsite/commands",
    "logsite/encryption",
    "logsite/lines",
    "logsite/records",
    "logsite/records/query",
    "logsite/redaction",
    "prodlogs",
)
LOADED_WITHOUT_DJANGO = (
    "logsite.records.entry_json",
    "logsite.records.plain",
    "logsite.records.query",
    "logsite.records.query.parse",
    "logsite.records.query.predicate",
    "logsite.records.query.words",
    "logsite.lines",
    "logsite.redaction",
    "shipping",
    "shipping.http",
    "shipping.receivers.base",
    "shipping.receivers.loki.receiver",
    "shipping.retry",
)
MODULES_IN_A_FOLDER = 15
OURS = {*MAY_IMPORT, "tests", "benchmarks", "deploy"}
ROOMS = [room for room in MAY_IMPORT if (ROOT / room).is_dir()]
APPS = [room for room in ROOMS if room not in ("logsite", "client", "console", "demo")]
EVERY_APP_HAS = (
    "models.py",
    "apps.py",
    "checks.py",
    "api/serializers.py",
    "api/views.py",
    "api/urls.py",
    "management/commands",
    "migrations/0001_initial.py",
)
# Entries come in without the REST framework, are read over all sources, and no command is about them alone.
LACKS = {"applogs": {"api/serializers.py", "api/views.py", "management/commands"}}
WIRING = {"logsite/settings.py", "logsite/urls.py", "logsite/asgi.py"}  # where the rooms are put together
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


@cache
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
        (name(path), package)
        for path in modules(room)
        if name(path) not in WIRING
        for package in imported(path)
        if package in forbidden
    ]

    assert found == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_does_not_reach_another_by_a_name_in_a_string(room):
    """`apps.get_model("devices.Device")` is an import too. Settings and urls put the rooms together."""
    forbidden = set(MAY_IMPORT) - MAY_IMPORT[room] - {room}
    reaches = re.compile(rf"({'|'.join(sorted(forbidden))})\.[A-Za-z_]\w*(\.\w+)*")
    found = [
        (name(path), node.value)
        for path in modules(room)
        if name(path) not in WIRING
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and reaches.fullmatch(node.value)
    ]

    assert found == []


# --- floors, faces, folders ---------------------------------------------------------------------------------


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def edges(room):
    """Which modules of the room each of its modules imports, wherever in it."""
    names = {module_name(path): path for path in modules(room)}
    found = {}
    for module, path in names.items():
        targets = set()
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    inner = f"{node.module}.{alias.name}"
                    targets.add(inner if inner in names else node.module)
            elif isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
        found[module] = sorted(targets & set(names) - {module})
    return found


def floor(room, module):
    _, own, inner, *_ = [*module.split("."), "", ""]
    if room == "logsite" and own in INNER_APPS and inner in ON_TOP_IN_AN_INNER_APP:
        return 0
    return next((number for number, floors in enumerate(FLOORS[room]) if own in floors), 0)


@pytest.mark.parametrize("room", FLOORS)
def test_a_module_imports_nothing_from_a_floor_above(room):
    wrong = [
        f"{module} imports {target}"
        for module, targets in edges(room).items()
        for target in targets
        if floor(room, target) < floor(room, module)
    ]

    assert wrong == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_modules_import_each_other_in_a_circle(room):
    graph, done, circles = edges(room), set(), []

    def visit(module, path):
        if module in path:
            circles.append(" > ".join([*path[path.index(module) :], module]))
        elif module not in done:
            for target in graph[module]:
                visit(target, [*path, module])
            done.add(module)

    for module in graph:
        visit(module, [])
    assert circles == []


@pytest.mark.parametrize("room", ROOMS)
def test_no_folder_has_too_many_modules(room):
    folders = {path.parent for path in modules(room)}
    sizes = {name(folder): len(list(folder.glob("*.py"))) for folder in folders if folder.name != "commands"}

    assert {folder: size for folder, size in sizes.items() if size > MODULES_IN_A_FOLDER} == {}


@pytest.mark.parametrize("face", FACES)
def test_a_face_lists_its_names(face):
    package = importlib.import_module(face.replace("/", "."))

    assert [each for each in package.__all__ if not hasattr(package, each)] == []
    assert "__getattr__" not in {function.name for function in functions(ROOT / face / "__init__.py")} or (
        "TYPE_CHECKING" in (ROOT / face / "__init__.py").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("face", FACES)
def test_no_name_that_a_face_loads_late_is_one_of_its_modules(face):
    """Python sets the module as an attribute of the package when it is first imported, and hides the name."""
    names = vars(importlib.import_module(face.replace("/", "."))).get("_LATE", ())

    assert [name for name in names if (ROOT / face / f"{name}.py").exists()] == []


def test_what_runs_without_settings_loads_without_django():
    code = f"""
import sys
sys.modules["django"] = None
for name in {LOADED_WITHOUT_DJANGO}:
    __import__(name)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("room", ["tests", "benchmarks", "deploy"])
def test_no_room_of_the_site_imports_tests_benchmarks_or_deploy(room):
    found = [name(path) for other in ROOMS for path in modules(other) if room in imported(path)]

    assert found == []


@pytest.mark.parametrize("app", APPS)
def test_every_app_has_the_same_file_names(app):
    missing = {file for file in EVERY_APP_HAS if not (ROOT / app / file).exists()}

    assert missing == LACKS.get(app, set())
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


READS_ENTRIES = re.compile(r"\b(?:SessionLog|ContainerLogEntry|LogEntry)\.objects\.(?!none\(\))")
# Those that write entries, remove them, or count them for /metrics; and the sources, which hand them to views.
WRITERS = (
    "sessionlogs/recording/",
    "sessionlogs/retention.py",
    "sessionlogs/metrics.py",
    "sessionlogs/sources.py",
    "prodlogs/reading/",
    "prodlogs/retention.py",
    "prodlogs/metrics.py",
    "prodlogs/sources.py",
    "applogs/storing.py",
    "applogs/retention.py",
    "applogs/sources.py",
)
# Whether a host still has entries, before it is deleted.
ALLOWED_READS = {"prodlogs/admin/hosts.py": 1}
# Django's own class of that name, the admin's history.
ALLOWED_READS |= {"prodlogs/hosts/accepting.py": 1, "devices/connectors/host_keys.py": 1}


def test_no_page_api_or_command_reads_entries_around_a_view():
    found = {}
    for room in ("sessionlogs", "prodlogs", "applogs", "console", "shipping", "devices", "logsite"):
        for path in (ROOT / room).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            number = len(READS_ENTRIES.findall(path.read_text(encoding="utf-8")))
            if number and "/migrations/" not in name and not name.startswith(WRITERS):
                found[name] = number

    assert found == ALLOWED_READS
