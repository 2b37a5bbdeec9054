"""Photographs that a camera has turned: one frame for pixels, annotations and pictures."""

import json
import re
from contextlib import suppress
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from helpers.data_factory import ANNOTATIONS, SHAPE, records, write_annotations
from helpers.seeding import wavy_image
from helpers.turned import KINDS, STORED, write_turned
from mmpose_lite.cli.check_data import main
from mmpose_lite.data_tools.browsing import Browser
from mmpose_lite.datasets import BaseCocoStyleDataset, LoadImage
from mmpose_lite.engine.hooks.visualization_hook import DrawingHook
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation import NME
from mmpose_lite.reporting.run import read_table
from mmpose_lite.utils.images import BadImageError
from mmpose_lite.visualization import FaceRow
from mmpose_lite.visualization.drawing import read_image_rgb
from mmpose_lite.visualization.sheet import face_tile

UPRIGHT = wavy_image(3, 110, 80)  # BGR, higher than wide
POINTS = SHAPE * 50 + [40, 75]  # the chin is below a photograph that lies


def write(path, orientation):
    """Write the upright picture as a camera held so stores it; return the pixels stored."""
    return write_turned(path, UPRIGHT, orientation)


def difference(image, wanted):
    assert image.shape == wanted.shape
    return np.abs(image.astype(int) - wanted).mean()


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('orientation', STORED)
def test_all_readers_agree_on_the_frame(tmp_path, orientation, kind):
    path = tmp_path / f'photo.{kind}'
    wanted = {'ignore': write(path, orientation), 'apply': UPRIGHT}
    for exif, pixels in wanted.items():
        for backend in ('cv2', 'pillow'):
            loader = LoadImage(imdecode_backend=backend, exif=exif)
            sample = loader({'img_path': str(path)})
            assert difference(sample['img'], pixels) < 3, (exif, backend)
            assert sample['ori_shape'] == sample['img_shape'] == pixels.shape[:2]
            assert sample.get('exif', 'ignore') == exif
            assert sample['img'].flags.c_contiguous
        assert difference(read_image_rgb(path, exif=exif), pixels[..., ::-1]) < 3


def test_grey_and_unchanged_pixels_are_turned_too(tmp_path):
    write(tmp_path / 'photo.png', 6)
    for color_type in ('grayscale', 'unchanged'):
        loader = LoadImage(color_type=color_type, exif='apply')
        assert loader({'img_path': str(tmp_path / 'photo.png')})['img'].shape[:2] == (110, 80)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'exif': 'aply'}, "exif='aply' is not one of auto, ignore, apply"),
        ({'exif': 'apply', 'color_type': 'color_ignore_orientation'}, 'contradicts color_type'),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        LoadImage(**arguments)


def make_set(root, orientation=6, size_wh=(80, 110), points=POINTS, count=4):
    """Faces on photographs of a phone, annotated as they are shown."""
    (root / 'images').mkdir(parents=True)
    faces = []
    for i in range(1, count + 1):
        write(root / 'images' / f'photo{i}.jpg', orientation)
        faces.append(records(i, f'photo{i}.jpg', size_wh or (80, 110), (40, 75), 60, points))
        if size_wh is None:
            del faces[-1][0]['width'], faces[-1][0]['height']
    write_annotations(root, 'train', faces)
    return root


def dataset(root, exif='auto', **arguments):
    load = {'type': 'LoadImage', 'exif': exif}
    steps = ['GetBBoxCenterScale', {'type': 'TopdownAffine', 'input_size': (64, 64)}]
    steps = [load, {'type': steps[0]}, steps[1], {'type': 'PackPoseInputs'}]
    return BaseCocoStyleDataset(
        data_root=str(root),
        ann_file=ANNOTATIONS.format('train'),
        data_prefix={'img': 'images/'},
        metainfo={'from_file': 'configs/_base_/datasets/aflw.py'},
        pipeline=steps,
        **arguments,
    )


TURNED = (
    r"photo1\.jpg' has 110x80 pixels, but the annotations have width 80 and height 110, as its "
    r"EXIF orientation \(6\) turns it: LoadImage\(exif='apply'\) .*\(annotation id 1\)"
)


