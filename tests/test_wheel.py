"""The wheel: it holds each file of the site and no other, and runs in an empty environment without a checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import urllib.request
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from logsite import __version__
from tests.conftest import unavailable
from tests.repository import ROOT, repository_files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

NOT_IN_THE_WHEEL = {"benchmarks", "client", "deploy", "tests"}
SHOWS_THE_LOGIN_PAGE = """
import json, re
import django
from django.test import Client
from django.test.utils import setup_test_environment

django.setup()
setup_test_environment()
client = Client()
page = client.get("/admin/login/")
files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.content.decode())
print(json.dumps({
    "status": page.status_code,
    "templates": [template.origin.name for template in page.templates],
    "static": {file: client.get(file).status_code for file in files},
}))
"""


# --- Building ----------------------------------------------------------------------------------------------


def uv(*arguments, folder):
    """Run uv outside of the checkout, on the environment that the arguments name."""
    bare = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    command = [sys.executable, "-m", "uv", *map(str, arguments)]
    return subprocess.run(command, cwd=folder, env=bare, capture_output=True, text=True, check=False)


def succeed(*arguments, folder):
    done = uv(*arguments, folder=folder)
    assert done.returncode == 0, done.stderr


def fetch(*arguments, folder):
    """Install from the package registry; without the registry the tests skip, and fail in CI."""
    done = uv("pip", "install", *arguments, folder=folder)
    if done.returncode != 0:
        unavailable(f"the package registry does not give what the wheel needs: {done.stderr.strip()}")


def new_environment(folder):
    """The Python of an environment without a single package."""
    succeed("venv", "--python", sys.executable, folder, folder=folder.parent)
    return folder / "bin" / "python"


def copy_checkout(target):
    """The files of the repository, without what builds and runs leave in a checkout."""
    for path in repository_files():
        copied = target / path.relative_to(ROOT)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copied, follow_symlinks=False)
    return target


@pytest.fixture(scope="module")
def builder(tmp_path_factory):
    """A Python with what pyproject.toml needs to build, so that building itself uses no network."""
    folder = tmp_path_factory.mktemp("builder")
    python = new_environment(folder / "venv")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    fetch("--python", python, *project["build-system"]["requires"], folder=folder)
    return python


def build(builder, target, *arguments):
    """The wheel that a fresh copy of the checkout gives, and the copy."""
    checkout = copy_checkout(target / "checkout")
    options = ("--offline", "--no-build-isolation", "--python", builder, "--out-dir", target / "dist")
    succeed("build", *options, *arguments, checkout, folder=target)
    [wheel] = (target / "dist").glob("*.whl")
    return wheel, checkout


@pytest.fixture(scope="module")
def built(builder, tmp_path_factory):
    """The wheel built from a checkout, and the checkout."""
    return build(builder, tmp_path_factory.mktemp("direct"), "--wheel")


@pytest.fixture(scope="module")
def wheel(built):
    return built[0]


@pytest.fixture(scope="module")
def wheel_of_sdist(builder, tmp_path_factory):
    """The wheel built from the source distribution."""
    return build(builder, tmp_path_factory.mktemp("sdist"))[0]


def content(wheel):
    """The checksum of each file of a wheel, by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist()}


@pytest.fixture(scope="module")
def files(wheel):
    """The files that a wheel installs, without those about itself."""
    return {name for name in content(wheel) if ".dist-info/" not in name}


def files_of_the_site():
    """The files of the checkout that belong in a wheel, by their names there."""
    paths = [path.relative_to(ROOT) for path in repository_files() if path.is_file()]
    rooms = {path.parts[0] for path in paths if path.parts[1:] == ("__init__.py",)} - NOT_IN_THE_WHEEL
    return {
        *(str(path) for path in paths if path.parts[0] in rooms),
        *(f"logsite/{path}" for path in paths if path.parts[0] == "templates"),
    }


def test_each_file_of_the_site_is_in_the_wheel(files):
    assert sorted(files_of_the_site() - files) == []


def test_no_other_file_is_in_the_wheel(files):
    assert sorted(files - files_of_the_site()) == []


def test_templates_assets_platforms_and_migrations_are_in_the_wheel(files):
    assert files >= {
        "logsite/templates/admin/base_site.html",
        "logsite/assets/logsite/admin.css",
        "devices/platforms/frr.toml",
        "devices/platforms/templates/frr_show_interface.textfsm",
        "devices/migrations/0001_initial.py",
    }


def test_the_wheel_of_the_source_distribution_is_the_same(wheel, wheel_of_sdist):
    assert content(wheel_of_sdist) == content(wheel)


def test_the_wheel_is_named_after_the_changelog_s_newest_heading(wheel):
    assert wheel.name == f"logsite-{__version__}-py3-none-any.whl"


