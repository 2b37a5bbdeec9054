"""tools/test.py --report and tools/report.py from end to end, on the tiny set."""

import hashlib
import json
import math
import re
import shutil

import numpy as np
import pytest
from report_checks import check_report

from helpers.data_factory import hide_points
from helpers.in_process import run_main
from mmpose_lite.cli.report import main as run_report
from mmpose_lite.cli.report import read_runs
from mmpose_lite.cli.test import main as run_test
from mmpose_lite.errors import InputError
from mmpose_lite.reporting.dumping import _numbers_or_null


@pytest.fixture(scope='module')
def tested(tmp_path_factory, tiny_config, trained):
    """The folder in which tools/test.py left a report and a dump, and what it printed."""
    folder = tmp_path_factory.mktemp('reported')
    outputs = ('--report', 'report', '--report-faces', '3', '--dump', 'one.json')
    arguments = (tiny_config, trained.checkpoint, '--work-dir', 'run', *outputs)
    printed = run_main(run_test, *arguments, cwd=folder)
    return folder, printed


@pytest.fixture(scope='module')
def report(tested):
    metrics = json.loads((tested[0] / 'report' / 'metrics.json').read_text())
    check_report(metrics)
    return metrics['runs'][0]


@pytest.fixture(scope='module')
def dump(tested):
    return json.loads((tested[0] / 'one.json').read_text())


def test_the_report_is_named_and_whole(tested):
    folder, printed = tested
    assert 'the report is report/index.html' in printed
    pictures = [f'pictures/run-epoch-80_face_0000{i}.jpg' for i in range(5)]
    for name in ('index.html', 'per_face.csv', *pictures):
        assert (folder / 'report' / name).stat().st_size > 300


def test_numbers_are_the_metric_s(report, dump):
    assert report['scores']['box']['full']['pooled'] == dump['metrics']['NME']
    assert report['scores']['box']['frontal']['pooled'] == dump['metrics']['NME_frontal']
    assert {name: each['faces'] for name, each in report['subsets'].items()} == {
        'full': 5,
        'frontal': 2,
    }
    assert list(report['normalisers']) == ['box', 'diagonal', 'tight_box', 'interocular']
    assert report['normalisers']['box']['title'] == 'longer side of box'
    assert report['point_names'][13] == 'NoseCenter'
    assert report['reliability'] is not None
    assert report['visibility'] is None  # the tiny set hides nothing


def test_provenance(report, tiny_config, trained, face_set):
    def hashed(path):
        return hashlib.sha256(path.read_bytes()).hexdigest()

    known = report['provenance']
    assert (known['config'], known['config_sha256']) == (str(tiny_config), hashed(tiny_config))
    assert len(known['resolved_config_sha256']) == 64
    assert known['resolved_config_sha256'] != known['config_sha256']
    assert known['checkpoint'] == str(trained.checkpoint)
    assert known['checkpoint_sha256'] == hashed(trained.checkpoint)
    names = [f'annotations/face_landmarks_aflw_{name}.json' for name in ('test', 'test_frontal')]
    paths = [face_set / name for name in names]
    assert known['data'] == [{'file': str(path), 'sha256': hashed(path)} for path in paths]
    assert '--report report --report-faces 3' in known['command']
    assert (known['device'], known['flip_test']) == ('CPU', True)
    assert {'mmpose_lite', 'torch', 'numpy'} <= set(known['versions'])
    assert known['date'][:2] == '20'


def test_the_flip_test_the_other_way_round(report, tested, tiny_config, trained, as_new_process):
    both = report['flip_test']
    assert both['on']['full'] == report['scores']['box']['full']['pooled']
    assert both['off']['full'] != both['on']['full']
    out = tested[0] / 'off.json'
    options = ['--work-dir', str(tested[0]), '--cfg-options', 'model.test_cfg.flip_test=False']
    run_test([str(tiny_config), str(trained.checkpoint), '--out', str(out), *options])
    numbers = json.loads(out.read_text())
    assert both['off']['full'] == pytest.approx(numbers['NME'], abs=1e-7)
    assert both['off']['frontal'] == pytest.approx(numbers['NME_frontal'], abs=1e-7)


