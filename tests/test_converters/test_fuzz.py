"""Thousands of damaged releases: each is converted, or refused by a line that names its file.

A share of the cases runs with the other tests; all of them run with ``--whole``, and
``MMPOSE_LITE_FUZZ_SEED`` makes others. A case that fails prints its number.
"""

import json
import os
import shutil
from collections import Counter

import cv2
import h5py
import numpy as np
import pytest
from scipy.io import savemat

from helpers.fuzzing.annotations import VALUES
from helpers.fuzzing.outcome import SECONDS, at_most
from helpers.label_files import TOOLS, write_photos
from mmpose_lite.data_tools.converters import (
    convert_300w,
    convert_300wlp,
    convert_aflw,
    convert_cofw,
    convert_labels,
    convert_lapa,
    convert_wflw,
)
from mmpose_lite.data_tools.converters.labelled import ReadOptions
from mmpose_lite.errors import InputError

SEED = int(os.environ.get('MMPOSE_LITE_FUZZ_SEED', '0'))
COUNTS = {'train': 7, 'test': 3, 'test_frontal': 2}


@pytest.fixture(scope='module')
def cases(whole):
    """The number of files of each kind."""
    return 1000 if whole else 40


def damage(content, rng):
    """Change some bytes, take some out, double some, or end early."""
    content = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        place = int(rng.integers(len(content)))
        length = int(rng.integers(1, 9))
        kind = int(rng.integers(5))
        if kind == 0:
            content[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            content[place : place + length] = rng.bytes(length)
        elif kind == 2:
            content[place : place + length] = bytes([int(rng.choice([0, 0xFF, 0x7F]))]) * length
        elif kind == 3:
            del content[place : place + length]
        elif rng.random() < 0.2:
            del content[place:]
            content += b'\n'
    return bytes(content)


def exchange(content, rng):
    """Put another value into the place of one of a JSON file, or take it out."""
    content = json.loads(content)
    places, open_ = [], [content]
    while open_:
        each = open_.pop()
        keys = range(len(each)) if isinstance(each, list) else list(each)
        places += [(each, key) for key in keys]
        open_ += [each[key] for key in keys if isinstance(each[key], (list, dict))]
    place, key = places[int(rng.integers(len(places)))]
    if rng.random() < 0.2:
        del place[key]
    else:
        place[key] = VALUES[int(rng.integers(len(VALUES)))]
    return json.dumps(content).encode()


def check(path, convert, cases, number_of_kind, damage=damage):
    """Damage a file again and again; what is raised must be one line that names it."""
    sound, outcomes = path.read_bytes(), Counter()
    for number in range(cases):
        rng = np.random.default_rng([SEED, number_of_kind, number])
        path.write_bytes(damage(sound, rng))
        try:
            with at_most(SECONDS):
                convert()
            outcomes['converted'] += 1
        except InputError as error:
            message = str(error)
            assert '\n' not in message, number
            assert path.name in message or "images='" in message, (number, message)
            outcomes['refused'] += 1
        except BaseException as error:
            raise AssertionError(f'case {number} of {path.name}') from error
    path.write_bytes(sound)
    return outcomes


def test_files_of_aflw(aflw, cases):
    def converting(**sources):
        return lambda: convert_aflw(aflw.images, aflw.out, expected=COUNTS, **sources)

    mat, sqlite = aflw.mat(), aflw.sqlite()
    aflw.csv()
    kinds = {
        mat: converting(mat=mat),
        sqlite: converting(sqlite=sqlite),
        aflw.list_file('test'): converting(csv=aflw.root),
    }
    for number, (path, convert) in enumerate(kinds.items()):
        assert check(path, convert, cases, number)['refused'] > cases / 20


def test_points_of_lapa(tmp_path, cases):
    for part in ('train', 'val', 'test'):
        for folder in ('images', 'landmarks'):
            (tmp_path / part / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / part / 'images' / 'a.jpg'), np.zeros((120, 120), np.uint8))
        lines = [f'{i}.5 {i}' for i in range(106)]
        path = tmp_path / part / 'landmarks' / 'a.txt'
        path.write_text('\n'.join(['106', *lines]))
    reports = []
    check(path, lambda: reports.append(convert_lapa(tmp_path, tmp_path)), cases, 20)
    # A file that cannot be used is one face less, and named.
    unplaced = [report.unplaced for report in reports if report.unplaced]
    assert len(unplaced) > cases / 10
    assert all(path.name in names[0] for each in unplaced for names in each.values())


