"""The table of what few annotated faces are worth."""

import re

import numpy as np
import pytest

from benchmarks import adaptation
from mmpose_lite.apis import load_config
from mmpose_lite.apis import test as run_test


def test_faces_are_chosen_by_their_scores():
    scores = np.array([0.5, 0.1, 0.9, 0.3, 0.7])
    rng = np.random.default_rng(0)
    assert adaptation.choose('lowest', scores, 2, rng).tolist() == [1, 3]
    assert adaptation.choose('even', scores, 3, rng).tolist() == [1, 0, 2]
    assert set(adaptation.choose('random', scores, 5, rng)) == {0, 1, 2, 3, 4}
    half = adaptation.choose('half', scores, 4, rng).tolist()
    assert half[:2] == [1, 3]
    assert len(set(half)) == 4


def test_ways_to_choose_are_compared(face_set, tiny_config, trained, capsys):
    options = ['--config', str(tiny_config), '--checkpoint', str(trained.checkpoint)]
    choices = ['--counts', '6', '--draws', '2', '--pool', '7', '--faces', '8']
    adaptation.main([str(face_set), *options, *choices])
    printed = capsys.readouterr().out
    (before, after) = re.findall(r'^\| [06] \| (.*) \|$', printed, re.M)
    assert len(set(before.split(' | '))) == 1
    assert len(set(after.split(' | '))) > 1
    assert '2 pools of 7 out of 8 training faces' in printed


def test_a_pool_smaller_than_a_number_of_faces_is_refused(face_set, tiny_config, trained):
    options = ['--config', str(tiny_config), '--checkpoint', str(trained.checkpoint)]
    with pytest.raises(SystemExit, match='--pool 7: fewer than the 8 faces of --counts'):
        adaptation.main([str(face_set), *options, '--counts', '6', '8', '--pool', '7'])


@pytest.mark.parametrize('first_pixel', [0, 1])
def test_the_first_row_is_the_test_and_others_are_of_draws(
    face_set, tiny_config, trained, capsys, tmp_path, first_pixel
):
    weights = str(trained.checkpoint)
    options = ['--config', str(tiny_config), '--checkpoint', weights]
    options += ['--first-pixel', str(first_pixel), '--counts', '6', '--draws', '2']
    adaptation.main([str(face_set), *options])
    printed = capsys.readouterr().out
    rows = re.findall(r'^\| (\d+) \| ([\d.]+) \| ([\d.]*) \| ([\d.]*) \|$', printed, re.M)
    assert [count for count, *_ in rows] == ['0', '6']

    config = load_config(tiny_config)
    config.merge_from_dict({'work_dir': str(tmp_path), 'load_from': weights})
    config.test_dataloader.dataset.first_pixel = first_pixel
    _, metrics = run_test(config)
    assert float(rows[0][1]) == pytest.approx(100 * metrics['NME'], abs=0.006)
    mean, least, greatest = map(float, rows[1][1:])
    assert 0 < least <= mean <= greatest
    assert least < greatest  # another draw is another map