@pytest.mark.parametrize('size_wh', [(80, 110), None])
def test_annotations_of_the_turned_photograph_are_refused_or_read_so(tmp_path, size_wh):
    """Points beyond the photograph tell if entries of images have no size."""
    root = make_set(tmp_path / 'set', size_wh=size_wh)
    with pytest.raises(BadImageError, match=TURNED):
        dataset(root)[0]
    sample = dataset(root, 'apply')[0]['data_samples']
    assert sample.ori_shape == (110, 80)
    assert sample.exif == 'apply'
    upright = dataset(make_set(tmp_path / 'upright', 1))[0]
    crop = dataset(root, 'apply')[0]['inputs']
    assert (crop.int() - upright['inputs'].int()).abs().float().mean() < 4


def test_annotations_of_the_stored_photograph_are_not_turned(tmp_path):
    root = make_set(tmp_path / 'set', size_wh=(110, 80), points=SHAPE * 50 + [70, 40])
    assert dataset(root)[0]['data_samples'].ori_shape == (80, 110)
    with pytest.raises(
        BadImageError, match=r"as it is stored.*LoadImage\(exif='auto'\) turns only"
    ):
        dataset(root, 'apply')[0]


@pytest.mark.parametrize(
    ('size_wh', 'message'),
    [
        ((110, 80), 'width 110 and height 80: they exchange the two'),
        ((80, 111), r'has 80x110 pixels, but the annotations have width 80 and height 111 \('),
    ],
)
def test_a_size_that_no_orientation_explains_is_named(tmp_path, size_wh, message):
    root = make_set(tmp_path / 'set', 1, size_wh, SHAPE * 40 + [40, 40])
    with pytest.raises(BadImageError, match=message):
        dataset(root)[0]


def test_a_size_need_not_be_compared(tmp_path):
    root = make_set(tmp_path / 'set', 1, (80, 111), SHAPE * 40 + [40, 40])
    with pytest.raises(BadImageError, match=r'LoadImage\(check_size=False\) takes it as it is'):
        dataset(root)[0]
    sample = LoadImage(check_size=False).transform(dataset(root).get_data_info(0))
    assert sample['ori_shape'] == (110, 80)


def test_a_size_in_decimals_is_the_same(tmp_path):
    root = make_set(tmp_path / 'set', 1, (80.0, 110.0))
    assert dataset(root)[0]['data_samples'].ori_shape == (110, 80)


def test_crops_are_cut_from_the_frame_of_the_annotations(tmp_path):
    root = make_set(tmp_path / 'set')
    with pytest.raises(BadImageError, match=TURNED):
        dataset(root, cache=True)
    cached = dataset(root, 'apply', cache=True)
    plain = dataset(root, 'apply')
    assert (cached[0]['inputs'].int() - plain[0]['inputs'].int()).abs().max() <= 1
    assert cached[0]['data_samples'].exif == 'apply'
    # The crops of one setting are never those of the other.
    path = root / ANNOTATIONS.format('train')
    content = json.loads(path.read_text())
    for image in content['images']:
        image['width'], image['height'] = image['height'], image['width']
    path.write_text(json.dumps(content))
    assert dataset(root, cache=True).crops.file.path != cached.crops.file.path


def test_detected_boxes_and_whole_photographs_are_compared_too(tmp_path):
    root = make_set(tmp_path / 'set')
    boxes = [{'image_id': 1, 'bbox': [10, 20, 30, 40], 'score': 1}]
    (root / 'boxes.json').write_text(json.dumps(boxes))
    load = LoadImage()
    for arguments in ({'bbox_file': 'boxes.json', 'test_mode': True}, {'data_mode': 'bottomup'}):
        with pytest.raises(BadImageError, match='EXIF'):
            load(dataset(root, **arguments).get_data_info(0))


