"""The commands: what they print, how they end, and the forms of the synthetic set."""

import hashlib
import json
import sqlite3
import sys

import numpy as np
import pytest

from mmpose_lite.cli.convert import main
from mmpose_lite.data_tools.converters import convert_aflw
from mmpose_lite.data_tools.converters.report import ConversionReport, WrittenSet
from mmpose_lite.synthetic import DatasetError, Recipe, make_dataset, write_forms

NAMES = ('train', 'test', 'test_frontal')


@pytest.fixture(scope='module')
def synthetic(tmp_path_factory):
    """A rendered set in all forms, with how many faces its lists have."""
    root = tmp_path_factory.mktemp('synthetic') / 'set'
    make_dataset(root, Recipe(train=6, test=5, seed=4))
    write_forms(root)
    return root, {name: len(annotations(root, name)['annotations']) for name in NAMES}


def annotations(root, name):
    return json.loads((root / 'annotations' / f'face_landmarks_aflw_{name}.json').read_text())


def sources(root, *names):
    forms = root / 'forms'
    paths = {'mat': forms / 'AFLWinfo_release.mat', 'csv': forms, 'sqlite': forms / 'aflw.sqlite'}
    return {name: paths[name] for name in names}


@pytest.mark.parametrize('names', [('mat',), ('csv',), ('mat', 'sqlite')])
def test_forms_of_the_synthetic_set_become_the_set_again(synthetic, tmp_path, names):
    root, counts = synthetic
    report = convert_aflw(root / 'images', tmp_path, **sources(root, *names), expected=counts)
    assert report.is_complete
    # Its own writer rounds the box about the points, and numbers faces over both splits.
    given = {'csv': set(), 'mat': {'visibility'}, 'sqlite': {'yaw', 'pitch', 'roll', 'visibility'}}
    for name in NAMES:
        ours, theirs = annotations(tmp_path, name), annotations(root, name)
        files = {each['id']: each['file_name'] for each in ours['images']}
        their_files = {each['id']: each['file_name'] for each in theirs['images']}
        for one, other in zip(ours['annotations'], theirs['annotations'], strict=True):
            assert files[one['image_id']] == their_files[other['image_id']]
            np.testing.assert_allclose(one['bbox'], other['bbox'], atol=1e-3)
            np.testing.assert_allclose(one['area'], other['area'], atol=1)
            same = {'keypoints', 'num_keypoints', 'iscrowd', 'category_id', 'center', 'scale'}
            for key in {*same, 'box_size', *given[names[-1]]}:
                assert one[key] == other[key], key
            assert ('yaw' in one) == ('sqlite' in names)


def test_the_sqlite_of_the_synthetic_set_has_what_can_be_seen(synthetic, tmp_path):
    root, counts = synthetic
    report = convert_aflw(root / 'images', tmp_path, **sources(root, 'sqlite'))
    assert report.sets[0].faces == counts['train'] + counts['test']
    assert report.is_complete
    path = tmp_path / 'annotations' / 'face_landmarks_aflw-visible_all.json'
    found = json.loads(path.read_text())['annotations']
    original = [
        *annotations(root, 'train')['annotations'],
        *annotations(root, 'test')['annotations'],
    ]
    hidden = 0
    for one, other in zip(found, original, strict=True):
        assert one['visibility'] == other['visibility']
        points, truth = (np.array(each['keypoints']).reshape(19, 3) for each in (one, other))
        truth *= np.array(other['visibility'])[:, None]
        np.testing.assert_array_equal(points, truth)
        hidden += 19 - sum(other['visibility'])
    assert hidden > 0


def test_the_same_set_has_the_same_forms(synthetic):
    root, _ = synthetic

    def digests():
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted((root / 'forms').iterdir())
        }

    before = digests()
    assert len(before) == 5
    write_forms(root)
    assert digests() == before


def test_forms_without_scipy(synthetic, monkeypatch):
    root, _ = synthetic
    monkeypatch.setitem(sys.modules, 'scipy.io', None)
    with pytest.raises(DatasetError, match='needs scipy: pip install scipy'):
        write_forms(root)


def test_a_missing_reader_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, 'h5py', None)
    with pytest.raises(SystemExit) as ended:
        main(['cofw', '--source', '.', '--out', 'out'])
    assert 'needs h5py to be read: pip install' in ended.value.code
    assert '\n' not in ended.value.code


def test_one_is_singular():
    report = ConversionReport('aflw', [WrittenSet('train', 'a.json', 1, 1)])
    report.note('oddity', 'a.jpg')
    assert list(report.lines()) == [
        'a.json: 1 face in 1 photograph',
        'noticed, and kept: 1 time: oddity',
        '    a.jpg',
    ]


