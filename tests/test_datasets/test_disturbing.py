"""Boxes that are a little wrong."""

import numpy as np
import pytest

from mmpose_lite.datasets.crop_cache.crop_window import CropExtent
from mmpose_lite.datasets.transforms import (
    DisturbBox,
    GetBBoxCenterScale,
    ReplaceBox,
    TopdownAffine,
)
from mmpose_lite.errors import InputError

BOX = np.array([[20.0, 30.0, 120.0, 80.0]], dtype=np.float32)  # 100 x 50 about (70, 55)


def disturb(kind, amount, face_id=7, seed=0, **more):
    results = DisturbBox(kind, amount, seed).transform({'id': face_id, 'bbox': BOX, **more})
    return results['bbox_center'][0], results['bbox_scale'][0], results


@pytest.mark.parametrize(
    ('kind', 'amount', 'sides'),
    [('larger', 0.2, (120, 60)), ('smaller', 0.2, (80, 40)), ('smaller', 0.0, (100, 50))],
)
def test_sides_grow_and_shrink_about_the_centre(kind, amount, sides):
    center, scale, results = disturb(kind, amount)
    assert center == pytest.approx((70, 55))
    assert scale == pytest.approx(sides)
    assert results['bbox'].tolist() == BOX.tolist()  # what errors are divided by


def test_a_shift_is_a_share_of_the_sides():
    center, scale, _ = disturb('shift', 0.1)
    assert scale == pytest.approx((100, 50))
    assert np.hypot((center[0] - 70) / 100, (center[1] - 55) / 50) == pytest.approx(0.1, abs=1e-6)


def test_direction_belongs_to_face_and_seed():
    def direction(amount=0.1, **kwargs):
        center, _, _ = disturb('shift', amount, **kwargs)
        return tuple((center - (70, 55)) / amount)

    assert direction() == pytest.approx(direction(amount=0.2), abs=1e-4)
    assert direction() == direction()
    others = [direction(face_id=8), direction(face_id='7b'), direction(seed=1)]
    assert all(np.abs(np.subtract(other, direction())).max() > 0.1 for other in others)


def test_directions_go_all_ways():
    angles = [DisturbBox('shift', 0.1)._angle(face) for face in range(400)]
    quarters = np.bincount((np.array(angles) // (np.pi / 2)).astype(int), minlength=4)
    assert quarters.min() > 60


def test_what_the_data_set_brings_is_disturbed():
    center = np.array([[10.0, 20.0]], dtype=np.float32)
    scale = np.array([[40.0, 40.0]], dtype=np.float32)
    found, side, results = disturb('larger', 0.5, bbox_center=center, bbox_scale=scale)
    assert (found.tolist(), side.tolist()) == ([10, 20], [60, 60])
    padded = GetBBoxCenterScale(padding=1.25).transform(results)
    assert padded['bbox_scale'].tolist() == [[75, 75]]
    assert scale.tolist() == [[40, 40]]  # the record itself stays


@pytest.mark.parametrize(
    ('kind', 'amount', 'at_middle', 'zoom'),
    # 64 px of input show 80 px of photograph (a box of 64, padded).
    [
        ('shift', 0.0, (0, 0), 64 / 80),
        ('larger', 0.25, (0, 0), 64 / 100),
        ('shift', 0.25, None, 0.8),
    ],
)
def test_the_crop_moves(kind, amount, at_middle, zoom):
    """A photograph whose values are its coordinates."""
    rows, columns = np.mgrid[:200, :200].astype(np.uint8)
    image = np.stack([columns, rows, rows], axis=-1)
    results = {
        'id': 3,
        'img': image,
        'bbox': np.array([[68.0, 68.0, 132.0, 132.0]], dtype=np.float32),
        'keypoints': np.array([[[100.0, 100.0]]], dtype=np.float32),
    }
    for step in (DisturbBox(kind, amount), GetBBoxCenterScale(), TopdownAffine((64, 64))):
        results = step.transform(results)
    shown = results['img'][31:33, 31:33].reshape(-1, 3).mean(axis=0)[:2]
    across = float(results['img'][32, 48, 0]) - float(results['img'][32, 16, 0])
    assert across == pytest.approx(32 / zoom, abs=1.5)
    if at_middle is None:
        assert np.hypot(*(shown - 100)) == pytest.approx(0.25 * 64, abs=1.5)
        # The point is where the photograph is.
        place = results['transformed_keypoints'][0, 0]
        assert place == pytest.approx(32 + (100 - shown) * zoom, abs=1.5)
    else:
        assert shown == pytest.approx((100, 100), abs=1.5)


def test_a_crop_cache_is_told_how_far_it_reaches():
    steps = [DisturbBox('shift', 0.2), DisturbBox('larger', 0.1), GetBBoxCenterScale(1.25)]
    extent = CropExtent.of_pipeline([*steps, TopdownAffine((64, 64))])
    assert extent.largest == pytest.approx(1.1)
    assert extent.shift >= 0.2 / 1.25


@pytest.mark.parametrize(
    ('kind', 'amount', 'message'),
    [('turn', 0.1, "kind='turn'"), ('shift', -0.1, 'amount=-0.1'), ('smaller', 1, 'amount=1')],
)
def test_unknown_disturbances_are_refused(kind, amount, message):
    with pytest.raises(InputError, match=message):
        DisturbBox(kind, amount)


def test_a_face_is_cut_out_by_its_other_box_and_those_without_one_by_their_own():
    replace = ReplaceBox({ReplaceBox.key('a.jpg', 7): [10, 10, 40, 30]})
    record = {'img_path': 'a.jpg', 'bbox': BOX}
    found = replace.transform({**record, 'id': 7})
    assert found['bbox_center'].tolist() == [[25, 20]]
    assert found['bbox_scale'].tolist() == [[30, 20]]
    assert found['bbox'].tolist() == BOX.tolist()
    for other in ({**record, 'id': 8}, {**record, 'id': 7, 'img_path': 'b.jpg'}):
        assert 'bbox_center' not in replace.transform(other)
