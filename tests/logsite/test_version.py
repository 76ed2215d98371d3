"""Where the version comes from: a checkout's changelog, or the metadata of what is installed."""

import pytest

import logsite
from logsite import installed_version, is_checkout


def install(folder, name, version):
    """Leave the metadata of a distribution in a folder, as pip does."""
    (folder / f"{name}-{version}.dist-info").mkdir()
    metadata = f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n"
    (folder / f"{name}-{version}.dist-info" / "METADATA").write_text(metadata)


def test_this_folder_is_a_checkout():
    assert logsite.CHECKOUT == logsite.ROOT


def test_a_folder_with_our_project_file_is_a_checkout(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "logsite"\n')

    assert is_checkout(tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("CHANGELOG.md", b"## 9.9.9 (2026-01-31)\n"),
        ("pyproject.toml", b'[project]\nname = "other"\ndescription = "like logsite"\n'),
        ("pyproject.toml", b'[project]\nname = "logsite-client"\n'),
        ("pyproject.toml", b"\xff\xfe not TOML"),
    ],
)
def test_a_folder_with_files_of_other_distributions_is_not_a_checkout(tmp_path, file, content):
    (tmp_path / file).write_bytes(content)

    assert not is_checkout(tmp_path)


def test_the_installed_version_is_the_one_of_the_metadata_in_the_same_folder(tmp_path, monkeypatch):
    (tmp_path / "ours").mkdir()
    (tmp_path / "before").mkdir()
    install(tmp_path / "ours", "logsite", "1.2.3")
    install(tmp_path / "ours", "logsite_client", "4.5.6")
    install(tmp_path / "before", "logsite", "0.1.0")
    monkeypatch.syspath_prepend(tmp_path / "before")

    assert installed_version(tmp_path / "ours") == "1.2.3"


def test_a_package_without_checkout_and_metadata_has_no_version(tmp_path):
    with pytest.raises(
        RuntimeError, match=r"is not a checkout of LogSite, and LogSite is not installed there\Z"
    ):
        installed_version(tmp_path)
