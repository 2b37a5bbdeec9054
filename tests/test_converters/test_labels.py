"""Labels of tools: each tool's form becomes the same faces, and comes back from COCO."""

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from helpers.label_files import (
    CORNERS,
    HEIGHT,
    NAMES,
    TOOLS,
    WIDTH,
    coco_annotator,
    cvat_json,
    cvat_xml,
    face,
    labelme,
    write_json,
    write_photos,
)
from mmpose_lite.apis import load_config
from mmpose_lite.cli.convert import main, parse_args
from mmpose_lite.cli.train import main as run_train
from mmpose_lite.data_tools.converters import convert_labels, write_coco
from mmpose_lite.data_tools.converters.own_config import (
    choose_shares,
    config_text,
    find_mirrors,
    known_points,
    size_pair,
)
from mmpose_lite.datasets import BaseCocoStyleDataset, build_dataset
from mmpose_lite.datasets.datasets.base.split import TrainValSplit
from mmpose_lite.errors import InputError
from mmpose_lite.structures.metainfo import parse_pose_metainfo

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'labelling.md'


@pytest.fixture
def photos(tmp_path):
    return write_photos(tmp_path / 'photos')


def load(out, **options):
    return BaseCocoStyleDataset(
        'faces.json',
        data_root=str(out),
        data_prefix={'img': '../photos/'},
        metainfo={'from_file': str(out / 'metainfo.py')},
        test_mode=True,
        pipeline=[{'type': 'LoadImage'}],
        **options,
    )


def points_of(out, index=None):
    content = json.loads((out / 'faces.json').read_text())
    points = [np.reshape(each['keypoints'], (-1, 3)) for each in content['annotations']]
    return points if index is None else points[index]


@pytest.mark.parametrize(('tool', 'write', 'has_box'), TOOLS)
def test_each_tool_s_labels_are_read_by_the_data_set(photos, tmp_path, tool, write, has_box):
    out = tmp_path / 'set'
    report = convert_labels(tool, write(tmp_path / 'labels'), photos, out, NAMES)
    assert report.is_complete
    assert (report.sets[0].faces, report.sets[0].images) == (3, 2)
    data = load(out)
    wanted = [(name, corner) for name, corners in CORNERS.items() for corner in corners]
    for i, (name, corner) in enumerate(wanted):
        sample = data[i]
        points = face(corner)
        np.testing.assert_allclose(points_of(out, i), points, atol=1e-9)
        np.testing.assert_allclose(sample['keypoints'][0], points[:, :2], atol=1e-5)
        np.testing.assert_array_equal(sample['annotated']['flags'], points[:, 2])
        if tool == 'roboflow':
            name = name.rpartition('/')[2].replace(' ', '-').replace('.', '_') + '.rf.0123abcd.png'
        assert sample['img_path'] == str(out / '../photos' / name)
        if has_box:
            edges = [*corner, corner[0] + 56, corner[1] + 62]
            np.testing.assert_allclose(sample['bbox'][0], edges, atol=1e-4)
    names = data.metainfo['keypoint_id2name']
    assert [names[i] for i in range(5)] == NAMES
    assert data.metainfo['flip_indices'] == [1, 0, 2, 4, 3]
    assert any(line.startswith("left is the person's") for line in report.remarks)


def test_the_config_is_written_once(photos, tmp_path):
    """It divides by the outermost pair of the eyes, and by the box where there is none."""
    path = cvat_json(tmp_path / 'labels')
    report = convert_labels('cvat', path, photos, tmp_path / 'my set')
    config = tmp_path / 'my set' / 'hrnetv2_my_set.py'
    typed = [shlex.split(line)[1:] for line in report.remarks[-4:]]
    assert [words[0] for words in typed] == ['check-data', 'browse', 'train', 'test']
    assert {words[1] for words in typed} == {str(config)}
    assert typed[-1][2] == 'work_dirs/hrnetv2_my_set/best.pth'
    cfg = load_config(config)
    assert (cfg.load_from, cfg.model.head.decoder.input_size) == ('faces19', (128, 128))
    assert cfg.val_evaluator == {
        'type': 'NME',
        'norm_mode': 'keypoint_distance',
        'keypoint_names': ['left_eye', 'right_eye'],
    }
    config.write_text('mine')
    report = convert_labels('cvat', path, photos, tmp_path / 'my set')
    assert config.read_text() == 'mine'
    assert f'{config} was edited, and stays; move it to have it written anew' in report.remarks
    convert_labels('cvat', path, photos, tmp_path / 'few', ['nose', 'left_eye'])
    evaluator = load_config(tmp_path / 'few' / 'hrnetv2_few.py').val_evaluator
    assert (evaluator.norm_mode, evaluator.norm_item) == ('use_norm_item', 'bbox_size')