def test_pictures_are_in_the_frame_of_the_points(tmp_path, monkeypatch):
    root = make_set(tmp_path / 'set')
    faces = dataset(root, 'apply')
    assert Browser(faces).original(0).image_bgr.shape[:2] == (110, 80)
    drawn = []
    visualizer = SimpleNamespace(
        set_dataset_meta=lambda meta: None,
        add_datasample=lambda name, image, *_, **__: drawn.append(image),
    )
    monkeypatch.setattr(
        'mmengine.visualization.Visualizer.get_current_instance', lambda: visualizer
    )
    DrawingHook()._draw(faces[0]['data_samples'], {}, 'photo', 0, draw_heatmap=False)
    assert difference(drawn[0], UPRIGHT[..., ::-1]) < 3


def test_reports_draw_the_photograph_that_was_tested(tmp_path):
    sample = dataset(make_set(tmp_path / 'set'), 'apply')[0]['data_samples'].to_dict()
    metric = NME(norm_mode='use_norm_item', norm_item='bbox_size')
    metric.process({}, [{**sample, 'pred_instances': sample['gt_instances']}])
    table = read_table(metric.results)
    assert table.exif == ('apply',)
    face = FaceRow(
        table.images[0], table.gt[0], table.pred[0], [0, 0, 80, 110], 0.1, exif=table.exif[0]
    )
    stored = FaceRow(*(getattr(face, name) for name in list(vars(face))[:5]))
    assert np.abs(face_tile(face, 64).astype(int) - face_tile(stored, 64)).mean() > 5


CONFIG = """
train_dataloader = dict(dataset=dict(
    type='BaseCocoStyleDataset', data_root='{root}', ann_file='{file}',
    data_prefix=dict(img='images/'), metainfo=dict(from_file='configs/_base_/datasets/aflw.py'),
    pipeline=[dict(type='LoadImage', exif='{exif}')]))
"""


@pytest.fixture
def check(tmp_path):
    def run(root, exif='auto'):
        config, out = tmp_path / 'config.py', tmp_path / 'report.json'
        config.write_text(CONFIG.format(root=root, file=ANNOTATIONS.format('train'), exif=exif))
        with suppress(SystemExit):
            main([str(config), '--json', str(out), '--workers', '1'])
        report = json.loads(out.read_text())
        return [[each['problem'] for each in report[kind]] for kind in ('faults', 'notes')]

    return run


@pytest.mark.parametrize('size_wh', [(80, 110), (110, 80), None])
def test_check_data_proves_it_by_sizes_and_by_points(tmp_path, check, size_wh):
    root = make_set(tmp_path / 'set', size_wh=size_wh)
    faults, _ = check(root)
    assert len(faults) == 4
    assert all("LoadImage(exif='apply')" in fault for fault in faults)
    if size_wh != (110, 80):
        faults, notes = check(root, 'apply')
        assert faults == []
        assert '4 photographs have an EXIF orientation' in notes[-1]
        assert 'loaded as they are turned' in notes[-1]


@pytest.mark.parametrize('orientation', [2, 3, 4])
def test_what_turns_no_size_is_a_note(tmp_path, check, orientation):
    faults, notes = check(make_set(tmp_path / 'set', orientation))
    assert faults == []
    assert f'({orientation})' in notes[0]
    assert 'loaded as they are stored' in notes[0]


def mark(root, **entries):
    """Let entries of images say which orientation was applied, or all of them by ``every``."""
    path = root / ANNOTATIONS.format('train')
    content = json.loads(path.read_text(encoding='utf-8'))
    for image in content['images']:
        applied = entries.get(image['file_name'].removesuffix('.jpg'), entries.get('every'))
        if applied is not None:
            image['exif_orientation_applied'] = applied
    path.write_text(json.dumps(content), encoding='utf-8')
    return root