# --- Installed ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Site:
    """LogSite in an environment of its own; its processes run in `folder`, outside of the checkout."""

    python: Path
    folder: Path

    def process(self, *arguments, cwd=None, **environment):
        """What `subprocess` takes to run the environment's Python."""
        bare = {"PATH": os.environ["PATH"], "HOME": str(self.folder / "home")}
        own = {"DJANGO_SETTINGS_MODULE": "logsite.settings", "DATA_DIR": str(self.folder / "data")}
        return {
            "args": [str(self.python), "-W", "error", *arguments],
            "cwd": cwd or self.folder,
            "env": bare | own | environment,
            "text": True,
        }

    def run(self, *arguments, **options):
        return subprocess.run(**self.process(*arguments, **options), capture_output=True, check=False)

    @property
    def packages(self):
        [folder] = self.python.parent.parent.glob("lib/python*/site-packages")
        return folder


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory):
    """The wheel in an empty environment, with its dependencies at the versions of requirements.lock.

    They are fetched beforehand: what the wheel then asks for beyond them is not there, and the tests fail.
    """
    folder = tmp_path_factory.mktemp("site")
    lock = ROOT / "requirements.lock"
    fetch("--target", folder / "fetched", "--python", sys.executable, "--requirements", lock, folder=folder)
    python = new_environment(folder / "venv")
    options = ("--offline", "--python", python, "--constraints", lock)
    succeed("pip", "install", *options, wheel, folder=folder)
    site = Site(python, folder)
    # Other distributions leave such files.
    (site.packages / "CHANGELOG.md").write_text("## 9.9.9 (2020-01-31)\n")
    (site.packages / "pyproject.toml").write_text('[project]\nname = "other"\n')
    return site


@pytest.fixture(scope="module")
def migrated(site):
    """The site with its tables."""
    done = site.run("-m", "django", "migrate")
    assert done.returncode == 0, done.stderr
    return site


@pytest.fixture(scope="module")
def login_page(migrated):
    """What a browser gets of the login page: status, templates, and the status of each static file."""
    done = migrated.run("-c", SHOWS_THE_LOGIN_PAGE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_installed_version_is_the_changelog_s_newest_heading(site):
    assert site.run("-c", "import logsite; print(logsite.__version__)").stdout == f"{__version__}\n"


def test_a_checkout_has_its_own_version_beside_an_installed_one(site, built):
    checkout = built[1]
    assert (checkout / "logsite.egg-info").is_dir(), "the build has left metadata of its version"
    changelog = (checkout / "CHANGELOG.md").read_text(encoding="utf-8")
    (checkout / "CHANGELOG.md").write_text(f"## 99.0.0 (2099-01-31)\n\n{changelog}", encoding="utf-8")

    done = site.run("-c", "import logsite; print(logsite.__version__)", cwd=checkout)

    assert done.stdout == "99.0.0\n"


def test_each_migration_of_the_checkout_is_applied(migrated):
    done = migrated.run("-m", "django", "showmigrations", "--plan")
    applied = {line.split()[-1] for line in done.stdout.splitlines() if line.startswith("[X]")}

    migrations = {
        f"{path.parent.parent.name}.{path.stem}"
        for path in repository_files()
        if path.parent.name == "migrations" and path.suffix == ".py" and path.stem != "__init__"
    }
    assert sorted(migrations - applied) == []


def test_the_system_checks_pass(migrated):
    done = migrated.run("-m", "django", "check")

    assert (done.returncode, done.stderr) == (0, "")


def test_the_deployment_checks_pass(migrated):
    public = {"PUBLIC_URL": "https://logs.example.com", "TRUST_PROXY_HEADERS": "true"}
    done = migrated.run("-m", "django", "check", "--deploy", "--fail-level", "WARNING", **public)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_command_runs(migrated):
    done = migrated.run("-m", "django", "view_session_logs", "--list")

    assert (done.returncode, done.stderr) == (0, "")


def test_the_login_page_is_shown(login_page):
    assert login_page["status"] == 200


def test_the_login_page_comes_of_our_template(login_page, migrated):
    assert str(migrated.packages / "logsite/templates/admin/base_site.html") in login_page["templates"]


def test_each_static_file_of_the_login_page_is_served(login_page):
    assert "/static/logsite/admin.css" in login_page["static"]
    assert {file: status for file, status in login_page["static"].items() if status != 200} == {}


def test_without_a_setting_the_data_lie_in_the_user_s_data_folder(site):
    done = site.run("-c", "from django.conf import settings; print(settings.DATA_DIR)", DATA_DIR="")

    assert done.stdout == f"{site.folder}/home/.local/share/logsite\n"


def test_the_demo_says_in_one_line_what_is_missing(migrated):
    done = migrated.run("-m", "django", "run_demo")

    assert done.returncode == 1
    assert done.stderr == (
        "CommandError: the emulated devices (deploy/demo) are missing: only a checkout of LogSite has them; "
        "run `make run` in a checkout\n"
    )


@contextmanager
def serving(site):
    """The address at which daphne serves the site, once it listens."""
    words = ("-m", "daphne", "-b", "127.0.0.1", "-p", "0", "logsite.asgi:application")
    with subprocess.Popen(**site.process(*words, LOG_LEVEL="INFO"), stderr=subprocess.PIPE) as process:
        try:
            said = []
            for line in process.stderr:
                said.append(line)
                if listens := re.search(r"Listening on TCP address (127\.0\.0\.1:\d+)", line):
                    yield f"http://{listens[1]}"
                    break
            else:
                pytest.fail("".join(said))
        finally:
            process.kill()


def test_daphne_serves_the_site(migrated):
    with serving(migrated) as address, urllib.request.urlopen(f"{address}/readyz") as response:
        assert response.status == 200