def test_the_config_follows_the_folder_of_the_images_and_the_points(photos, tmp_path):
    path, out = cvat_json(tmp_path / 'labels'), tmp_path / 'set'
    others = write_photos(tmp_path / 'others')

    def folder_of():
        cfg = load_config(out / 'hrnetv2_set.py')
        dataset = build_dataset(cfg.val_dataloader.dataset)
        return Path(dataset.data_prefix['img']).resolve(), dataset.metainfo['num_keypoints']

    convert_labels('cvat', path, photos, out)
    assert folder_of() == (photos, 5)
    for names, count in ((None, 5), (['nose', 'left_eye'], 2)):
        report = convert_labels('cvat', path, others, out, names)
        assert folder_of() == (others, count)
        assert any(line.endswith('(written anew)') for line in report.remarks)
    report = convert_labels('cvat', path, others, out, ['nose', 'left_eye'])
    assert not any('written anew' in line for line in report.remarks)


@pytest.mark.parametrize(
    'edit',
    [
        lambda text: text.replace('max_epochs=60', 'max_epochs=9'),
        lambda text: text.replace("{'img': '../photos/'}", "dict(img='../photos')"),
    ],
)
def test_an_edited_config_stays_or_is_refused(photos, tmp_path, edit):
    path, out = cvat_json(tmp_path / 'labels'), tmp_path / 'set'
    others = write_photos(tmp_path / 'others')
    convert_labels('cvat', path, photos, out)
    config, faces = out / 'hrnetv2_set.py', out / 'faces.json'
    mine = edit(config.read_text())
    config.write_text(mine)
    report = convert_labels('cvat', path, photos, out)
    assert f'{config} was edited, and stays; move it to have it written anew' in report.remarks
    assert config.read_text() == mine
    before = faces.read_bytes()
    message = (
        r"set\.py was edited, and its images are in data_prefix\.img='\.\./photos/?', not in '.*"
    )
    with pytest.raises(InputError, match=f"{message}others': change it there, or move the file"):
        convert_labels('cvat', path, others, out)
    assert (config.read_text(), faces.read_bytes()) == (mine, before)
    config.write_text(mine.replace('../photos', '../others'))
    convert_labels('cvat', path, others, out)


def test_an_edited_config_of_other_points_stays_and_trains_nothing(photos, tmp_path, monkeypatch):
    path, out = cvat_json(tmp_path / 'labels'), tmp_path / 'set'
    monkeypatch.chdir(tmp_path)
    convert_labels('cvat', path, photos, out)
    config = out / 'hrnetv2_set.py'
    config.write_text(config.read_text().replace("'faces19'", 'None'))
    report = convert_labels('cvat', path, photos, out, ['nose', 'left_eye'])
    assert f'{config} was edited, and stays; move it to have it written anew' in report.remarks
    with pytest.raises(SystemExit, match=r'out_channels=5 makes 5 points; .* has 2 points'):
        run_train([str(config), '--dry-run'])


def test_the_config_can_be_read_from_another_folder(photos, tmp_path, monkeypatch):
    """A model is built from it there, for which a checkpoint describes the points."""
    monkeypatch.chdir(tmp_path)
    convert_labels('cvat', cvat_json(tmp_path / 'labels'), photos, Path('set'))
    monkeypatch.chdir(tmp_path / 'labels')
    cfg = load_config('../set/hrnetv2_set.py')
    assert cfg.train_dataloader.dataset.metainfo.from_file == 'set/metainfo.py'


