"""The files of the repository, as git sees them."""

import os
import subprocess
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)


def repository_files() -> list[Path]:
    """Every file and link that belongs to the repository, committed or about to be."""
    listed = subprocess.run(
        [
            "git",
            "-c",
            f"safe.directory={ROOT}",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    paths = [ROOT / os.fsdecode(path) for path in listed.split(b"\0") if path]
    return [path for path in paths if path.is_symlink() or path.is_file()]
