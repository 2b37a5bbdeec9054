"""Checking where a command will write, before its work begins."""

from __future__ import annotations

from pathlib import Path

from mmpose_lite.utils import InputError


def check_folder(folder: str | Path) -> None:
    """Check that files can be written to a folder.

    Args:
        folder: The folder; it need not be there yet.

    Raises:
        InputError: If it is, or lies in, a file.
    """
    for path in (Path(folder), *Path(folder).parents):
        if path.exists():
            if not path.is_dir():
                raise InputError(f"files cannot be written to '{folder}': '{path}' is a file")
            return


def check_file(file: str | Path) -> None:
    """Check that a file can be written.

    Args:
        file: The file; neither it nor its folder need be there yet.

    Raises:
        InputError: If it is a folder, or its folder is, or lies in, a file.
    """
    if Path(file).is_dir():
        raise InputError(f"'{file}' cannot be written: it is a folder")
    check_folder(Path(file).parent)