def test_an_edited_description_of_other_points_is_refused(photos, tmp_path):
    path, out = cvat_json(tmp_path / 'labels'), tmp_path / 'set'
    convert_labels('cvat', path, photos, out)
    metainfo = out / 'metainfo.py'
    metainfo.write_text(metainfo.read_text() + '# mine\n')
    convert_labels('cvat', path, photos, out)
    message = (
        r'metainfo\.py was edited, and its points are left_eye, .*, not nose, left_eye: change'
    )
    with pytest.raises(InputError, match=message):
        convert_labels('cvat', path, photos, out, ['nose', 'left_eye'])


@pytest.mark.parametrize('name', ['300w', 'aflw', 'cofw', 'lapa', 'wflw'])
def test_names_of_a_known_set(name):
    """They are in its order, and tell the mirror pairs that its description has."""
    meta = parse_pose_metainfo({'from_file': f'configs/_base_/datasets/{name}.py'})
    names = known_points(name)
    assert names == [meta['keypoint_id2name'][i] for i in range(meta['num_keypoints'])]
    mirrors = find_mirrors(names)
    assert [names.index(mirrors.get(each, each)) for each in names] == meta['flip_indices']


def test_a_set_s_name_stands_for_its_points(photos, tmp_path):
    """Faces19 has AFLW's; other words are names of points."""
    assert known_points('faces19') == known_points('aflw')
    assert known_points('nose') is None
    path = cvat_json(tmp_path / 'labels')
    with pytest.raises(InputError, match=r"--names has 19 names, and '.*' 5 points"):
        convert_labels('cvat', path, photos, tmp_path / 'set', ['faces19'])
    convert_labels('cvat', path, photos, tmp_path / 'set', ['nose'], missing_box='picture')
    assert load(tmp_path / 'set').metainfo['keypoint_id2name'] == {0: 'nose'}


def test_the_size_of_a_face_is_that_of_its_eyes():
    """Their outermost pair that all faces have; brows and lashes are none."""
    names = ['brow_eye_l', 'brow_eye_r', 'eye_in_l', 'eye_in_r', 'eye_out_l', 'eye_out_r']
    mirrors = find_mirrors(names)
    points = np.zeros((2, 6, 2))
    points[:, :, 0] = [0, 90, 40, 50, 20, 70]
    flags = np.full((2, 6), 2)
    assert size_pair(names, mirrors, points, flags) == ('eye_out_l', 'eye_out_r')
    flags[1, 4] = 0
    assert size_pair(names, mirrors, points, flags) == ('eye_in_l', 'eye_in_r')
    flags[0, 2] = 0
    assert size_pair(names, mirrors, points, flags) is None


@pytest.mark.parametrize(('photographs', 'parts'), [(99, 'val'), (100, 'test')])
def test_a_hundred_photographs_have_a_test_of_their_own(tmp_path, photographs, parts):
    path = tmp_path / 'own.py'
    shares = choose_shares([f'{i}.jpg' for i in range(photographs)])
    path.write_text(config_text({'type': 'BaseCocoStyleDataset'}, 5, None, shares))
    cfg = load_config(path)
    assert cfg.test_dataloader.dataset.train_val_split.part == parts
    assert cfg.val_dataloader.dataset.train_val_split.part == 'val'
    assert cfg.train_dataloader.dataset.train_val_split.part == 'train'
    assert cfg.model.head.out_channels == 5


@pytest.mark.parametrize('count', [3, 10, 20])
def test_few_photographs_have_a_validation_too(count):
    """Of twenty, one set in seven would have none, were a tenth asked for."""
    shares = []
    for i in range(40):
        names = [f'{i}/{k}.jpg' for k in range(count)]
        shares.append(choose_shares(names)['val_share'])
        for part in ('train', 'val'):
            assert any(map(TrainValSplit(part, shares[-1]).has, names))
    assert min(shares) == 0.1 < max(shares)
    assert choose_shares(['a.jpg']) is None


