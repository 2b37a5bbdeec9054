"""Recipes side by side: what is drawn, what is compared, and the whole command."""

import json

import numpy as np
import pytest

from benchmarks import recipes
from benchmarks.disturbed import CHANGES
from benchmarks.jobs import JobError
from benchmarks.sides import ROOT
from tests.helpers.data_factory import make_face_set

PEOPLE = [f'person{i // 3}' for i in range(90)]


def run(offset, seconds=10.0, labels=CHANGES):
    base = np.random.default_rng(0).uniform(0.01, 0.03, len(PEOPLE))
    errors = {label: (base + offset + 0.001 * i).tolist() for i, label in enumerate(labels)}
    return {'errors': errors, 'people': PEOPLE, 'seconds': seconds}


def test_a_recipe_is_less_the_first_for_each_seed_and_on_average():
    results = {'a/first.py': [run(0), run(0)], 'b/other.py': [run(0.002), run(-0.001)]}
    header, _, first, other = recipes.table(results, [4, 7]).splitlines()
    assert header.count('|') == 9
    assert 'seeds 4, 7' in header
    assert first.startswith('| `first` |')
    name, error, each, interval, moved, worst, resized, seconds = other.strip('| ').split(' | ')
    assert name == '`other`'
    base = 100 * np.mean(run(0)['errors']['as annotated'])
    assert float(error) == pytest.approx(base + 0.05, abs=0.006)
    assert each == '+0.20, -0.10'
    assert interval == '+0.05 (+0.05 to +0.05)'
    assert float(moved) == pytest.approx(base + 0.05 + 0.25, abs=0.006)
    assert float(worst) == pytest.approx(base + 0.05 + 0.4, abs=0.006)
    assert float(resized) == pytest.approx(base + 0.05 + 0.55, abs=0.006)
    assert seconds == '10'


def test_one_recipe_with_exact_boxes_has_its_error_alone():
    text = recipes.table({'few.py': [run(0, labels=['as annotated'])]}, [0])
    assert text.splitlines()[0] == '| Recipe | NME, % | Seconds |'


def test_a_draw_keeps_whole_records_of_faces_and_their_images(tmp_path):
    source = make_face_set(tmp_path / 'faces', train=8) / recipes.TRAINING
    outs = [tmp_path / f'{seed}.json' for seed in (0, 1)]
    for seed, out_file in enumerate(outs):
        recipes.write_draw(source, out_file, 5, seed)
    first, second = (json.loads(path.read_text()) for path in outs)
    whole = json.loads(source.read_text())
    assert len(first['annotations']) == 5
    assert all(face in whole['annotations'] for face in first['annotations'])
    used = {face['image_id'] for face in first['annotations']}
    assert {image['id'] for image in first['images']} == used
    assert first['annotations'] != second['annotations']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['a/one.py', 'b/one.py', '--group', r'face(\d)'], 'names of their own, not one, one'),
        (['a/one.py', '--group', r'face\d'], r'--group face\d: needs one pair of brackets'),
        (['a/one.py', '--group', r'person(\d)'], 'to match face0.png'),
    ],
)
def test_what_would_fail_after_the_trainings_is_told_before(tmp_path, capsys, arguments, message):
    data = make_face_set(tmp_path / 'faces')
    with pytest.raises(SystemExit):
        recipes.parse_args([str(data), *arguments, '--out', str(tmp_path / 'out')])
    assert message in capsys.readouterr().err


def test_a_result_of_another_command_is_not_taken_for_this_one(tmp_path):
    data, out = make_face_set(tmp_path / 'faces'), tmp_path / 'out'
    out.mkdir()
    (out / 'one_seed0.json').write_text(json.dumps({'asked': ['one.py', 2], **run(0)}))
    args = [str(data), 'one.py', '--group', r'face(\d)', '--out', str(out), '--seeds', '0']
    with pytest.raises(JobError, match='take another --out'):
        recipes.main(args)


@pytest.mark.usefixtures('processes')
def test_recipes_are_trained_tested_and_told(tmp_path, capsys):
    data = make_face_set(tmp_path / 'faces', train=8, test=5)
    config = 'configs/recipes/hrnetv2-w18_best_aflw19-128x128_8e.py'
    out = tmp_path / 'out'
    options = ['--seeds', '3', '--epochs', '1', '--options', 'first_pixel=0', '--faces', '6']
    args = [str(data), str(ROOT / config), *options, '--group', r'face(\d)', '--out', str(out)]
    recipes.main(args)
    (row,) = capsys.readouterr().out.split('Seconds |\n')[1].splitlines()[1:]
    found = json.loads((out / 'hrnetv2-w18_best_aflw19-128x128_8e_seed3.json').read_text())
    assert row.split(' | ')[1] == f'{100 * np.mean(found["errors"]["as annotated"]):.2f}'
    assert list(found['errors']) == list(CHANGES)
    assert found['people'] == list('01234')
    log = (out / 'hrnetv2-w18_best_aflw19-128x128_8e_seed3.log').read_text()
    assert f'python tools/train.py {config} --input-size 64' in log
    assert 'data_root=DATA/ randomness.seed=3' in log
    assert '6 for training, 5 for validation' in log
    assert str(tmp_path) not in log
    assert str(ROOT) not in log
