"""Reading the logs of runs, comparing them in tables and curves."""

import json

import cv2
import pytest

from mmpose_lite.cli.analyze_logs import Series, best_of, curves_of, main, read_run
from mmpose_lite.cli.main import main as run_command
from mmpose_lite.errors import InputError
from mmpose_lite.visualization.curves import Curve, draw_curves


def train_row(iteration, epoch, loss, **values):
    return {'lr': 0.1, 'loss': loss, 'time': 0.5, 'data_time': 0.1, **values} | {
        'epoch': epoch, 'iter': iteration, 'step': iteration
    }  # fmt: skip


def write(folder, *rows, name='scalars.json', tail=''):
    """A log as mmengine leaves it in a work dir's folder of one start."""
    path = folder / 'vis_data' / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(''.join(json.dumps(row) + '\n' for row in rows) + tail)
    return path


@pytest.fixture
def resumed(tmp_path):
    """A run that was killed in its third epoch and resumed behind its first one."""
    run = tmp_path / 'resumed'
    first = [train_row(2, 1, 1.0), {'NME': 0.5, 'step': 1}, train_row(4, 2, 0.8)]
    first += [{'NME': 0.1, 'step': 2}, train_row(6, 3, 0.7)]
    write(run / '20260101_000000', *first, tail='{"lr": 0.1, "lo')
    later = [train_row(4, 2, 0.6, images_per_s=8.0), {'NME': 0.4, 'step': 2}]
    later += [train_row(6, 3, 0.5, images_per_s=12.0, memory=700), {'NME': 0.45, 'step': 3}]
    write(run / '20260101_000100', *later)
    (run / '20260101_000100' / 'vis_data' / 'config.py').write_text('')
    return run


def test_what_a_resumed_run_made_again_counts(resumed):
    run = read_run(resumed)
    assert run.series('loss', 'train') == Series([2, 4, 6], [1, 2, 3], [1.0, 0.6, 0.5])
    assert run.series('NME', 'val') == Series([2, 4, 6], [1, 2, 3], [0.5, 0.4, 0.45])
    assert len(run.files) == 2
    alone = read_run(resumed / '20260101_000000')
    assert alone.series('loss', 'train').values == [1.0, 0.8, 0.7]


def test_the_tables(resumed, tmp_path, capsys):
    write(tmp_path / 'other', train_row(5, 1, 2.0, val=0))
    main([str(resumed), str(tmp_path / 'other'), '--keys', 'loss', 'NME', '--batch-size', '4'])
    lines = [line.strip('│ ').split('│') for line in capsys.readouterr().out.splitlines()]
    rows = [[cell.strip() for cell in line] for line in lines if len(line) > 1]
    assert ['resumed', '6', '3', '10.0', '8.4-11.6', '0.5', '20%', '700'] in rows
    assert ['other', '5', '1', '8.0', '8.0-8.0', '0.5', '20%', '-'] in rows
    assert ['loss (training)', 'resumed', '0.5', '3', '0.5', '3'] in rows
    assert ['NME (validation)', 'resumed', '45 %', '3', '40 %', '2'] in rows
    assert not any(row[:2] == ['NME (validation)', 'other'] for row in rows)


def test_a_key_finds_what_training_and_validation_have_of_it(tmp_path):
    rows = [train_row(2, 1, 1.0, train_NME=0.3), {'NME': 0.5, 'val_loss': 0.7, 'step': 1}]
    run = read_run(write(tmp_path / 'run', *rows))
    panels = curves_of([run], ['loss', 'NME'])
    found = {
        title: [(curve.label.split()[1], curve.is_validation, list(curve.ys)) for curve in curves]
        for title, curves in panels.items()
    }
    assert found == {
        'loss': [('loss', False, [1.0]), ('val_loss', True, [0.7])],
        'NME, %': [('train_NME', False, [30]), ('NME', True, [50])],
    }


def test_names_with_the_loop_before_them(tmp_path):
    """As ``log_with_hierarchy`` has them."""
    rows = [{'train/loss': 1.0, 'epoch': 1, 'iter': 2, 'step': 2}, {'val/NME': 0.5, 'step': 1}]
    run = read_run(write(tmp_path / 'run', *rows))
    assert (run.keys('train'), run.keys('val')) == (['loss'], ['NME'])


def test_a_log_of_mmpose_0(tmp_path):
    path = tmp_path / 'hrnetv2_w18_aflw_256x256_20210125.log.json'
    rows = [{'env_info': 'Linux', 'mmpose_version': '0.10.0'}]
    rows += [
        {'mode': 'train', 'epoch': epoch, 'iter': i, 'loss': 1 / (epoch * i), 'time': 0.2}
        for epoch in (1, 2)
        for i in (50, 100)
    ]
    rows.insert(3, {'mode': 'val', 'epoch': 1, 'iter': 9, 'lr': 0.1, 'NME': 0.03})
    path.write_text('\n'.join(map(json.dumps, rows)))
    run = read_run(path)
    assert run.series('loss', 'train').iterations == [50, 100, 150, 200]
    assert run.series('NME', 'val') == Series([100], [1], [0.03])


