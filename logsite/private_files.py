"""Folders and files that are their owner's alone, whatever the umask."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

FOLDER_MODE, FILE_MODE = 0o700, 0o600
OTHERS_MAY_WRITE = 0o022
OTHERS_MAY_ANYTHING = 0o077


def make_folder(path: Path) -> None:
    """Make a folder and those above it that are missing. One that is there keeps its mode: it may be shared."""
    try:
        path.mkdir(FOLDER_MODE)
    except FileNotFoundError:
        make_folder(path.parent)
        path.mkdir(FOLDER_MODE, exist_ok=True)
    except FileExistsError:
        if path.is_dir():
            return
        raise
    path.chmod(FOLDER_MODE)


def make_file(path: Path) -> None:
    """Make an empty file where there is none."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    except FileExistsError:
        return
    os.fchmod(handle, FILE_MODE)
    os.close(handle)


@contextmanager
def written_whole(path: Path, *, once: bool = False) -> Iterator[TextIO]:
    """A text file with mode 600 that takes the place of `path` when it is on the disk.

    Readers see the old file or the new one, never a half; where the block fails, the old one stays. With `once` an
    old one stays anyway: raises FileExistsError.
    """
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp gives mode 600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        (os.link if once else os.replace)(draft, path)
    finally:
        Path(draft).unlink(missing_ok=True)


def open_to_others(
    paths: Iterable[Path], refused: int = OTHERS_MAY_ANYTHING
) -> Iterator[tuple[Path, int, int]]:
    """Each path that gives others one of the rights in `refused`: its mode, and the mode without them."""
    for path in paths:
        try:
            mode = path.stat().st_mode & 0o7777
        except OSError:  # removed meanwhile, or a link to nowhere
            continue
        if mode & refused:
            yield path, mode, mode & ~refused & 0o777
