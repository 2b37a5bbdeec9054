"""Labels that are wrong: refused in one line, or counted."""

import base64
import json

import cv2
import numpy as np
import pytest

from helpers.label_records import (
    THREE,
    coco,
    keypoint,
    labelme,
    photo,
    points,
    rectangle,
    skeleton,
    task,
    via,
    via_point,
    xml,
)
from mmpose_lite.cli.convert import main
from mmpose_lite.data_tools.converters import convert_labels
from mmpose_lite.data_tools.converters.own_config import find_mirrors, mirror_of, side_of
from mmpose_lite.errors import InputError, MissingFileError

PTS = 'version: 1\nn_points: 3\n{\n1 1\n21.5 1\n11 31\n}\n'
TWO = [{'id': 1, 'name': 'face', 'keypoints': ['a', 'b']}, {'id': 2, 'name': 'hand'}]
ANNOTATIONS = [
    {'id': 1, 'image_id': 1, 'category_id': 1, 'keypoints': [1, 2, 2, 3, 4, 2]},
    {'id': 2, 'image_id': 1, 'category_id': 2, 'keypoints': [1, 2, 2]},
]


@pytest.mark.parametrize(
    ('tool', 'name', 'content', 'message'),
    [
        ('cvat', 'a.xml', '<annotations', 'a.xml: is not XML: unclosed token'),
        ('cvat', 'a.xml', '<!DOCTYPE a [<!ENTITY b "c">]><a/>', 'a.xml: defines entities'),
        ('cvat', 'a.xml', '<annotations><track/></annotations>', 'a.xml: holds tracks of a video'),
        ('cvat', 'a.xml', '<html/>', "a.xml: holds <html>; export it as 'CVAT for images 1.1'"),
        ('cvat', 'a.xml', xml('').replace('name=', 'nam='), "a.xml: image id '0' has no name"),
        ('cvat', 'a.xml', xml('').replace('60', 'wide'), "a.png: width='wide' is not a number"),
        ('cvat', 'a.xml', xml(skeleton('f', '1;2')), "a.png: points of 'p'='1;2' is not a number"),
        ('cvat', 'a.xml', xml(skeleton('f', '1,nan')), "points of 'p'='nan' is not a number"),
        ('cvat', 'a.xml', xml(skeleton('f') + skeleton('g')), 'several skeletons, f, g; --cat'),
        ('cvat', 'a.xml', xml(''), r"a.xml': no image has a point"),
        ('label-studio', 'a.json', [{'image': 'a', 'kp': []}], "task 0 has no 'data'.*JSON-MIN"),
        ('label-studio', 'a.json', {'id': 1}, 'a.json: must hold a JSON list'),
        ('label-studio', 'a.json', task(keypoint('a', 'x', 1)), "'a': x='x' is not a num"),
        (
            'label-studio', 'a.json', task(data={'front': 'a.png', 'back': 'b.png'}),
            "task 7: 'data' names several images or none, in front, back; --key",
        ),
        (
            'label-studio', 'a.json',
            task(
                keypoint('a', 1, 1, original_width=6, original_height=4),
                keypoint('b', 1, 1, original_width=8, original_height=4),
            ),
            r'task 7: its regions belong to several images',
        ),
        ('labelme', 'a.json', labelme(shapes={}), "a.json: 'shapes' must be a list, it is {}"),
        ('labelme', 'a.json', labelme({'label': 3}), "shapes.0: 'label' must be a text, it is 3"),
        (
            'labelme', 'a.json', labelme(*points(('a', float('nan'), 3, {}))),
            'a.json: shapes.0: points=nan is not a number',
        ),
        (
            'labelme', 'a.json',
            labelme({'label': 'a', 'points': [[1, 2], [3, 4]], 'shape_type': 'point'}),
            r'shapes.0: points=\[\[1, 2\], \[3, 4\]\] are not one point',
        ),
        ('via', 'a.json', {'project': {}, 'metadata': {}, 'view': {}}, 'a.json: is a VIA 3 file'),
        ('via', 'a.json', {'a.png5': {}}, "a.json: 'a.png5': 'regions' must be a list"),
        ('via', 'a.json', via(via_point('x', 1, name='a')), "region 0: cx='x' is not a number"),
        (
            'via', 'a.json', via(via_point(1, 1, colour='a', eye='b')),
            'points have the attributes colour, eye; --key',
        ),
        ('via', 'a.csv', 'filename,x\na.png,1\n', 'has no column region_attributes, region_shape'),
        (
            'via', 'a.csv', 'filename,region_shape_attributes,region_attributes\na.png,{,{}\n',
            "row 2: '{' is not a record of attributes",
        ),
        ('roboflow', 'a.json', coco([1, 2, 2, None, 4, 2]), "id 4 .*'keypoints' must hold finite"),
        ('roboflow', 'a.json', coco([1, 2, 2, 3, 4, 7]), 'holds a visibility of 7, not of 0, 1 or'),
        (
            'coco-annotator', 'a.json', coco([], annotations=ANNOTATIONS, categories=TWO),
            r"2 \('hand'\): 1 annotations of 1 points \(--category NAME chooses one\)",
        ),
        ('pts', 'a.pts', PTS, '--origin is needed: .pts files count pixels from 1'),
        ('csv', 'a.csv', 'filename,nose_x,eye_x\na.png,1,2\n', "'nose' has no x or no y"),
        ('csv', 'a.csv', 'filename,nose_x,nose_y\na.png,1\n', 'row 2 has 2 values, and there are '),
        ('csv', 'a.csv', 'filename;x1;y1\na.png;1,5;2\n', "row 2: 1='1,5' is not a number"),
        ('csv', 'a.csv', 'filename,x1,y1,v1\na.png,1,2,3\n', "row 2: 1_v='3' is not 0, 1 or 2"),
        ('csv', 'a.csv', 'a.png,1,2,3\n', 'row 1 must have a name, and x and y of each point'),
        ('csv', 'a.csv', 'ImageId,Image\n1,0 0 0\n', 'is not a table of a name and points'),
        (
            'csv', 'a.csv', 'nose_x,nose_y,Image\n1,2,' + '0 ' * 10 + '0\n',
            'row 2: Image holds 11 values up to 0, and no square',
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(set_of, tool, name, content, message):
    with pytest.raises(InputError, match=message) as caught:
        set_of(tool, name, content)
    assert '\n' not in str(caught.value)


def test_files_of_points_that_are_wrong(set_of):
    with pytest.raises(InputError, match=r'a.pts: must hold 4 points, n_points: \[3, 4\]'):
        set_of('pts', 'a.pts', PTS.replace('n_points: 3', 'n_points: 4'), origin=1)


def test_the_origin_of_files_of_points(set_of):
    wanted = [[[0, 0, 2], [20.5, 0, 2], [10, 30, 2]]]
    assert set_of('pts', 'a.pts', PTS, origin=1)[1] == wanted
    assert set_of('pts', 'a.pts', PTS, origin=0)[1] == [[[1, 1, 2], [21.5, 1, 2], [11, 31, 2]]]
    report, found = set_of(
        'pts', 'a.pts', PTS.replace('21.5 1', '0 0'), ['l_eye', 'm', 'n'], origin=1
    )
    assert found == [[[0, 0, 2], [0, 0, 0], [10, 30, 2]]]
    kind = 'a point that is nowhere (0 0, -1 -1, NaN, nothing) is not labelled'
    assert report.notes[kind] == ['a.pts: 2']


def test_a_table_with_flags_and_a_box(set_of):
    report, found = set_of(
        'csv', 'a.csv',
        'image;size;nose_x;nose_y;nose_v;x_chin;y_chin;bbox_x;bbox_y;bbox_w;bbox_h\n'
        'a.png;3;10.5;2;1;;;1;2;30;20\n',
    )  # fmt: skip
    assert found == [[[10.5, 2, 1], [0, 0, 0]]]
    assert not report.notes.keys() - {
        'a point that is nowhere (0 0, -1 -1, NaN, nothing) is not labelled',
        'less than a tenth of the faces have this point; is it one?',
    }
    assert any(line.endswith('columns that are not read: size') for line in report.remarks)


def test_a_table_without_titles(set_of):
    report, found = set_of('csv', 'a.csv', 'a.png,1,2,30,2,15,20\n')
    assert found == [[[1, 2, 2], [30, 2, 2], [15, 20, 2]]]
    assert any('no mirror pairs' in line for line in report.remarks)


def test_kaggle_s_pixels_become_photographs(set_of, tmp_path):
    levels = np.arange(96 * 96) % 251
    eyes = 'left_eye_center_x,left_eye_center_y,right_eye_center_x,right_eye_center_y,nose_tip_x'
    pixels = ' '.join(map(str, levels))
    rows = f'66.03,39.0,30.2,36.4,,,{pixels}\n66.5,39.1,30.3,36,48,57,{pixels}'
    text = f'{eyes},nose_tip_y,Image\n{rows}\n'
    report, found = set_of('csv', 'training.csv', text)
    names = ['left_eye_center', 'right_eye_center', 'nose_tip']
    assert any(line.endswith(f'3 points: {", ".join(names)}') for line in report.remarks)
    assert found[0] == [[66.03, 39.0, 2], [30.2, 36.4, 2], [0, 0, 0]]
    assert "left is the person's: it lies right in the picture in 2 of 2 faces" in report.remarks
    content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
    assert [each['file_name'] for each in content['images']] == ['row00002.png', 'row00003.png']
    image = cv2.imread(str(tmp_path / 'set' / 'images' / 'row00003.png'), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(image, levels.reshape(96, 96))
    assert set_of('csv', 'training.csv', text)[1] == found  # and once more


def test_a_photograph_within_the_labels(set_of, tmp_path):
    photo(tmp_path / 'b.png', 50, 30)
    data = base64.b64encode((tmp_path / 'b.png').read_bytes()).decode()
    content = labelme(*THREE, imageData=data, imagePath='..\\there\\b.png')
    report, found = set_of('labelme', 'a.json', content)
    assert found == [[[10, 10, 2], [30, 12, 2], [20, 30, 2]]]
    assert (tmp_path / 'set/images/b.png').read_bytes() == (tmp_path / 'b.png').read_bytes()
    content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
    assert content['images'][0]['file_name'] == '../set/images/b.png'
    assert next(iter(report.notes)) == 'the photograph is from the labels'


@pytest.mark.parametrize('name', ['..', 'x/', 'b.txt', '\0.txt', 'none.png'])
def test_a_photograph_within_the_labels_that_is_none(set_of, tmp_path, name):
    photo(tmp_path / 'b.png', 50, 30)
    data = base64.b64encode((tmp_path / 'b.png').read_bytes()).decode()
    content = labelme(*THREE, imageData='AAAA' if name == 'none.png' else data, imagePath=name)
    with pytest.raises(InputError, match='no face can be used; 1 time: its photograph is missing'):
        set_of('labelme', 'a.json', content)
    assert not (tmp_path / 'set' / 'images').exists()


def test_a_box_outside_of_the_photograph_is_none(set_of):
    report, _ = set_of('labelme', 'a.json', labelme(*THREE, rectangle([70, 50], [90, 80])))
    assert next(iter(report.notes)) == 'the face has no box, and gets one about its points'
    report, _ = set_of('labelme', 'a.json', labelme(*THREE, rectangle([5, 5], [90, 80])))
    assert next(iter(report.notes)) == 'the box leaves its photograph, and stays as it is'


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        (lambda path: path.unlink(), 'its photograph is missing'),
        (lambda path: path.write_bytes(b'\x89PNG'), 'its photograph cannot be read'),
        (
            lambda path: [path.unlink(), *(photo(path.parent / each / 'a.png') for each in 'xy')],
            'several photographs fit its name',
        ),
        (
            lambda path: photo(path, 40, 60),
            'its photograph has another size than its labels',
        ),
    ],
)
def test_photographs_that_do_not_fit(tmp_path, change, reason):
    photos, labels = tmp_path / 'photos', tmp_path / 'labels'
    labels.mkdir()
    for name in ('a', 'b'):
        content = labelme(*THREE, imageWidth=60, imageHeight=40, imagePath=f'{name}.png')
        (labels / f'{name}.json').write_text(json.dumps(content))
        photo(photos / f'{name}.png')
    photo(photos / 'c.png')
    change(photos / 'a.png')
    report = convert_labels('labelme', labels, photos, tmp_path / 'set')
    assert [*report.unplaced] == [reason]
    assert str(photos / 'c.png') in report.notes['the photograph is in no record']
    (labels / 'b.json').unlink()
    with pytest.raises(InputError, match=f'no face can be used; 1 time: {reason}, such as a.png'):
        convert_labels('labelme', labels, photos, tmp_path / 'set')


def test_the_very_path_is_meant_first(tmp_path):
    """Of ``a.png`` and ``sub/a.png``, both of which are labelled."""
    for name in ('a', 'sub/a', 'sub/b', 'other/b'):
        photo(tmp_path / 'photos' / f'{name}.png')
    lines = ['a.png,1,1,2,2', 'sub/a.png,3,3,4,4', 'x/other/b.png,5,5,6,6', 'sub\\B.PNG,7,7,8,8']
    lines += ['none/b.png,1,2,3,4', 'c/x/a.png,1,2,3,4']
    (tmp_path / 'a.csv').write_text('\n'.join(lines))
    report = convert_labels('csv', tmp_path / 'a.csv', tmp_path / 'photos', tmp_path / 'set')
    content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
    wanted = ['a.png', 'sub/a.png', 'other/b.png', 'sub/b.png']
    assert [each['file_name'] for each in content['images']] == wanted
    # Those of other folders are other photographs, unless they lie above the root.
    assert report.unplaced == {'its photograph is missing': ['none/b.png (a.csv: row 5)']}
    assert len(content['annotations']) == 5


def test_faces_whose_sides_are_exchanged(set_of):
    rows = '\n'.join(f'a.png,{x},5,{50 - x},6' for x in (10, 12, 14, 40))
    report, _ = set_of('csv', 'a.csv', f'filename,eyeL_x,eyeL_y,eyeR_x,eyeR_y\n{rows}\n')
    kind = 'left and right lie the other way round than in most faces'
    assert report.notes[kind] == ['a.csv: row 5']
    line = "left is the picture's: it lies left in the picture in 3 of 4 faces; this is not a clear"
    assert any(each.startswith(line) for each in report.remarks)


@pytest.mark.parametrize(
    ('name', 'side', 'mirror'),
    [
        ('left_eye', 'left', 'right_eye'),
        ('LeftEyeRightCorner', 'left', 'RightEyeLeftCorner'),
        ('EYE_RIGHT', 'right', 'EYE_LEFT'),
        ('eye_l', 'left', 'eye_r'),
        ('R-brow', 'right', 'L-brow'),
        ('mouthL', 'left', 'mouthR'),
        ('nose', '', 'nose'),
        ('ear', '', 'ear'),
        ('lower_lip', '', 'lower_lip'),
        ('17', '', '17'),
    ],
)
def test_mirrors_by_name(name, side, mirror):
    assert (side_of(name), mirror_of(name)) == (side, mirror)
    pair = {name: mirror, mirror: name} if name != mirror else {}
    assert find_mirrors([name, mirror, 'chin']) == pair
    assert find_mirrors([name, 'chin']) == {}


def test_what_is_not_there(tmp_path):
    with pytest.raises(MissingFileError, match=r'is neither a file nor a folder with \*.json'):
        convert_labels('labelme', tmp_path / 'none', None, tmp_path / 'set')
    (tmp_path / 'a.csv').write_text('a.png,1,2,3,4')
    with pytest.raises(MissingFileError, match=r"images='.*none' is not a folder"):
        convert_labels('csv', tmp_path / 'a.csv', tmp_path / 'none', tmp_path / 'set')


def test_a_description_that_is_there_stays(set_of, tmp_path):
    set_of('csv', 'a.csv', 'a.png,1,2,30,2,15,20\n')
    path = tmp_path / 'set' / 'metainfo.py'
    path.write_text(path.read_text() + '# mine\n')
    report, _ = set_of('csv', 'a.csv', 'a.png,1,2,30,2,15,20\n')
    assert path.read_text().endswith('# mine\n')
    assert any('metainfo.py was edited, and stays' in line for line in report.remarks)


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        (['--margin', '-1'], 'error: --margin -1 is not a share from 0 to 10'),
        (['--names', 'a,,b'], "error: --names 'a,,b': a name is empty"),
        (['--out', 'file'], "error: files cannot be written to 'file'"),
    ],
)
def test_wrong_options(tmp_path, monkeypatch, option, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').write_text('')
    with pytest.raises(SystemExit, match=message):
        main(['labelme', '--labels', 'none', *option])


def test_json_in_another_encoding_is_named(tmp_path):
    text = json.dumps(labelme(*THREE, imagePath='Zoë.png'), ensure_ascii=False, indent=0)
    (tmp_path / 'a.json').write_bytes(text.encode('latin-1'))
    with pytest.raises(InputError, match=r'a\.json: no JSON: line \d+ is not in UTF-8: save it in'):
        convert_labels('labelme', tmp_path, None, tmp_path / 'set')
