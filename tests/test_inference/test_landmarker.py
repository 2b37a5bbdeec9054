"""Points of the faces of photographs, in batches that these share."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from mmpose_lite.apis import inference_topdown, init_model
from mmpose_lite.errors import InputError
from mmpose_lite.inference import Landmarker, Photograph
from mmpose_lite.inference.boxes import BoxMap
from mmpose_lite.inference.calibration import (
    Calibration,
    DetectorFit,
    calibration_path,
    write_calibration,
)
from mmpose_lite.inference.confidence import Confidence


@pytest.fixture(scope='module')
def plain(tiny_config, trained):
    """The model as people have it, without flip test."""
    model = init_model(tiny_config, str(trained.checkpoint), device='cpu')
    model.test_cfg = {**model.test_cfg, 'flip_test': False}
    return model


def with_boxes(photographs, boxes_of, repeats=1):
    for path in photographs:
        boxes = boxes_of[path.rpartition('/')[2]]
        yield Photograph(path, cv2.imread(path), path), np.concatenate([boxes] * repeats)


@pytest.fixture
def batches(landmarker, monkeypatch):
    """The sizes of the batches that the model is given."""
    sizes = []
    run = landmarker.model.test_step

    def count(batch):
        sizes.append(len(batch['inputs']))
        return run(batch)

    monkeypatch.setattr(landmarker.model, 'test_step', count)
    return sizes


def test_points_are_those_of_inference_topdown(landmarker, plain, photographs, boxes_of):
    results = list(landmarker.predict(with_boxes(photographs, boxes_of, repeats=2)))
    assert [each.name for each in results] == photographs
    for each in results:
        known = inference_topdown(plain, each.name, each.boxes)
        expected = np.concatenate([sample.pred_instances.keypoints for sample in known])
        scores = np.concatenate([sample.pred_instances.keypoint_scores for sample in known])
        np.testing.assert_allclose(each.points, expected, atol=1e-3)
        np.testing.assert_allclose(each.scores, scores, atol=1e-5)
        assert each.points.shape == (2, 19, 2)


def test_faces_of_several_photographs_share_batches(landmarker, photographs, boxes_of, batches):
    list(landmarker.predict(with_boxes(photographs, boxes_of, repeats=2)))
    assert batches == [4, 4, 2]


def test_a_result_comes_as_soon_as_its_faces_are_done(landmarker, photographs, boxes_of):
    taken = []

    def given():
        for pair in with_boxes(photographs, boxes_of, repeats=2):
            taken.append(pair[0].name)
            yield pair

    results = landmarker.predict(given())
    assert next(results).name == photographs[0]
    assert len(taken) == 2


def test_photographs_without_faces_do_not_pile_up(landmarker, photographs, boxes_of):
    (first, *_), taken = list(with_boxes(photographs, boxes_of)), []

    def given():
        yield first
        for i in range(100):
            taken.append(i)
            yield Photograph(str(i), first[0].image), np.zeros((0, 4))

    assert len(next(landmarker.predict(given()))) == 1
    assert len(taken) <= 2 * landmarker.batch


def test_no_face_is_no_point(landmarker, photographs):
    (result,) = landmarker(photographs[0], boxes=[])
    assert (len(result), result.points.shape) == (0, (0, 19, 2))
    np.testing.assert_array_equal(result.draw(), cv2.imread(photographs[0]))


def test_files_folders_patterns_arrays_and_images_of_pil(landmarker, photographs, boxes_of):
    path, boxes = photographs[1], boxes_of['face1.png']
    (by_file,) = landmarker(path, boxes=boxes)
    for source in (cv2.imread(path), Image.open(path), [path], path[:-5] + '[1].png'):
        (result,) = landmarker(source, boxes=boxes)
        np.testing.assert_array_equal(result.points, by_file.points)


def test_a_detector_is_any_function_and_its_boxes_are_mapped(tiny_config, trained, photographs):
    def detect(image):
        assert (image.dtype, image.ndim) == (np.uint8, 3)
        return [[10, 12, 60, 70, 0.5], [1, 2, 31, 42, 0.25]]

    landmarker = Landmarker(
        tiny_config, trained.checkpoint, detect, lambda boxes: np.add(boxes, [1, 1, 1, 1, 0]), 'cpu'
    )
    (result,) = landmarker(photographs[0])
    np.testing.assert_array_equal(result.boxes, [[11, 13, 61, 71], [2, 3, 32, 43]])
    np.testing.assert_array_equal(result.box_scores, [0.5, 0.25])
    landmarker = Landmarker(landmarker.model, detector=lambda image: np.zeros((3, 7)))
    with pytest.raises(InputError, match=r'returned \(3, 7\)'):
        landmarker(photographs[0])


def test_without_boxes_and_detector_the_error_says_what_mends_it(landmarker, photographs):
    with pytest.raises(InputError, match=r'--detector retinaface .*--boxes FILE.*--whole-image'):
        landmarker(photographs[0])


def test_a_bad_file_is_told_and_the_others_are_done(tiny_config, trained, photographs, tmp_path):
    bad = tmp_path / 'bad.png'
    bad.write_bytes(b'no image')
    landmarker = Landmarker(tiny_config, trained.checkpoint, 'whole-image', device='cpu')
    told = []
    results = landmarker(
        [photographs[0], str(bad), photographs[1]],
        stream=True,
        on_error=lambda name, error: told.append((name, str(error))),
    )
    assert [each.name for each in results] == photographs[:2]
    ((name, reason),) = told
    assert name == str(bad)
    assert 'is not an image' in reason
    with pytest.raises(InputError, match='is not an image'):
        landmarker([photographs[0], str(bad)])


def test_photographs_are_upright(landmarker, photographs, boxes_of, tmp_path):
    image = Image.fromarray(cv2.imread(photographs[1])[..., ::-1])
    exif = Image.Exif()
    exif[274] = 6  # stored lying on its left side
    turned = tmp_path / 'turned.png'
    image.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    boxes = boxes_of['face1.png']
    (upright,), (found,) = landmarker(photographs[1], boxes=boxes), landmarker(turned, boxes=boxes)
    np.testing.assert_array_equal(found.points, upright.points)
    np.testing.assert_array_equal(found.photograph.image, upright.photograph.image)


def test_a_checkpoint_holds_its_config(trained, landmarker, photographs, boxes_of):
    alone = Landmarker(trained.checkpoint, detector=None, device='cpu')
    boxes = boxes_of['face1.png']
    (by_config,), (result,) = (each(photographs[1], boxes=boxes) for each in (landmarker, alone))
    np.testing.assert_array_equal(result.points, by_config.points)
    assert alone.meta['dataset_name'] == 'aflw'


def test_flip_is_off_whatever_the_config_says(tiny_config, trained, photographs, boxes_of):
    model = init_model(tiny_config, str(trained.checkpoint), device='cpu')
    model.test_cfg = {**model.test_cfg, 'flip_test': True}
    boxes = boxes_of['face1.png']
    flipped = inference_topdown(model, photographs[1], boxes)[0].pred_instances.keypoints
    (result,) = Landmarker(model, detector=None, flip=True)(photographs[1], boxes=boxes)
    np.testing.assert_allclose(result.points, flipped, atol=1e-3)
    (result,) = Landmarker(model, detector=None)(photographs[1], boxes=boxes)
    assert np.abs(result.points - flipped).max() > 1e-2


def test_half_precision_is_near(tiny_config, trained, landmarker, photographs, boxes_of):
    boxes = boxes_of['face1.png']
    half = Landmarker(tiny_config, trained.checkpoint, None, device='cpu', amp=True)
    (result,), (exact,) = (each(photographs[1], boxes=boxes) for each in (half, landmarker))
    assert result.points.dtype == np.float32
    assert 0 < np.abs(result.scores - exact.scores).max() < 0.05


def test_results_are_drawn_and_handed_on(landmarker, photographs, boxes_of):
    boxes = boxes_of['face1.png']
    (result,) = landmarker(photographs[1], boxes=boxes)
    before = result.photograph.image.copy()
    picture = result.draw()
    np.testing.assert_array_equal(result.photograph.image, before)
    x, y = np.round(result.points[0, 13]).astype(int)
    assert (picture[y, x] != before[y, x]).any()
    np.testing.assert_array_equal(result.draw(least_score=2, boxes=False), before)
    sample = result.to_samples()[0]
    np.testing.assert_array_equal(sample.pred_instances.bboxes, boxes)


def test_points_that_are_probably_hidden_are_rings(landmarker, photographs, boxes_of):
    (result,) = landmarker(photographs[1], boxes=boxes_of['face1.png'])
    result.points[0] = [30, 30]
    result.photograph.image[:] = 0
    hidden = np.ones((1, 19), np.float32)
    middles = [
        replace(result, hidden=each).draw(boxes=False)[30, 30].max()
        for each in (None, 0.4 * hidden, 0.6 * hidden)
    ]
    assert min(middles[:2]) > 100
    assert middles[2] == 0


def test_arguments_that_contradict_each_other_are_named(landmarker, photographs, tiny_config):
    with pytest.raises(InputError, match='boxes are those of one photograph, and there are 2'):
        landmarker(photographs[:2], boxes=[[0, 0, 9, 9]])
    with pytest.raises(InputError, match='is a config, which has no weights'):
        Landmarker(tiny_config)
    with pytest.raises(InputError, match="device='cuda:99' cannot be used"):
        Landmarker(tiny_config, 'x.pth', device='cuda:99')
    with pytest.raises(InputError, match='batch=0'):
        Landmarker(tiny_config, 'x.pth', batch=0)


def test_a_calibration_beside_the_weights_is_used(trained, photographs, tmp_path, monkeypatch):
    (tmp_path / 'one_face.py').write_text(
        'def find(image):\n    return [[20, 10, 60, 50, 0.9]]\n', encoding='utf-8'
    )
    monkeypatch.syspath_prepend(tmp_path)
    weights = tmp_path / 'weights.pth'
    weights.write_bytes(trained.checkpoint.read_bytes())
    name = 'python:one_face:find'
    fit = DetectorFit(BoxMap(dx=0.1, dy=0.25, scale=0.5), recall=1, overlap=1, photographs=1)
    rising = Confidence(np.array([0.0, 1.0]), np.array([5.0, 1.0]), np.ones(19))
    write_calibration(
        Calibration({name: fit}, confidence=rising), calibration_path(weights), weights
    )
    landmarker = Landmarker(weights, detector=name, device='cpu')
    (result,) = landmarker(photographs[0])
    np.testing.assert_allclose(result.boxes, [[34, 30, 54, 50]], rtol=1e-6)
    np.testing.assert_allclose(result.errors, 5 - 4 * np.clip(result.scores, 0, 1), rtol=1e-5)
    # Boxes that are given stay; scores of flipped crops are others.
    (given,) = landmarker(photographs[0], boxes=[[20, 10, 60, 50]])
    np.testing.assert_array_equal(given.boxes, [[20, 10, 60, 50]])
    (flipped,) = Landmarker(weights, detector=name, device='cpu', flip=True)(photographs[0])
    assert flipped.errors is None
    other = Landmarker(weights, detector='whole-image', device='cpu')
    assert other.box_map is None