def test_perturbed_boxes(report, dump):
    found = report['box_errors']
    assert (found['faces'], found['seed'], len(found['rows'])) == (3, 0, 9)
    first, *_ = (each for each in dump['further']['passes'] if each['kind'] == 'shift')
    chosen = first['indices']
    rows = [dump['faces'][i] for i in chosen]
    sides = np.array([row['norm'] for row in rows])[:, None]

    def nme(pred):
        apart = np.linalg.norm(np.array(pred) - [row['gt'] for row in rows], axis=-1)
        return (apart / sides).mean()

    assert found['undisturbed'] == pytest.approx(nme([row['pred'] for row in rows]), abs=1e-6)
    assert found['rows'][0]['nme'] == pytest.approx(nme(first['pred']), abs=1e-6)
    # What has been learnt by heart does not survive another crop.
    errors = {(each['kind'], each['amount']): each['nme'] for each in found['rows']}
    assert errors['shift', 0.2] > 1.2 * found['undisturbed']
    assert len(set(errors.values())) == 9


def test_a_dump_gives_the_same_report(processes, tested, report):
    folder, _ = tested
    processes.run_tool('report.py', 'one.json', '--out', 'again', cwd=folder)
    (again,) = json.loads((folder / 'again' / 'metrics.json').read_text())['runs']
    assert again == report


def test_two_dumps_side_by_side(tested, dump, capsys, monkeypatch):
    folder, _ = tested
    monkeypatch.chdir(folder)
    worse = {**dump, 'further': None, 'provenance': None, 'points': None, 'normaliser': None}
    worse['faces'] = []
    for row in dump['faces']:
        pred = np.array(row['pred']) + np.array([row['norm'] / 20, 0])
        old = {key: value for key, value in row.items() if key != 'flags'}
        worse['faces'].append({**old, 'pred': pred.tolist()})
    (folder / 'two.json').write_text(json.dumps(worse))
    run_report(['one.json', 'two.json', '--names', 'good', 'bad', '--out', 'both'])
    assert 'both/index.html' in capsys.readouterr().out
    metrics = json.loads((folder / 'both' / 'metrics.json').read_text())
    check_report(metrics)
    assert [run['name'] for run in metrics['runs']] == ['good', 'bad']
    assert metrics['runs'][1]['flip_test'] is None
    (pair,) = metrics['comparisons']
    first, second = (run['scores']['box']['full']['mean'] for run in metrics['runs'])
    full = pair['subsets']['full']
    assert full['difference'] == pytest.approx(second - first, abs=1e-9)
    assert full['difference'] > 0
    assert full['a_wins'] + full['b_wins'] == 5
    assert full['a_wins'] > full['b_wins']


def test_runs_of_one_name_are_told_apart(tested, monkeypatch):
    monkeypatch.chdir(tested[0])
    (tested[0] / 'copy.json').write_text((tested[0] / 'one.json').read_text())
    names = [run.name for run in read_runs(['one.json', 'copy.json'])]
    assert names == ['run/epoch_80 (one.json)', 'run/epoch_80 (copy.json)']
    with pytest.raises(InputError, match='named twice'):
        read_runs(['one.json', 'one.json'])


