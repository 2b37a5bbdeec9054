"""The table of what few annotated faces are worth."""

import re

import pytest

from benchmarks import adaptation
from mmpose_lite.apis import load_config
from mmpose_lite.apis import test as run_test


def test_the_first_row_is_the_test_and_others_are_of_draws(
    face_set, tiny_config, trained, capsys, tmp_path
):
    weights = str(trained.checkpoint)
    options = ['--config', str(tiny_config), '--checkpoint', weights]
    adaptation.main([str(face_set), *options, '--counts', '6', '--draws', '2'])
    printed = capsys.readouterr().out
    rows = re.findall(r'^\| (\d+) \| ([\d.]+) \| ([\d.]*) \| ([\d.]*) \|$', printed, re.M)
    assert [count for count, *_ in rows] == ['0', '6']

    config = load_config(tiny_config)
    config.merge_from_dict({'work_dir': str(tmp_path), 'load_from': weights})
    _, metrics = run_test(config)
    assert float(rows[0][1]) == pytest.approx(100 * metrics['NME'], abs=0.006)
    mean, least, greatest = map(float, rows[1][1:])
    assert 0 < least <= mean <= greatest
    assert least < greatest  # another draw is another map
