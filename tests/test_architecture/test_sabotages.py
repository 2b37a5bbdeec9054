"""The list of sabotages fits the package: see tests/sabotages.py, which tries them."""

import shutil

import pytest

from planted_faults import SABOTAGES
from sabotages import ROOT, apply


@pytest.mark.parametrize('sabotage', SABOTAGES, ids=lambda each: each.what)
def test_the_line_and_its_test_are_there(sabotage, tmp_path):
    path = tmp_path / sabotage.file
    path.parent.mkdir(parents=True)
    shutil.copy(ROOT / sabotage.file, path)
    apply(sabotage, tmp_path)
    if path.suffix == '.py':
        compile(path.read_text(encoding='utf-8'), sabotage.file, 'exec')
    file, _, name = sabotage.test.split()[0].partition('::')
    assert (ROOT / file).exists()
    assert not name or f'def {name}(' in (ROOT / file).read_text(encoding='utf-8')


def test_there_are_enough():
    assert len(SABOTAGES) >= 80
    assert len({each.what for each in SABOTAGES}) == len(SABOTAGES)