def test_validations_of_runs_by_iteration_are_where_they_were_made(tmp_path):
    rows = [{'iter': 4, 'step': 4, 'loss': 1.0}, {'NME': 0.5, 'step': 0}]
    rows += [{'iter': 8, 'step': 8, 'loss': 0.9}, {'NME': 0.4, 'step': 0}]
    run = read_run(write(tmp_path / 'run', *rows))
    assert run.series('NME', 'val').iterations == [4, 8]


def test_numbers_that_are_none_are_left_out(tmp_path):
    rows = [train_row(1, 1, float('nan')), train_row(2, 1, None), train_row(3, 1, 0.5)]
    run = read_run(write(tmp_path / 'run', *rows))
    assert run.series('loss', 'train').iterations == [3]


@pytest.mark.parametrize(
    ('key', 'best'), [('NME', 1), ('loss', 1), ('PCK', 2), ('AUC', 2), ('coco/AP', 2), ('EPE', 1)]
)
def test_what_is_best(key, best):
    assert best_of(key, Series([1, 2, 3], [1, 2, 3], [0.5, 0.1, 0.9])) == best


def refused(*arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(list(map(str, arguments)))
    return str(ended.value)


def test_wrong_input_is_named(resumed, tmp_path, capsys):
    said = refused(resumed, '--keys', 'loss', 'PCK', capsys=capsys)
    assert said.startswith("error: 'PCK' is not in '")
    assert '20260101_000100/vis_data/scalars.json' in said
    assert said.endswith('which have lr, loss, time, data_time, images_per_s, memory, NME')
    assert "'nowhere' does not exist" in refused('nowhere', capsys=capsys)
    (tmp_path / 'empty').mkdir()
    assert 'has no vis_data with a .json file' in refused(tmp_path / 'empty', capsys=capsys)
    assert 'must end with one of' in refused(resumed, '--out', 'curves.txt', capsys=capsys)
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ('lines', 'said'),
    [
        ('{"loss": 1\n{"iter": 2}\n', 'line 1 is not JSON'),
        ('[1, 2]\n', r'line 1 is not a row of a log: \[1, 2\]'),
        ('{"iter": 1, "step": 1}\n{"iter": "x", "step": 1}\n', "line 2: 'iter' is 'x'"),
        ('', 'nothing was logged'),
        ('{"NME": 0.1}\n', 'nothing was logged'),
    ],
)
def test_a_file_that_is_no_log_is_named(tmp_path, lines, said):
    path = tmp_path / 'run.json'
    path.write_text(lines)
    with pytest.raises(InputError, match=said) as error:
        read_run(path)
    assert str(path) in str(error.value)


def test_runs_of_one_name_are_called_as_they_were_given(tmp_path, capsys):
    paths = [write(tmp_path / name / 'run', train_row(1, 1, 1.0)).parents[1] for name in 'ab']
    main([str(path) for path in paths])
    printed = capsys.readouterr().out.replace('\n', '')
    assert all(f'{name}/run' in printed for name in 'ab')


def test_the_picture_has_the_colours_of_its_runs(tmp_path):
    curves = [Curve('a', [1, 2], [1.0, 0.1], 0), Curve('b', [1, 2], [0.9, 0.01], 1, True)]
    draw_curves(tmp_path / 'new' / 'curves.png', {'loss': curves, 'NME': curves[:1]}, 'iterations')
    picture = cv2.imread(str(tmp_path / 'new' / 'curves.png'))
    blue, orange = (178, 114, 0), (0, 94, 213)  # BGR
    middle = picture.shape[1] // 2
    counts = [
        [(half == color).all(axis=-1).sum() > 50 for color in (blue, orange)]
        for half in (picture[:, :middle], picture[:, middle:])
    ]
    assert counts == [[True, True], [True, False]]


def test_a_run_of_the_tools_is_read(trained, tmp_path, capsys):
    main([str(trained.folder), '--out', str(tmp_path / 'curves.png')])
    printed = capsys.readouterr().out
    for name in ('loss', 'val_loss', 'train_NME', 'NME'):
        assert f'{name} (' in printed
    assert (tmp_path / 'curves.png').stat().st_size > 1000


def test_the_package_has_the_tool_as_a_command(resumed, capsys):
    run_command(['analyze_logs', str(resumed)])
    assert 'images/s' in capsys.readouterr().out