def test_points_of_300wlp(tmp_path, cases):
    for folder in (tmp_path / 'AFW', tmp_path / 'landmarks' / 'AFW'):
        folder.mkdir(parents=True)
    cv2.imwrite(str(tmp_path / 'AFW' / 'AFW_1_0.jpg'), np.zeros((120, 120), np.uint8))
    path = tmp_path / 'landmarks' / 'AFW' / 'AFW_1_0_pts.mat'
    savemat(path, {'pts_2d': np.arange(136.0).reshape(68, 2)})
    reports, out = [], tmp_path / 'out'
    check(path, lambda: reports.append(convert_300wlp(tmp_path, out)), cases, 21)
    assert sum(bool(report.unplaced) for report in reports) > cases / 10


def test_lists_of_wflw(aflw, cases):
    values = np.arange(200.0)
    lines = [' '.join(map(str, [*values, *[0] * 6, '0/image00010.jpg']))] * 3
    for name in ('train', 'test'):
        path = aflw.root / f'list_98pt_rect_attr_{name}.txt'
        path.write_text('\n'.join(lines))
    outcomes = check(path, lambda: convert_wflw(aflw.images, aflw.root, aflw.out, COUNTS), cases, 3)
    assert outcomes['refused'] > cases / 10


def test_points_of_300w(aflw, cases):
    """Beside its photograph; a face without sound points is left out."""
    root = aflw.root / '300w' / 'ibug'
    root.mkdir(parents=True)
    shutil.copy(aflw.photo('0/image00010.jpg'), root / 'a.jpg')
    points = '\n'.join(f'{x}.5 {x}' for x in range(68))
    (root / 'a.pts').write_text(f'version: 1\nn_points: 68\n{{\n{points}\n}}\n')
    assert sum(
        check(root / 'a.pts', lambda: convert_300w(root.parent, aflw.out), cases, 4).values()
    )


def test_files_of_cofw(tmp_path, cases):
    """Values are damaged where HDF5 keeps them, and so is what HDF5 itself is told."""
    for name, keys in (
        ('train', ('IsTr', 'phisTr', 'bboxesTr')),
        ('test', ('IsT', 'phisT', 'bboxesT')),
    ):
        path = tmp_path / f'COFW_{name}_color.mat'
        with h5py.File(path, 'w') as file:
            image = file.create_dataset('i', data=np.ones((3, 9, 8), np.uint8))
            file.create_dataset(keys[0], data=np.array([[image.ref] * 2], h5py.ref_dtype))
            file[keys[1]], file[keys[2]] = np.full((87, 2), 4.0), np.full((4, 2), 5.0)
    outcomes = check(path, lambda: convert_cofw(tmp_path, tmp_path), cases, 5)
    assert outcomes['refused'] > cases / 20


@pytest.mark.parametrize('number', range(len(TOOLS)))
def test_labels_of_tools(tmp_path, cases, number):
    tool, write, _ = TOOLS[number]
    photos = write_photos(tmp_path / 'photos')
    path = write(tmp_path / 'labels')
    path = next(path.rglob('*.json')) if path.is_dir() else path

    def convert():
        convert_labels(tool, path, photos, tmp_path / 'set')

    assert check(path, convert, cases, 10 + number)['refused'] > cases / 20
    if path.suffix == '.json':
        outcomes = check(path, convert, 3 * cases, 20 + number, exchange)
        assert outcomes['refused'] > cases / 20


@pytest.mark.parametrize('number', range(3))
def test_files_of_numbers(tmp_path, cases, number):
    """Points of iBUG's form, a table, and one of pixels."""
    tool, name, text = (
        ('pts', 'a.pts', 'version: 1\nn_points: 3\n{\n1 1\n21.5 1\n11 31\n}\n'),
        ('csv', 'a.csv', 'filename,eye_x,eye_y,eye_v,x1,y1\na.png,1,2.5,1,30,\na.png,9,8,2,7,6\n'),
        ('csv', 'b.csv', f'eye_x,eye_y,b_x,b_y,Image\n1,2,3,4,{"7 " * 143}7\n'),
    )[number]
    write_photos(tmp_path / 'photos')
    path = tmp_path / name
    path.write_text(text)

    def convert():
        options = ReadOptions(origin=1)
        convert_labels(tool, path, tmp_path / 'photos', tmp_path / 'set', options=options)

    assert check(path, convert, cases, 30 + number)['refused'] > cases / 20