def test_the_order_without_names(photos, tmp_path):
    """A file's own order is kept; else the order of appearance, which is said."""
    report = convert_labels('cvat', cvat_xml(tmp_path / 'labels'), photos, tmp_path / 'set')
    assert list(load(tmp_path / 'set').metainfo['keypoint_name2id']) == NAMES
    assert not any('--names' in line for line in report.remarks)
    report = convert_labels('labelme', labelme(tmp_path / 'me'), photos, tmp_path / 'other')
    assert list(load(tmp_path / 'other').metainfo['keypoint_name2id']) == NAMES[:4]
    assert any('--names gives another' in line for line in report.remarks)


def test_other_names_rename_and_some_names_choose(photos, tmp_path):
    path = cvat_json(tmp_path / 'labels')
    new = ['EyeL', 'EyeR', 'N', 'MouthL', 'MouthR']
    convert_labels('cvat', path, photos, tmp_path / 'new', new)
    data = load(tmp_path / 'new')
    assert list(data.metainfo['keypoint_name2id']) == new
    assert data.metainfo['flip_indices'] == [1, 0, 2, 4, 3]
    assert data.metainfo['skeleton_links'] == [(0, 1)]
    report = convert_labels('cvat', path, photos, tmp_path / 'few', ['nose', 'left_eye'])
    np.testing.assert_array_equal(points_of(tmp_path / 'few', 0), face((20, 30))[[2, 0]])
    assert len(report.notes["the point 'right_eye' is not in --names, and is left out"]) == 3


@pytest.mark.parametrize(
    ('names', 'message'),
    [
        (
            ['left_eye', 'nos'],
            r"--names: 'nos' is not a point of .*the nearest are nose of left_eye",
        ),
        (['a', 'b'], r"--names has 2 names, and '.*' 5 points: left_eye"),
        (['nose', 'nose'], '--names nose,nose: a name appears twice'),
    ],
)
def test_wrong_names(photos, tmp_path, names, message):
    with pytest.raises(InputError, match=message):
        convert_labels('cvat', cvat_json(tmp_path / 'labels'), photos, tmp_path / 'set', names)


def test_boxes_that_are_missing(photos, tmp_path):
    path = coco_annotator(tmp_path / 'labels')

    def bbox(**rule):
        report = convert_labels('coco-annotator', path, photos, tmp_path / 'set', **rule)
        content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
        return content['annotations'][1]['bbox'], next(iter(report.notes))

    # The points span 15 to 40.5 and 20 to 47 from (5, 8); the longer extent is 27.
    assert bbox() == (
        pytest.approx([17.3, 25.3, 30.9, 32.4]),
        'the face has no box, and gets one about its points',
    )
    assert bbox(margin=1)[0] == pytest.approx([0, 1, 72.5, 81])  # clipped to the picture
    assert bbox(missing_box='picture') == (
        [0, 0, WIDTH, HEIGHT],
        'the face has no box, and gets one about the picture',
    )


def test_a_box_that_nobody_drew_is_said(photos, tmp_path):
    report = convert_labels('cvat', cvat_json(tmp_path / 'labels'), photos, tmp_path / 'set')
    assert len(report.notes['the box is the extent of the points, which nobody drew']) == 3


@pytest.mark.parametrize('orientation', range(2, 9))
def test_pictures_that_a_camera_has_turned(tmp_path, orientation):
    """Points are those of the same pixels, stored and shown."""
    shown = np.zeros((40, 60, 3), np.uint8)
    places = [(7, 5), (50, 9), (20, 33)]
    for i, (x, y) in enumerate(places):
        shown[y, x] = 100 + 50 * i
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # PIL's names for turns
    stored = Image.fromarray(shown).transpose(Image.Transpose(undo))
    tags = Image.Exif()
    tags[0x0112] = orientation
    (tmp_path / 'photos').mkdir()
    stored.save(tmp_path / 'photos' / 'a.png', exif=tags)
    shapes = [
        {'label': f'p{i}', 'points': [[x + 0.5, y + 0.5]], 'shape_type': 'point'}
        for i, (x, y) in enumerate(places)
    ]
    content = {'shapes': shapes, 'imagePath': 'a.png', 'imageWidth': 60, 'imageHeight': 40}
    write_json(tmp_path / 'labels' / 'a.json', content)
    report = convert_labels('labelme', tmp_path / 'labels', tmp_path / 'photos', tmp_path / 'set')
    assert any('EXIF turns the photograph' in kind for kind in report.notes)
    data = load(tmp_path / 'set', on_implausible='warn')
    pixels = data[0]['img']
    np.testing.assert_array_equal(pixels, shown)
    found = points_of(tmp_path / 'set', 0)
    for i, (x, y, _) in enumerate(found):
        assert pixels[int(y), int(x), 0] == 100 + 50 * i
    write_coco(data, tmp_path / 'coco.json')
    back = json.loads((tmp_path / 'coco.json').read_text())
    assert (back['images'][0]['width'], back['images'][0]['height']) == (60, 40)
    points = np.reshape(back['annotations'][0]['keypoints'], (3, 3))[:, :2]
    np.testing.assert_allclose(points, np.array(places) + 0.5)


