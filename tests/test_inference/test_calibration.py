"""A calibration lies beside its checkpoint, and knows the weights that it was fitted with."""

import json

import numpy as np
import pytest
from mmengine.logging import MMLogger

from mmpose_lite.errors import InputError
from mmpose_lite.inference.boxes import BoxMap, fit_points_map
from mmpose_lite.inference.calibration import (
    Calibration,
    DetectorFit,
    calibration_path,
    copy_calibration,
    find_calibration,
    read_calibration,
    write_calibration,
)
from mmpose_lite.inference.confidence import fit_confidence

BOX_MAP = BoxMap(0.02, 0.17, 0.93, 1.0, 0.03, 0.04, 0.05, 300)


@pytest.fixture
def calibration(rng):
    points = rng.uniform(0, 100, (30, 5, 2))
    boxes = np.column_stack([points.min(1), points.max(1)])
    return Calibration(
        {'retinaface': DetectorFit(BOX_MAP, 0.99, 0.87, 300, [('a.jpg', 7)])},
        fit_points_map(points, boxes),
        fit_confidence(rng.random((100, 5)), rng.random((100, 5))),
    )


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / 'epoch_3.pth'
    path.write_bytes(b'weights')
    return path


def test_what_is_written_is_read(calibration, checkpoint, rng):
    write_calibration(calibration, calibration_path(checkpoint), checkpoint)
    assert (checkpoint.parent / 'epoch_3.calibration.json').is_file()
    found = find_calibration(checkpoint)
    assert found.detectors['retinaface'].box_map == BOX_MAP
    assert [tuple(each) for each in found.detectors['retinaface'].missed] == [('a.jpg', 7)]
    points, scores = rng.uniform(0, 100, (4, 5, 2)), rng.random((4, 5))
    assert np.array_equal(found.points_map(points), calibration.points_map(points))
    assert np.array_equal(found.confidence.errors(scores), calibration.confidence.errors(scores))


@pytest.fixture
def warnings(caplog):
    """The log of a test."""
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


@pytest.fixture
def networks(tmp_path):
    """Names of two networks whose files have one name."""
    for content in ('one', 'two'):
        (tmp_path / content).mkdir()
        (tmp_path / content / 'a.onnx').write_text(content)
    return [f'yunet:{tmp_path / each}/a.onnx' for each in ('one', 'two')]


def fit_with_recall(recall):
    return DetectorFit(BOX_MAP, recall, 0.87, 300)


def test_networks_of_one_name_have_fits_of_their_own(networks, warnings):
    """The content of their files tells them apart."""
    one, two = networks
    calibration = Calibration()
    calibration.add(one, fit_with_recall(0.1))
    assert calibration.fit_of(two) is None
    assert "the calibration is of another file 'yunet:a.onnx'" in warnings.text
    calibration.add(two, fit_with_recall(0.2))
    again = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))
    assert [again.fit_of(each).recall for each in networks] == [0.1, 0.2]


@pytest.mark.parametrize('name', ['yunet:a.onnx', 'yunet:/opt/zoo/a.onnx'])
def test_a_fit_by_a_file_s_name_alone_is_used_with_a_warning(networks, warnings, name):
    """Earlier releases wrote such fits, some of them under the whole path."""
    content = Calibration({name: fit_with_recall(0.3)}).to_json()
    calibration = Calibration.from_json(content)
    assert calibration.fit_of(networks[0]).recall == 0.3
    assert "a file 'yunet:a.onnx' whose content was not kept" in warnings.text
    calibration.add(networks[0], fit_with_recall(0.4))
    assert calibration.fit_of(networks[0]).recall == 0.4
    assert calibration.fit_of(networks[1]) is None  # nobody knows whose the earlier fit was


def test_a_side_has_a_fit_of_its_own_or_that_of_the_usual_one(warnings):
    calibration = Calibration()
    calibration.add('retinaface', fit_with_recall(0.5))
    assert calibration.fit_of('retinaface:1280').recall == 0.5
    calibration.add('retinaface:1280', fit_with_recall(0.6))
    names = ('retinaface', 'retinaface:640', 'retinaface:1280', 'retinaface:2560')
    assert [calibration.fit_of(each).recall for each in names] == [0.5, 0.5, 0.6, 0.5]
    assert not warnings.text


@pytest.mark.parametrize('name', ['retinaface', 'retinaface:640', 'retinaface:2560'])
def test_the_fit_of_another_side_is_named_and_not_used(warnings, name):
    calibration = Calibration()
    for side in (1280, 1920):
        calibration.add(f'retinaface:{side}', fit_with_recall(0.5))
    assert calibration.fit_of('yunet:a.onnx') is None
    assert not warnings.text
    assert calibration.fit_of(name) is None
    assert (
        f'the boxes of {name} are not fitted, but those of retinaface:1280, retinaface:1920; run '
        f'mmpose-lite calibrate with --detector {name}'
    ) in warnings.text


def test_a_link_has_the_calibration_of_its_checkpoint(calibration, checkpoint):
    link = checkpoint.with_name('best.pth')
    link.symlink_to(checkpoint.name)
    write_calibration(calibration, calibration_path(link), link)
    assert find_calibration(checkpoint).confidence is not None


def test_scores_of_other_weights_mean_nothing_but_boxes_stay(calibration, checkpoint, warnings):
    write_calibration(calibration, calibration_path(checkpoint), checkpoint)
    checkpoint.write_bytes(b'others!')
    found = find_calibration(checkpoint)
    assert found.confidence is None
    assert found.detectors['retinaface'].box_map == BOX_MAP
    assert 'fitted with other weights' in warnings.text


@pytest.mark.parametrize('boxes_only', [False, True])
def test_a_copy_keeps_all_or_the_boxes_of_detectors(calibration, checkpoint, boxes_only):
    other = checkpoint.with_name('adapted.pth')
    other.write_bytes(b'adapted')
    assert copy_calibration(checkpoint, other) is None
    assert not calibration_path(other).exists()
    write_calibration(calibration, calibration_path(checkpoint), checkpoint)
    assert copy_calibration(checkpoint, other, boxes_only) == calibration_path(other)
    found = find_calibration(other)
    assert found.detectors['retinaface'].box_map == BOX_MAP
    assert (found.points_map is None) == (found.confidence is None) == boxes_only


def test_a_checkpoint_may_have_none(checkpoint):
    assert find_calibration(checkpoint) is None


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('{', 'is not a calibration'),
        ('{}', 'is not a calibration'),
        ('[1]', 'is not a calibration'),
        (json.dumps({'format': 1, 'detectors': {'a': {}}}), 'is not a calibration'),
        (json.dumps({'format': 9}), 'format=9 is not 1: run mmpose-lite calibrate again'),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, content, message):
    path = tmp_path / 'x.calibration.json'
    path.write_text(content)
    with pytest.raises(InputError, match=rf'x\.calibration\.json.*{message}'):
        read_calibration(path)
