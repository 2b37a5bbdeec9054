"""The files of a report."""

import csv
import json

import cv2
import numpy as np
import pytest
from hand_made import row
from hand_made import run as make_run
from report_checks import check_report

from mmpose_lite.errors import InputError
from mmpose_lite.reporting import write_report, writing
from mmpose_lite.reporting.writing import picture_stems


@pytest.fixture
def photographs(tmp_path):
    """Rows of three faces with photographs; the last photograph is missing."""
    paths = [str(tmp_path / f'{i}.png') for i in range(3)]
    for path in paths[:2]:
        cv2.imwrite(path, np.full((120, 120, 3), 128, np.uint8))
    return [row(i, 1 + i, img_path=path) for i, path in enumerate(paths)]


def test_all_files_are_there(tmp_path, photographs):
    out = tmp_path / 'deep' / 'report'
    remarks = write_report(
        out, [make_run(*photographs, name='my run/1', data_roots=[str(tmp_path)])]
    )
    names = {str(path.relative_to(out)) for path in out.rglob('*') if path.is_file()}
    pictures = {f'pictures/my-run-1_face_{i:05d}.jpg' for i in (0, 1)}
    assert names == {'index.html', 'metrics.json', 'per_face.csv', *pictures}
    metrics = json.loads((out / 'metrics.json').read_text())
    check_report(metrics)
    worst = metrics['runs'][0]['worst']
    assert [each['id'] for each in worst] == [2, 1, 0]
    assert [each['picture'] for each in worst] == [None, *sorted(pictures, reverse=True)]
    assert remarks == [
        'my run/1: 1 of the 3 faces shown have no picture: their images are unreadable, the '
        f"first is '{photographs[2]['img_path']}' (see mmpose-lite report --data-root)"
    ]
    assert 'my run/1' in (out / 'index.html').read_text()


def test_a_picture_shows_truth_and_prediction(tmp_path, photographs):
    write_report(
        tmp_path / 'out',
        [make_run(row(0, 12, img_path=photographs[0]['img_path']), data_roots=[str(tmp_path)])],
    )
    (path,) = (tmp_path / 'out' / 'pictures').iterdir()
    tile = cv2.imread(str(path)).astype(int)
    assert tile.shape == (320, 320, 3)
    # The box of 100 px about (50, 25), and the half beside it: 130 px to the tile. In BGR.
    zoom = 320 / 130
    place = lambda x, y: (round((y - 25) * zoom + 160), round((x - 50) * zoom + 160))  # noqa: E731
    truth, predicted = tile[place(30, 30)], tile[place(42, 30)]
    assert truth[1] > truth[2] + 50  # green
    assert predicted[2] > predicted[1] + 50  # orange
    assert np.ptp(tile[place(30, 45)]) < 30  # the grey of the photograph


def test_a_line_a_face_and_run(tmp_path):
    first = make_run(row(1, 5, subsets=['a', 'b'], scores=[0.2, 0.4, 0.6, 0.8]), name='x')
    second = make_run(row('z', 1) | {'mask': [True, False, False, False]}, name='y')
    write_report(tmp_path, [first, second])
    with (tmp_path / 'per_face.csv').open(newline='') as file:
        lines = list(csv.DictReader(file))
    assert lines[0] == {
        'run': 'x',
        'id': '1',
        'image': 'photos/1.jpg',
        'subsets': 'a b',
        'points': '4',
        'box_size': '100',
        'yaw': '',
        'confidence': '0.5',
        'nme_box': '0.05',
        'nme_diagonal': lines[0]['nme_diagonal'],
        'nme_tight_box': lines[0]['nme_tight_box'],
    }
    assert float(lines[0]['nme_diagonal']) == pytest.approx(5 / np.hypot(100, 50))
    assert float(lines[0]['nme_tight_box']) == pytest.approx(5 / np.sqrt(1200))
    assert (lines[1]['run'], lines[1]['points'], lines[1]['nme_tight_box']) == ('y', '1', '')


def test_a_report_that_fails_leaves_no_page(tmp_path, monkeypatch):
    """The old page is removed before anything is written; the new one comes last."""
    write_report(tmp_path, [make_run(row(1, 1))])
    assert (tmp_path / 'index.html').is_file()

    replacing = writing.replacing

    def replacing_some(path):
        if path.name == 'metrics.json':
            raise OSError('disk full')
        return replacing(path)

    monkeypatch.setattr(writing, 'replacing', replacing_some)
    with pytest.raises(OSError, match='disk full'):
        write_report(tmp_path, [make_run(row(1, 2))])
    assert not (tmp_path / 'index.html').exists()


