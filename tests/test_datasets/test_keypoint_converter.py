"""Points of one set as those of another, by hand."""

import logging
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config

from helpers.face6 import COFW
from mmpose_lite.datasets import KeypointConverter
from mmpose_lite.datasets.transforms import converting
from mmpose_lite.structures import parse_pose_metainfo

CORRECTED = (
    Path(__file__).parents[2]
    / 'configs'
    / 'face_2d_keypoint'
    / 'rtmpose'
    / 'face6'
    / 'rtmpose-m_8xb256-120e_face6-256x256_cofw-eyes.py'
)


def sample(visible=(1, 1, 0, 1)):
    """Four points: left and right eye, nose, chin."""
    return {
        'keypoints': np.float32([[[10, 1], [30, 3], [20, 11], [22, 31]]]),
        'keypoints_visible': np.float32([visible]),
        'flip_indices': [1, 0, 2, 3],
        'dataset_name': 'four',
    }


def test_order():
    """Chin, right eye, left eye; a fourth point is not there."""
    out = KeypointConverter(4, [(3, 0), (1, 1), (0, 2)])(sample())
    assert out['keypoints'].tolist() == [[[22, 31], [30, 3], [10, 1], [0, 0]]]
    assert out['keypoints_visible'].tolist() == [[1, 1, 1, 0]]
    assert out['flip_indices'] == [0, 2, 1, 3]
    assert out['keypoints'].dtype == out['keypoints_visible'].dtype == np.float32


def test_middle_of_two_points():
    """Visible where both are; the middle of the eyes is its own mirror."""
    mapping = [((0, 1), 0), ((2, 3), 1), (2, 2)]
    out = KeypointConverter(3, mapping)(sample())
    assert out['keypoints'].tolist() == [[[20, 2], [21, 21], [20, 11]]]
    assert out['keypoints_visible'].tolist() == [[1, 0, 0]]
    assert out['flip_indices'] == [0, 1, 2]


def test_a_mirror_point_that_is_missing():
    """Of the eyes only the left one is asked for; its middle with the nose has a mirror."""
    mapping = [(0, 0), ((0, 2), 1), ((2, 1), 2)]
    assert KeypointConverter(3, mapping)(sample())['flip_indices'] == [0, 2, 1]


def test_a_single_visibility_is_not_squared():
    out = KeypointConverter(2, [(0, 0), ((0, 1), 1)])(sample(visible=(0.5, 0.5, 1, 1)))
    assert out['keypoints_visible'].tolist() == [[0.5, 0.25]]


def test_weights_beside_visibility_are_left_out():
    """Another transform may have stacked them."""
    results = sample()
    visible = results['keypoints_visible']
    results['keypoints_visible'] = np.stack([visible, np.full_like(visible, 7)], axis=-1)
    out = KeypointConverter(1, [(2, 0)])(results)
    assert out['keypoints_visible'].tolist() == [[0]]


def test_without_visibility_all_are_visible():
    results = sample()
    del results['keypoints_visible']
    out = KeypointConverter(2, [(2, 1)])(results)
    assert out['keypoints_visible'].tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ('count', 'mapping', 'message'),
    [
        (2, [(0, 2)], r'below num_keypoints=2, they are \[2\]'),
        (3, [(0, 1, 2)], r'\(0, 1, 2\), which is not'),
        (3, [((0, 1, 2), 0)], 'which is not'),
        (3, [(-1, 0)], r'\(-1, 0\), which is not'),
        (3, [(0.5, 0)], 'which is not'),
    ],
)
def test_a_wrong_mapping_is_refused(count, mapping, message):
    with pytest.raises(ValueError, match=message):
        KeypointConverter(count, mapping)


class TestTwice:
    """A target that two pairs name is the later one's."""

    @pytest.fixture
    def warned(self, monkeypatch):
        found = []
        monkeypatch.setattr(
            converting, 'print_log', lambda text, logger, level: found.append((text, level))
        )
        converting._warn_once.cache_clear()
        yield found
        converting._warn_once.cache_clear()

    def test_the_later_pair_counts(self, warned):
        """Target 1 is the chin, not the left eye; its mirror is its own."""
        out = KeypointConverter(3, [(0, 1), (1, 0), ((2, 3), 2), (3, 1)])(sample())
        assert out['keypoints'].tolist() == [[[30, 3], [22, 31], [21, 21]]]
        assert out['keypoints_visible'].tolist() == [[1, 1, 0]]
        assert out['flip_indices'] == [0, 1, 2]
        assert [text for text, _ in warned] == [
            'KeypointConverter: mapping names a target twice, the later pair counts: '
            '(0, 1) and (3, 1)'
        ]
        assert warned[0][1] == logging.WARNING

    def test_it_is_said_once_for_all_data_sets_of_a_run(self, warned):
        for _ in range(3):
            KeypointConverter(3, [(0, 1), ((1, 2), 1), (3, 1), (1, 0), (2, 0)])
        assert [text.partition('counts: ')[2] for text, _ in warned] == [
            '(0, 1) and ((1, 2), 1) and (3, 1); (1, 0) and (2, 0)'
        ]

    def test_mmposes_mapping_of_cofw_is_called_wrong(self, warned):
        KeypointConverter(106, COFW)
        ((text, _),) = warned
        assert "counts: (8, 60) and (21, 60). This is COFW's mapping" in text
        assert text.endswith("and is wrong; the config with `cofw-eyes` in its name has LaPa's")

    def test_the_right_mapping_is_of_points_of_the_same_names(self, warned):
        """The eyes of COFW and of LaPa have the same names; the other points are as in MMPose."""
        mapping = Config.fromfile(CORRECTED).mapping_cofw
        KeypointConverter(106, mapping)
        assert warned == []
        cofw, lapa = (
            parse_pose_metainfo({'from_file': f'configs/_base_/datasets/{name}.py'})
            for name in ('cofw', 'lapa')
        )
        targets, mmposes = dict(mapping), dict(COFW)
        assert targets.keys() == mmposes.keys()
        for source, target in targets.items():
            name = cofw['keypoint_id2name'][source]
            if 'Eye' in name:
                assert lapa['keypoint_id2name'][target] == name
            else:
                assert mmposes[source] == target
            # A face and its mirror image are one: both sides go to mirror points.
            mirror = cofw['flip_indices'][source]
            assert targets[mirror] == lapa['flip_indices'][target]


def test_a_point_that_the_sample_has_not_is_named():
    with pytest.raises(ValueError, match=r"names point 4, the data set 'four' has 4"):
        KeypointConverter(2, [(4, 0)])(sample())
