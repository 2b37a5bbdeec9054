"""MMPose's inferencer: its arguments and what it yields, read in its 1.x source."""

import json

import cv2
import numpy as np
import pytest

from mmpose_lite.apis import MMPoseInferencer
from mmpose_lite.errors import InputError
from mmpose_lite.structures import PoseDataSample


def two_faces(image):
    return [[20, 10, 90, 80, 0.9], [22, 12, 92, 82, 0.2]]


@pytest.fixture(scope='module')
def inferencer(tiny_config, trained):
    return MMPoseInferencer(tiny_config, str(trained.checkpoint), device='cpu', det_model=two_faces)


def test_faces_are_plain_data_in_a_list_of_one_photograph(inferencer, photographs, landmarker):
    found = list(inferencer(photographs[:2]))
    assert [list(each) for each in found] == [['predictions'], ['predictions']]
    ((first, second),) = found[0]['predictions']
    assert list(first) == ['keypoints', 'keypoint_scores', 'bbox', 'bbox_score']
    assert (len(first['keypoints']), len(first['keypoint_scores'])) == (19, 19)
    assert first['bbox'] == ([20, 10, 90, 80],)
    assert second['bbox_score'] == pytest.approx(0.2)
    (known,) = landmarker(photographs[0], boxes=two_faces(None))
    np.testing.assert_allclose(first['keypoints'], known.points[0], atol=1e-3)


def test_faces_of_a_weak_box_are_left_out(inferencer, photographs):
    (found,) = inferencer(photographs[0], bbox_thr=0.5)
    assert len(found['predictions'][0]) == 1


def test_files_and_pictures(inferencer, photographs, tmp_path):
    (found,) = inferencer(
        photographs[1],
        return_vis=True,
        kpt_thr=0,
        vis_out_dir=str(tmp_path / 'vis'),
        pred_out_dir=str(tmp_path / 'pred'),
    )
    (picture,) = found['visualization']
    drawn = cv2.imread(str(tmp_path / 'vis' / 'face1.png'))
    np.testing.assert_array_equal(picture[..., ::-1], drawn)
    rows = json.loads((tmp_path / 'pred' / 'face1.json').read_text(encoding='utf-8'))
    assert rows == json.loads(json.dumps(found['predictions'][0]))
    list(inferencer(photographs[1], out_dir=str(tmp_path / 'both')))
    assert (tmp_path / 'both' / 'visualizations' / 'face1.png').is_file()
    assert (tmp_path / 'both' / 'predictions' / 'face1.json').is_file()


def test_samples_where_they_are_asked_for(inferencer, photographs):
    (found,) = inferencer(photographs[0], return_datasamples=True)
    (sample,) = found['predictions']
    assert isinstance(sample, PoseDataSample)
    assert sample.pred_instances.keypoints.shape == (2, 19, 2)


def test_the_alias_takes_a_checkpoint_that_holds_its_config(trained, photographs):
    alias = MMPoseInferencer('face', str(trained.checkpoint), det_model='whole_image')
    (found,) = alias(photographs[1])
    height, width = cv2.imread(photographs[1]).shape[:2]
    assert found['predictions'][0][0]['bbox'] == ([0, 0, width, height],)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'pose2d': 'face'}, 'MMPose would download weights'),
        ({}, 'pose2d names no model'),
        ({'pose3d': 'human3d'}, "pose3d='human3d' means nothing here"),
        ({'pose_2d': 'face'}, "pose_2d='face' means nothing here"),
    ],
)
def test_what_it_cannot_do_is_one_line(arguments, message):
    with pytest.raises(InputError, match=message):
        MMPoseInferencer(**arguments)