def test_a_report_that_cannot_be_made_leaves_the_older_one(tmp_path, monkeypatch):
    write_report(tmp_path, [make_run(row(1, 1))])
    before = {path: path.read_bytes() for path in tmp_path.rglob('*') if path.is_file()}

    def per_face_csv(runs):
        raise ValueError('no line')

    monkeypatch.setattr(writing, 'per_face_csv', per_face_csv)
    with pytest.raises(ValueError, match='no line'):
        write_report(tmp_path, [make_run(row(1, 2))])
    assert {path: path.read_bytes() for path in tmp_path.rglob('*') if path.is_file()} == before


def test_names_of_files_that_are_no_text_are_escaped(tmp_path):
    rows = [row(1, 1, img_path='photos/\udcff.jpg')]
    (remark,) = write_report(tmp_path, [make_run(*rows, name='a\udcfe')])
    assert 'no picture' in remark
    (run,) = json.loads((tmp_path / 'metrics.json').read_text('utf-8'))['runs']
    assert (run['name'], run['worst'][0]['image']) == ('a\udcfe', 'photos/\udcff.jpg')
    for name in ('index.html', 'per_face.csv'):
        assert r'photos/\udcff.jpg' in (tmp_path / name).read_text('utf-8')


def test_a_folder_in_the_way_is_named(tmp_path):
    """Before anything is written or removed."""
    write_report(tmp_path, [make_run(row(1, 1))])
    before = (tmp_path / 'metrics.json').read_text()
    (tmp_path / 'index.html').unlink()
    (tmp_path / 'index.html').mkdir()
    with pytest.raises(InputError, match=r"cannot be written: '.*index\.html' is a folder"):
        write_report(tmp_path, [make_run(row(1, 2))])
    assert (tmp_path / 'metrics.json').read_text() == before


def test_a_file_in_place_of_the_pictures_is_named(tmp_path):
    (tmp_path / 'pictures').write_text('')
    with pytest.raises(InputError, match=r"written to '.*pictures': '.*pictures' is a file"):
        write_report(tmp_path, [make_run(row(1, 2))])


def test_what_is_not_compared_is_told(tmp_path):
    runs = [make_run(row(1, 1), name='a'), make_run(row(1, 1), row(2, 1), name='b')]
    *_, partly = write_report(tmp_path, runs)
    assert partly.startswith('not all compared: 0 of 1 faces of a and 1 of 2 faces of b are left')
    *_, none = write_report(tmp_path, [runs[0], make_run(row(2, 1), name='b')])
    assert none.startswith('not compared: 1 of 1 faces of a and 1 of 1 faces of b are left out')


def test_an_older_report_s_pictures_go_and_files_of_others_stay(tmp_path, photographs):
    out = tmp_path / 'out'
    write_report(out, [make_run(*photographs, name='before', data_roots=[str(tmp_path)])])
    (out / 'notes.txt').write_text('mine')
    (out / 'pictures' / 'mine.jpg').write_bytes(b'mine')
    write_report(out, [make_run(*photographs[:1], name='after', data_roots=[str(tmp_path)])])
    names = {str(path.relative_to(out)) for path in out.rglob('*') if path.is_file()}
    pictures = {'pictures/mine.jpg', 'pictures/after_face_00000.jpg'}
    assert names == {'index.html', 'metrics.json', 'per_face.csv', 'notes.txt', *pictures}


def test_names_of_pictures():
    assert picture_stems(['a', 'b']) == ['a', 'b']
    assert picture_stems(['../x y', 'ä']) == ['x-y', 'run']
    assert picture_stems(['a b', 'A/b', '']) == ['0-a-b', '1-A-b', '2-run']


@pytest.mark.parametrize(
    ('runs', 'message'),
    [
        ([], 'different names'),
        ([make_run(row(1, 1)), make_run(row(1, 1))], 'different names'),
        ([make_run(row(1, 1) | {'mask': [False] * 4})], "'run': no point"),
    ],
)
def test_what_no_report_can_be_on_is_refused(tmp_path, runs, message):
    with pytest.raises(InputError, match=message):
        write_report(tmp_path, runs)
    assert not list(tmp_path.iterdir())