def test_the_same_faces_are_named_once():
    report = ConversionReport('aflw', [])
    for kind in ('no box', 'a new box'):
        for name in 'ab':
            report.note(kind, name)
    assert list(report.lines()) == [
        'noticed, and kept: 2 times: no box',
        '    a',
        '    b',
        'noticed, and kept: 2 times: a new box',
        '    the same ones',
    ]


def test_the_tool_prints_the_report(processes, aflw, tmp_path):
    out = tmp_path / 'report' / 'all.json'
    printed = processes.run_tool(
        'dataset_converters/aflw.py', '--images', aflw.images, '--mat', aflw.mat(),
        '--sqlite', aflw.sqlite(), '--out', aflw.out, '--report', out,
        '--expect', 'train=7', 'test=3', 'test_frontal=2', cwd=tmp_path,
    )  # fmt: skip
    assert 'test_frontal.json: 2 faces in 2 photographs: as expected' in printed
    assert 'noticed, and kept: 2 times: the box leaves its photograph' in printed
    report = json.loads(out.read_text())
    assert report['complete'] is True
    assert [each['faces'] for each in report['files']] == [7, 3, 2]


@pytest.mark.parametrize('name', ['300vw', '300w', '300wlp', 'cofw', 'lapa', 'wflw'])
def test_the_other_tools_start(processes, name, tmp_path):
    assert 'usage: mmpose-lite convert' in processes.run_tool(
        f'dataset_converters/{name}.py', '--help', cwd=tmp_path
    )


def test_aflws_numbers_are_asked_for_by_default(aflw, capsys):
    sources = ['--images', str(aflw.images), '--csv', str(aflw.csv()), '--out', str(aflw.out)]
    with pytest.raises(SystemExit) as ended:
        main(['aflw', *sources])
    assert ended.value.code == 1
    printed = capsys.readouterr().out
    for count in (20000, 4386, 1314):
        assert f'NOT the {count} expected' in printed
    with pytest.raises(SystemExit) as ended:
        main(['aflw', *sources[:2], '--mat', str(aflw.mat()), *sources[4:]])
    assert 'none are left for the test after 20000' in ended.value.code


@pytest.mark.parametrize(
    ('option', 'path', 'message'),
    [
        ('--out', 'file/deep', "files cannot be written to '.*deep/annotations': '.*file' is a fi"),
        ('--report', 'file/all.json', "files cannot be written to '.*file': '.*file' is a file"),
        ('--report', 'folder', "'.*folder' cannot be written: it is a folder"),
    ],
)
def test_where_it_writes_is_looked_at_before_what_it_reads(tmp_path, option, path, message):
    (tmp_path / 'file').write_text('')
    (tmp_path / 'folder').mkdir()
    arguments = ['--images', 'none', '--mat', 'none', '--out', str(tmp_path)]
    with pytest.raises(SystemExit, match=f'error: {message}'):
        main(['aflw', *arguments, option, str(tmp_path / path)])


@pytest.mark.parametrize(
    ('name', 'folder'), [('cofw', 'images'), ('300vw', 'images'), ('300wlp', 'val')]
)
def test_folders_of_photographs_that_are_written_are_looked_at_too(tmp_path, name, folder):
    (tmp_path / folder).write_text('')
    with pytest.raises(SystemExit, match=rf"error: files cannot be written to '.*{folder}': "):
        main([name, '--source', 'none', '--out', str(tmp_path)])


def test_the_visible_set_ends_well_and_warns(aflw, capsys):
    arguments = ['--images', aflw.images, '--sqlite', aflw.sqlite(), '--out', aflw.out]
    main(['aflw', *map(str, arguments)])
    assert 'NOT comparable with published' in capsys.readouterr().out


def test_a_database_that_another_program_writes_to_is_read(aflw):
    path = aflw.sqlite()
    with sqlite3.connect(path) as base:
        base.execute('BEGIN IMMEDIATE')  # another program writes
        convert_aflw(aflw.images, aflw.out, sqlite=path)
    base.close()


@pytest.mark.parametrize('text', ['train', 'train=', 'train=x', 'none=3'])
def test_wrong_numbers_to_expect(text, capsys):
    with pytest.raises(SystemExit):
        main(['aflw', '--images', '.', '--csv', '.', '--expect', text])
    assert f'--expect {text}: SET=FACES with a set of train, test' in capsys.readouterr().err