def test_seeds_of_two_recipes(tested, capsys, monkeypatch):
    monkeypatch.chdir(tested[0])
    for name in 'abcd':
        (tested[0] / f'{name}.json').write_text((tested[0] / 'one.json').read_text())
    dumps = ['a.json', 'b.json', '--against', 'c.json', 'd.json']
    run_report([*dumps, '--names', 'plain', 'DARK', '--out', 'recipes'])
    assert re.search(
        r'^DARK minus plain, full: [+]0[.]000 .*, 2 and 2 runs$', capsys.readouterr().out, re.M
    )
    metrics = json.loads((tested[0] / 'recipes' / 'metrics.json').read_text())
    check_report(metrics)
    assert [run['name'] for run in metrics['runs']] == [
        f'run/epoch_80 ({name}.json)' for name in 'abcd'
    ]


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['one.json', '--names', 'a', 'b'], '2 names for 1 dumps'),
        (['one.json', 'two.json', '--names', 'a', 'a'], 'a name is given twice'),
        (['a', 'b', '--against', 'c', 'd', '--names', *'abcd'], '4 names for 2 recipes'),
        (['a', 'b', '--against', 'c'], '2 and 1 dumps; a recipe has at least 2'),
    ],
)
def test_names_must_fit(arguments, message, capsys):
    with pytest.raises(SystemExit):
        run_report(arguments)
    assert message in capsys.readouterr().err


def test_wrong_input_ends_with_one_line(tmp_path, tested):
    with pytest.raises(SystemExit, match=r"error: dump 'gone\.json' does not exist"):
        run_report(['gone.json', '--out', str(tmp_path / 'out')])
    in_the_way = tmp_path / 'file'
    in_the_way.write_text('')
    with pytest.raises(SystemExit, match=r"cannot be written to '.*file/deep': '.*file' is a file"):
        run_report([str(tested[0] / 'one.json'), '--out', str(in_the_way / 'deep')])


def test_a_test_run_checks_the_folder_before_it_begins(tmp_path, tiny_config):
    (tmp_path / 'file').write_text('')
    arguments = [str(tiny_config), 'gone.pth', '--work-dir', str(tmp_path)]
    with pytest.raises(SystemExit, match=r"'.*file' is a file"):
        run_test([*arguments, '--report', str(tmp_path / 'file')])


def test_the_number_of_faces_is_not_below_zero(tiny_config, capsys):
    with pytest.raises(SystemExit):
        run_test([str(tiny_config), 'any.pth', '--report', 'x', '--report-faces', '-1'])
    assert '--report-faces -1' in capsys.readouterr().err


def test_two_processes_make_the_same_report(processes, tmp_path, tiny_config, trained, report):
    """The further passes too: three faces by two ranks."""
    launcher = ('-m', 'torch.distributed.run', '--nproc_per_node', '2', '--standalone')
    processes.run_tool(
        'test.py',
        *(tiny_config, trained.checkpoint, '--launcher', 'pytorch', '--work-dir', 'run'),
        *('--report', 'report', '--report-faces', '3'),
        cwd=tmp_path,
        launcher=launcher,
    )
    (found,) = json.loads((tmp_path / 'report' / 'metrics.json').read_text())['runs']
    for part in ('flip_test', 'box_errors'):
        assert_close(found[part], report[part])
    assert_close(found['scores']['box']['full'], report['scores']['box']['full'])