@pytest.mark.parametrize('orientation', range(2, 9))
def test_marked_photographs_are_turned_upright(tmp_path, check, orientation):
    """Those of ``convert`` and ``predict --save coco``, by pipelines that say nothing of it."""
    root = mark(make_set(tmp_path / 'set', orientation), every=orientation)
    upright = dataset(make_set(tmp_path / 'upright', 1))
    for cache in (False, True):
        faces = dataset(root, cache=cache)
        sample = faces[0]
        crop = sample['inputs']
        assert (crop.int() - upright[0]['inputs'].int()).abs().float().mean() < 4
        assert (sample['data_samples'].exif, sample['data_samples'].ori_shape) == (
            'apply',
            (110, 80),
        )
    assert Browser(faces).original(0).image_bgr.shape[:2] == (110, 80)
    assert check(root) == [[], []]
    for photograph in (root / 'images').iterdir():  # turned upright since
        write(photograph, 1)
    assert (dataset(root)[0]['inputs'].int() - upright[0]['inputs'].int()).abs().max() <= 1
    assert check(root) == [[], []]


def test_each_photograph_is_in_the_frame_of_its_own_points(tmp_path, check):
    """Marked ones upright, others as stored."""
    root = mark(make_set(tmp_path / 'set', 3), photo1=3)
    whole = LoadImage()
    for number, wanted in enumerate([UPRIGHT, UPRIGHT[::-1, ::-1]]):
        sample = whole(dataset(root).get_data_info(number))
        assert difference(sample['img'], wanted) < 3
    faults, notes = check(root)
    assert faults == []
    assert re.match(
        r"3 photographs have .*photo2\.jpg' \(3\), and their entries no 'exif_", notes[0]
    )


@pytest.mark.parametrize('orientation', [2, 3, 4])
def test_a_pipeline_that_turns_nothing_refuses_marked_photographs(tmp_path, check, orientation):
    root = mark(make_set(tmp_path / 'set', orientation), every=orientation)
    message = (
        rf'is annotated upright, and its EXIF orientation \({orientation}\) turns it: '
        r"LoadImage\(exif='auto'\)"
    )
    with pytest.raises(BadImageError, match=rf"photo1\.jpg' {message}"):
        dataset(root, 'ignore')[0]
    with pytest.raises(BadImageError, match=rf"photo1\.jpg' {message}"):
        dataset(root, 'ignore', cache=True)
    faults, _ = check(root, 'ignore')
    assert len(faults) == 4
    assert re.match(message, faults[0])
    for photograph in (root / 'images').iterdir():  # turned upright since
        write(photograph, 1)
    assert dataset(root, 'ignore')[0]['inputs'].shape == (3, 64, 64)
    assert check(root, 'ignore')[0] == []


@pytest.mark.parametrize('applied', [0, 9, '6', True, [6]])
def test_a_mark_that_is_no_orientation_is_named(tmp_path, check, applied):
    root = mark(make_set(tmp_path / 'set'), photo2=applied)
    message = "image id 2: 'exif_orientation_applied' must be an EXIF orientation, 1 to 8, it is "
    with pytest.raises(InputError, match=re.escape(f'{message}{applied!r}')):
        dataset(root)
    assert f'{message}{applied!r}' in check(root)[0]


def test_a_file_that_is_marked_and_not_is_named(tmp_path, check):
    root = mark(make_set(tmp_path / 'set'), photo1=6)
    path = root / ANNOTATIONS.format('train')
    content = json.loads(path.read_text(encoding='utf-8'))
    content['images'][2]['file_name'] = './photo1.jpg'
    path.write_text(json.dumps(content), encoding='utf-8')
    message = (
        "'photo1.jpg' is that of image id 1, with 'exif_orientation_applied': 6, and of image id "
        '3, without: a photograph is upright or as stored'
    )
    with pytest.raises(InputError, match=re.escape(message)):
        dataset(root)
    assert message in check(root)[0]


def test_tifffile_s_colours_are_those_of_the_others(tmp_path, monkeypatch):
    """It reads red first."""
    path = tmp_path / 'photo.tiff'
    cv2.imwrite(str(path), UPRIGHT)
    monkeypatch.setattr(
        'mmpose_lite.datasets.transforms.loading.imfrombytes',
        lambda content, flag, backend: UPRIGHT[..., ::-1],
    )
    image = LoadImage(imdecode_backend='tifffile')({'img_path': str(path)})['img']
    assert np.array_equal(image, UPRIGHT)
