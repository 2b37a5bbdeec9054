"""HRNet's lists of AFLW that are wrong, incomplete, or name photographs in another way."""

import json

import pytest

from mmpose_lite.data_tools.converters import convert_aflw
from mmpose_lite.errors import InputError, MissingFileError

COUNTS = {'train': 7, 'test': 3, 'test_frontal': 2}


def convert(aflw, **sources):
    return convert_aflw(aflw.images, aflw.out, expected=COUNTS, **sources)


LISTS = [
    (lambda text: text.replace('center_h', 'x'), 'line 1 must name 43 columns'),
    (lambda text: text.replace(',80,', ',a,'), "line 2: 'box_size' must be a number, it is 'a'"),
    (lambda text: text.replace(',80,', ',nan,'), "line 2: 'box_size' must be a number, it is"),
    (lambda text: text.replace(',80,', ',90,'), "line 2: 'box_size' is 90, 200 'scale' 80"),
    (lambda text: text[:-30], 'line 8 has'),
    (lambda text: '', 'line 1 must name 43 columns'),
]  # fmt: skip


@pytest.mark.parametrize(('change', 'message'), LISTS)
def test_wrong_lists(aflw, change, message):
    folder = aflw.csv()
    path = aflw.list_file('train')
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=f'face_landmarks_aflw_train.csv: {message}'):
        convert(aflw, csv=folder)


def test_lists_that_are_missing_or_do_not_fit(aflw):
    folder = aflw.csv()
    frontal = aflw.list_file('test_frontal')
    train_line = aflw.list_file('train').read_text().splitlines()[1]
    frontal.write_text(f'{frontal.read_text()}{train_line}\n')
    report = convert(aflw, csv=folder)
    assert report.unplaced == {
        'it is frontal, and not among the test faces': [
            'flickr/0/image00016.jpg (face_landmarks_aflw_test_frontal.csv, line 4)'
        ]
    }
    frontal.unlink()
    with pytest.raises(MissingFileError, match=r'has no face_landmarks_aflw_test_frontal\.csv'):
        convert(aflw, csv=folder)


def test_names_without_folders_are_found(aflw):
    folder = aflw.csv()
    for name in COUNTS:
        path = aflw.list_file(name)
        text = path.read_text()
        for number in '023':
            text = text.replace(f'flickr/{number}/', '')
        path.write_text(text)
    assert convert(aflw, csv=folder).is_complete
    content = json.loads((aflw.out / 'annotations' / 'face_landmarks_aflw_train.json').read_text())
    assert content['images'][0]['file_name'] == 'flickr/0/image00016.jpg'


@pytest.mark.parametrize('size', ['0', '-80'])
def test_boxes_without_area_are_left_out(aflw, size):
    folder = aflw.csv()
    path = aflw.list_file('train')
    path.write_text(path.read_text().replace(',80,', f',{size},', 1))
    report = convert(aflw, csv=folder)
    assert report.unplaced == {
        'its box has no area': ['flickr/0/image00016.jpg (face_landmarks_aflw_train.csv, line 2)']
    }
    assert [each.faces for each in report.sets] == [6, 3, 2]


REPEATS = [
    # what the first face of a list is added to
    ('train', 'train', 'the face is listed twice', 'train.csv, line 2; {}train.csv, line 9'),
    ('train', 'test', 'the face is in train and in test', 'train.csv, line 2; {}test.csv, line 5'),
    (
        'test_frontal',
        'test_frontal',
        'the face is listed twice',
        'test_frontal.csv, line 2; {}test_frontal.csv, line 4',
    ),
]


@pytest.mark.parametrize(('source', 'target', 'kind', 'lines'), REPEATS)
def test_faces_that_are_there_again_are_counted(aflw, source, target, kind, lines):
    folder = aflw.csv()
    before = convert(aflw, csv=folder).notes
    line = aflw.list_file(source).read_text().splitlines()[1]
    path = aflw.list_file(target)
    path.write_text(f'{path.read_text()}{line}\n')
    notes = convert(aflw, csv=folder).notes
    name, prefix = line.partition(',')[0], 'face_landmarks_aflw_'
    assert notes == {**before, kind: [f'{name} ({prefix}{lines.format(prefix)})']}