def assert_close(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_close(one[key], other[key])
    elif isinstance(one, list):
        for mine, theirs in zip(one, other, strict=True):
            assert_close(mine, theirs)
    else:
        assert one == (pytest.approx(other, abs=1e-6) if isinstance(one, float) else other)


@pytest.fixture
def test_once(tmp_path, tiny_config, trained, as_new_process):
    """Tests with a report in this process; returns the run's numbers."""

    def test_once(*flags):
        arguments = [str(tiny_config), str(trained.checkpoint), '--work-dir', str(tmp_path)]
        out = tmp_path / 'report'
        run_test([*arguments, '--report', str(out), *flags])
        (found,) = json.loads((out / 'metrics.json').read_text())['runs']
        return found

    return test_once


def test_no_further_passes(test_once, report):
    found = test_once('--report-faces', '0')
    assert (found['flip_test'], found['box_errors']) == (None, None)
    assert found['scores'] == report['scores']


@pytest.mark.slow
@pytest.mark.parametrize('flags', [[], ['--augment-on-device', 'resident']], ids=['cut', 'held'])
def test_perturbed_boxes_are_not_cut_from_a_cache(test_once, tmp_path, report, flags):
    """The cache holds only the crops of annotated boxes; larger ones would have a black rim."""
    found = test_once('--report-faces', '3', '--cache', str(tmp_path / 'crops'), *flags)
    assert len(list((tmp_path / 'crops').glob('*.crops'))) == 1
    for mine, theirs in zip(found['box_errors']['rows'], report['box_errors']['rows'], strict=True):
        assert mine['nme'] == pytest.approx(theirs['nme'], abs=1e-6)
    assert found['flip_test']['off']['full'] == pytest.approx(
        report['flip_test']['off']['full'], abs=1e-4
    )


@pytest.mark.usefixtures('as_new_process')
def test_every_output_counts_the_same_faces_and_gives_the_same_numbers(
    tmp_path, tiny_config, trained, face_set, capsys, monkeypatch
):
    """The second of five faces, one of two frontal ones, has no visible point."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(face_set, 'data')
    hide_points(tmp_path / 'data', 'test', 1)
    hide_points(tmp_path / 'data', 'test_frontal', 0)
    outputs = ['--out', 'out.json', '--dump', 'dump.json', '--report', 'one', '--report-faces', '0']
    (tmp_path / 'best.pth').symlink_to(trained.checkpoint)
    arguments = [str(tiny_config), 'best.pth', '--work-dir', 'run', *outputs]
    run_test([*arguments, '--cfg-options', 'test_dataloader.dataset.data_root=data'])
    printed = capsys.readouterr().out
    assert re.search(r'NME .*full .* 4 .* 76', printed)
    assert re.search(r'NME .*frontal .* 1 .* 19', printed)
    assert '\nNME: 1 of 5 faces has no visible point and is left out (id 2)\n' in printed
    out, dump = (json.loads((tmp_path / f'{name}.json').read_text()) for name in ('out', 'dump'))
    assert dump['metrics'] == out
    assert dump['counts'] == {
        'NME': {'faces': 4, 'points': 76},
        'NME_frontal': {'faces': 1, 'points': 19},
    }
    assert len(dump['faces']) == 5
    run_report(['dump.json', '--out', 'two'])
    one, two = (
        json.loads((tmp_path / name / 'metrics.json').read_text())['runs']
        for name in ('one', 'two')
    )
    assert one == two
    # Named by what the link points at.
    assert (one[0]['name'], one[0]['provenance']['checkpoint']) == ('run/epoch_80', 'best.pth')
    for subset, name in (('full', 'NME'), ('frontal', 'NME_frontal')):
        score = one[0]['scores']['box'][subset]
        assert {key: score[key] for key in ('faces', 'points')} == dump['counts'][name]
        assert score['pooled'] == out[name]
    assert one[0]['left_out'] == ['1 of 5 faces has no visible point and is left out (id 2)']


def test_a_point_that_does_not_count_may_be_no_number_in_a_dump():
    row = {'gt': [[1.5, 2], [math.nan, math.inf]], 'mask': [True, False]}
    assert _numbers_or_null(row) == {**row, 'gt': [[1.5, 2], [None, None]]}


@pytest.mark.usefixtures('as_new_process')
def test_a_metric_without_rows_makes_no_report(tmp_path, tiny_config, trained):
    """DumpResults keeps samples."""
    config = tmp_path / 'dumping.py'
    evaluator = f"dict(_delete_=True, type='DumpResults', out_file_path='{tmp_path}/a.pkl')"
    config.write_text(f"_base_ = ['{tiny_config}']\ntest_evaluator = {evaluator}\n")
    arguments = [str(config), str(trained.checkpoint), '--work-dir', str(tmp_path)]
    with pytest.raises(SystemExit, match='--report needs a metric that keeps a row per face'):
        run_test([*arguments, '--report', str(tmp_path / 'report')])