def test_there_and_back(photos, tmp_path):
    """Labels, data set, COCO for correction, and labels again."""
    out, again = tmp_path / 'set', tmp_path / 'again'
    convert_labels('cvat', cvat_xml(tmp_path / 'labels'), photos, out)
    write_coco(load(out), tmp_path / 'coco' / 'person_keypoints_default.json')
    content = json.loads((tmp_path / 'coco' / 'person_keypoints_default.json').read_text())
    assert content['categories'][0]['keypoints'] == NAMES
    assert [each['file_name'] for each in content['images']] == list(CORNERS)
    report = convert_labels('cvat', tmp_path / 'coco', photos, again)
    assert report.is_complete
    kind = 'less than a tenth of the faces have this point; is it one?'
    assert report.notes == {kind: ["'right_mouth' (in 0 of 3)"]}
    for one, other in zip(points_of(out), points_of(again), strict=True):
        np.testing.assert_array_equal(one, other)
    boxes = [
        [each['bbox'] for each in json.loads((root / 'faces.json').read_text())['annotations']]
        for root in (out, again)
    ]
    np.testing.assert_allclose(*boxes, atol=1e-4)


def test_the_command_converts_and_exports(photos, tmp_path, capsys, monkeypatch, as_new_process):
    monkeypatch.chdir(tmp_path)
    labelme(tmp_path / 'labels')
    arguments = ['labelme', '--labels', 'labels', '--images', 'photos', '--out', 'data/faces']
    main([*arguments, '--names', ', '.join(NAMES), '--report', 'report.json'])
    printed = capsys.readouterr().out
    assert 'data/faces/faces.json: 3 faces in 2 photographs' in printed
    assert 'mirror pairs, by their names: left_eye - right_eye; left_mouth - right_mouth' in printed
    assert 'next:\n    mmpose-lite check-data data/faces/hrnetv2_faces.py\n' in printed
    config = tmp_path / 'config.py'
    config.write_text(
        "_base_ = 'data/faces/hrnetv2_faces.py'\n"
        'test_dataloader = dict(dataset=dict(_base_.faces, train_val_split=None))\n'
        'val_dataloader = None\n'
    )
    main(['to-coco', '--config', 'config.py', '--split', 'test', '--out', 'fix/coco.json'])
    assert 'fix/coco.json: 3 faces in 2 photographs' in capsys.readouterr().out
    content = json.loads((tmp_path / 'fix' / 'coco.json').read_text())
    np.testing.assert_array_equal(content['annotations'][0]['keypoints'], face((20, 30)).ravel())
    with pytest.raises(SystemExit, match=r'config\.py: has no val_dataloader\.dataset'):
        main(['to-coco', '--config', 'config.py', '--split', 'val', '--out', 'fix/coco.json'])


def test_the_page_s_commands_are_those_of_the_program():
    found = re.findall(r'^ +mmpose-lite convert (.*)$', PAGE.read_text(), re.MULTILINE)
    tools = [parse_args(shlex.split(line, comments=True)).set for line in found]
    others = {'to-coco', 'coco', 'dlib', 'pts', 'csv'}
    assert set(tools) == others | {tool for tool, _, _ in TOOLS}
