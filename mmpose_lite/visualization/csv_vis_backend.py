"""Logged scalars as a table for spreadsheets."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from mmengine.visualization.vis_backend import BaseVisBackend, force_init_env

from mmpose_lite.registry import VISBACKENDS
from mmpose_lite.utils.files import replacing
from mmpose_lite.utils.scalar_rows import before, kind_of

_PLACES = ('step', 'epoch', 'iter')


@VISBACKENDS.register_module()
class CsvVisBackend(BaseVisBackend):
    """Write every log line of a training and every validation as a row of one CSV file.

    The first column, ``mode``, is ``train`` or ``val``. A new key becomes a new column, empty in
    earlier rows. A row is in the file when the call returns. Pictures and configs are left to other
    backends.

    Args:
        save_dir: Folder of the file.
        file: Its name.
        resume: Continue an existing file: rows that a resumed run repeats replace the former ones.
            By default the file starts empty.
    """

    def __init__(self, save_dir: str, file: str = 'scalars.csv', resume: bool = False) -> None:
        super().__init__(save_dir)
        self._path = Path(save_dir, file)
        self._resume = resume
        self._columns = ['mode', *_PLACES]
        self._old: list[dict[str, Any]] = []
        self._new: list[dict[str, Any]] = []

    def _init_env(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._resume and self._path.exists():
            self._old = _read(self._path)
            names = dict.fromkeys(name for row in self._old for name in row)
            self._columns = list(dict.fromkeys([*self._columns, *names]))
        self._rewrite()

    @property
    @force_init_env
    def experiment(self) -> Path:
        """The file."""
        return self._path

    @force_init_env
    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        """Write a row of one number."""
        self._add({'mode': '', 'step': step, name: value})

    @force_init_env
    def add_scalars(
        self, scalar_dict: dict, step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        """Write a row; for the arguments see mmengine."""
        row = {'step': step, **scalar_dict}
        self._add({'mode': kind_of(row), **row})

    def _add(self, row: dict[str, Any]) -> None:
        row = {name: _number(value) for name, value in row.items()}
        is_first = all(row['mode'] != other['mode'] for other in self._new)
        unknown = [name for name in row if name not in self._columns]
        self._columns += unknown
        self._new.append(row)
        if unknown or (is_first and self._old):
            self._rewrite()
            return
        with self._path.open('a', newline='', encoding='utf-8') as file:
            csv.DictWriter(file, self._columns).writerow(row)

    def _rewrite(self) -> None:
        """Replace the whole file atomically."""
        self._old = before(self._old, self._new)
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns)
        writer.writeheader()
        writer.writerows([*self._old, *self._new])
        with replacing(self._path) as file:
            file.write(text.getvalue().encode())


def _read(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a file, but for a last line that was never finished."""
    text = path.read_text(encoding='utf-8')
    whole = text[: text.rfind('\n') + 1]
    rows = csv.DictReader(whole.splitlines())
    filled = ({name: value for name, value in row.items() if value} for row in rows)
    return [{'mode': '', **{n: _parse(value) for n, value in row.items()}} for row in filled if row]


def _parse(value: Any) -> Any:
    for kind in (int, float):
        try:
            return kind(value)
        except (TypeError, ValueError):
            pass
    return value


def _number(value: Any) -> Any:
    """Turn a tensor or array of one number into that number."""
    return value.item() if hasattr(value, 'item') else value
