"""The visualizer of samples."""

import sys
import warnings
from unittest.mock import patch

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData

from mmpose_lite.registry import VISUALIZERS
from mmpose_lite.structures import PoseDataSample
from mmpose_lite.visualization import PoseLocalVisualizer

H, W = 60, 80
RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
META = {
    'dataset_name': 'three',
    'keypoint_colors': np.array([RED, BLUE, (0, 255, 255)]),
    'skeleton_links': [(0, 1)],
    'skeleton_link_colors': [(255, 0, 255)],
}


def instances(points, **fields):
    points = np.array([points], np.float32)
    return InstanceData(keypoints=points, bboxes=np.array([[5, 5, 75, 55]]), **fields)


@pytest.fixture
def image():
    return np.full((H, W, 3), 50, np.uint8)


@pytest.fixture
def sample():
    sample = PoseDataSample()
    sample.gt_instances = instances(
        [[20, 20], [60, 20], [40, 40]], keypoints_visible=np.ones((1, 3))
    )
    sample.pred_instances = instances(
        [[20, 20], [60, 20], [40, 50]], keypoint_scores=np.array([[0.9, 0.8, 0.7]])
    )
    return sample


@pytest.fixture
def visualizer():
    visualizer = PoseLocalVisualizer()
    visualizer.set_dataset_meta(META)
    return visualizer


def is_near(color, expected):
    """Antialiased lines do not reach the full colour."""
    return np.abs(np.subtract(color, expected)).max() < 30


def color_at(picture, x, y):
    return tuple(int(part) for part in picture[y, x])


def test_truth_left_prediction_right(visualizer, image, sample):
    visualizer.error_color = None
    picture = visualizer.add_datasample('a', image, sample)
    assert picture.shape == (H, 2 * W, 3)
    assert color_at(picture, 20, 20) == color_at(picture, W + 20, 20) == RED
    assert color_at(picture, 60, 20) == BLUE
    assert color_at(picture, 40, 40) == color_at(picture, W + 40, 50) == (0, 255, 255)
    assert color_at(picture, 40, 50) == (50, 50, 50)
    assert is_near(color_at(picture, 40, 20), (255, 0, 255))  # the link
    assert (image == 50).all()


def test_error_lines_only_beside_the_truth(visualizer, image, sample):
    both = visualizer.add_datasample('a', image, sample)
    assert is_near(color_at(both, W + 40, 45), YELLOW)
    assert color_at(both, W + 40, 40) == YELLOW  # the dot at the truth
    alone = visualizer.add_datasample('a', image, sample, draw_gt=False)
    assert alone.shape == (H, W, 3)
    assert color_at(alone, 40, 45) == (50, 50, 50)
    visualizer.error_color = None
    assert color_at(visualizer.add_datasample('a', image, sample), W + 40, 45) == (50, 50, 50)


def test_points_without_truth_have_no_error_line(visualizer, image, sample):
    visible = np.array([[1, 1, 0]])
    sample.gt_instances.keypoints_visible = np.stack([visible, np.ones((1, 3))], axis=2)
    picture = visualizer.add_datasample('a', image, sample)
    assert color_at(picture, 40, 40) == color_at(picture, W + 40, 45) == (50, 50, 50)


def test_other_faces_have_no_error_lines(visualizer, image, sample):
    sample.gt_instances = InstanceData.cat([sample.gt_instances] * 2)
    assert color_at(visualizer.add_datasample('a', image, sample), W + 40, 45) == (50, 50, 50)


def test_weak_points_are_left_out(visualizer, image, sample):
    picture = visualizer.add_datasample('a', image, sample, draw_gt=False, kpt_thr=0.75)
    assert color_at(picture, 20, 20) == RED
    assert color_at(picture, 40, 50) == (50, 50, 50)
    picture = visualizer.add_datasample('a', image, sample, draw_gt=False, kpt_thr=0.85)
    assert color_at(picture, 40, 20) == (50, 50, 50)  # a link needs both its ends


def test_keypoint_weight_makes_faint(image, sample):
    visualizer = PoseLocalVisualizer(kpt_color=RED, show_keypoint_weight=True)
    sample.pred_instances.keypoint_scores = np.array([[1.0, 0.5, 1.7]])
    picture = visualizer.add_datasample('a', image, sample, draw_gt=False)
    assert color_at(picture, 20, 20) == color_at(picture, 40, 50) == RED
    assert color_at(picture, 60, 20) == (152, 25, 25)


def test_hidden_points_and_links(image, sample):
    visualizer = PoseLocalVisualizer(
        kpt_color=[None, 'blue', 'red'], skeleton=[[0, 1], [1, 2]], link_color=[None, 'green']
    )
    picture = visualizer.add_datasample('a', image, sample, draw_pred=False)
    assert color_at(picture, 20, 20) == color_at(picture, 40, 20) == (50, 50, 50)
    assert color_at(picture, 50, 30) == GREEN


@pytest.mark.parametrize(
    ('argument', 'value'), [('kpt_color', [RED] * 2), ('link_color', [RED] * 2)]
)
def test_colours_that_do_not_fit(image, sample, argument, value):
    visualizer = PoseLocalVisualizer(skeleton=[[0, 1]], **{argument: value})
    with pytest.raises(ValueError, match=f'{argument} .2.'):
        visualizer.add_datasample('a', image, sample)


def test_boxes_and_labels(image, sample):
    visualizer = PoseLocalVisualizer(bbox_color=GREEN)
    plain = visualizer.add_datasample('a', image, sample, draw_pred=False)
    assert color_at(plain, 5, 30) == (50, 50, 50)
    boxed = visualizer.add_datasample('a', image, sample, draw_pred=False, draw_bbox=True)
    assert color_at(boxed, 5, 30) == color_at(boxed, 75, 30) == GREEN
    sample.gt_instances.labels = np.array([0])
    visualizer.dataset_meta = {'classes': ['face']}
    labelled = visualizer.add_datasample('a', image, sample, draw_pred=False, draw_bbox=True)
    assert (labelled[:10] == 255).sum() > (boxed[:10] == 255).sum()


def test_indices(visualizer, image, sample):
    plain = visualizer.add_datasample('a', image, sample, draw_gt=False)
    written = visualizer.add_datasample('a', image, sample, draw_gt=False, show_kpt_idx=True)
    changed = np.argwhere((plain != written).any(axis=2))
    assert len(changed) > 20
    assert (changed[:, 0] < 50).all()  # each stands above its point


@pytest.mark.parametrize('form', ['tensor', 'array', 'one map', 'with offsets'])
def test_heatmaps_go_below(visualizer, image, sample, form):
    maps = torch.zeros(3, 15, 20)
    maps[1, 10, 15] = 1
    if form == 'array':
        maps = maps.numpy()
    if form == 'with offsets':
        offsets = torch.full_like(maps, 9).triu()
        maps = torch.stack([maps, offsets, -offsets], dim=1).flatten(0, 1)
    sample.pred_fields = PixelData(heatmaps=maps[1:2] if form == 'one map' else maps)
    picture = visualizer.add_datasample('a', image, sample, draw_heatmap=True)
    assert picture.shape == (2 * H, 2 * W, 3)
    np.testing.assert_array_equal(picture[H:, :W], image)
    red, _, blue = (int(part) for part in picture[H + 41, W + 61])
    assert red > blue
    red, _, blue = (int(part) for part in picture[H + 1, 2 * W - 1])  # where offsets are large
    assert red <= blue
    assert visualizer.add_datasample('a', image, sample).shape == (H, 2 * W, 3)


def test_points_that_are_no_numbers(visualizer, image, sample):
    sample.pred_instances.keypoints[0, 0] = np.nan
    sample.pred_instances.keypoints[0, 1] = 1e12
    picture = visualizer.add_datasample('a', image, sample)
    assert color_at(picture, W + 40, 52) == (0, 255, 255)


def test_a_sample_without_anything(visualizer, image):
    picture = visualizer.add_datasample('a', image, PoseDataSample(), draw_bbox=True)
    np.testing.assert_array_equal(picture, np.concatenate([image, image], axis=1))
    np.testing.assert_array_equal(
        visualizer.add_datasample('a', image, PoseDataSample(), draw_gt=False, draw_pred=False),
        image,
    )


def test_out_file_is_written_and_not_stored(visualizer, image, sample, tmp_path):
    with patch.object(visualizer, 'add_image') as stored:
        visualizer.add_datasample('a', image, sample, out_file=str(tmp_path / 'b/out.png'))
        stored.assert_not_called()
    drawn_bgr = cv2.imread(str(tmp_path / 'b/out.png'))
    assert drawn_bgr.shape == (H, 2 * W, 3)
    assert color_at(drawn_bgr, 20, 20) == (0, 0, 255)


def test_backends_get_name_and_step(image, sample, tmp_path):
    visualizer = PoseLocalVisualizer(
        vis_backends=[{'type': 'LocalVisBackend'}], save_dir=str(tmp_path)
    )
    visualizer.add_datasample('val_img', image, sample, step=7)
    assert [path.name for path in tmp_path.rglob('*.png')] == ['val_img_7.png']


def test_without_a_folder_nothing_is_stored_and_no_warning_given():
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        visualizer = PoseLocalVisualizer(vis_backends=[{'type': 'LocalVisBackend'}])
    assert not visualizer._vis_backends


def test_show_swaps_to_bgr_and_stores_nothing(visualizer, image, sample):
    with (
        patch.object(visualizer, 'add_image') as stored,
        patch('cv2.imshow') as imshow,
        patch('cv2.namedWindow'),
        patch('cv2.setWindowTitle') as title,
        patch('cv2.waitKey') as wait,
    ):
        visualizer.add_datasample('a', image, sample, show=True, wait_time=0.5)
    stored.assert_not_called()
    wait.assert_called_once_with(500)
    assert title.call_args.args[1] == 'a'
    assert color_at(imshow.call_args.args[1], 20, 20) == (0, 0, 255)


def test_dataset_meta_is_kept_where_silent(visualizer):
    visualizer.set_dataset_meta({'bbox_color': 'blue'})
    assert visualizer.bbox_color == 'blue'
    assert visualizer.skeleton == [(0, 1)]
    visualizer.set_dataset_meta(None)
    assert visualizer.dataset_meta == {'bbox_color': 'blue'}


def test_openpose_style_only_where_there_is_one(visualizer, image, sample):
    with pytest.raises(NotImplementedError, match='three'):
        visualizer.add_datasample('a', image, sample, skeleton_style='openpose')
    with pytest.raises(NotImplementedError, match='three'):
        visualizer.set_dataset_meta(META, skeleton_style='openpose')
    with pytest.raises(ValueError, match='cubist'):
        visualizer.add_datasample('a', image, sample, skeleton_style='cubist')
    visualizer.set_dataset_meta({**META, 'dataset_name': 'three_openpose'}, 'openpose')
    visualizer.line_width = 5
    picture = visualizer.add_datasample('a', image, sample, skeleton_style='openpose')
    assert color_at(picture, 40, 17) == (173, 20, 173)  # a limb is thick and translucent


def test_opencv_needs_no_matplotlib(monkeypatch, image, sample):
    for name in ('matplotlib', 'matplotlib.figure', 'matplotlib.backends.backend_agg'):
        monkeypatch.setitem(sys.modules, name, None)
    picture = PoseLocalVisualizer().add_datasample('a', image, sample, draw_bbox=True)
    assert color_at(picture, 20, 20) == RED


def test_it_is_registered():
    visualizer = VISUALIZERS.build({'type': 'PoseLocalVisualizer', 'name': 'built', 'radius': 5})
    assert isinstance(visualizer, PoseLocalVisualizer)
    assert visualizer.radius == 5


@pytest.mark.filterwarnings('ignore')
def test_matplotlib_draws_the_same_places(image, sample):
    visualizer = PoseLocalVisualizer(backend='matplotlib', radius=4)
    visualizer.set_dataset_meta(META)
    picture = visualizer.add_datasample('a', image, sample, draw_bbox=True, show_kpt_idx=True)
    assert picture.shape == (H, 2 * W, 3)
    assert is_near(color_at(picture, 40, 40), (0, 255, 255))
    assert is_near(color_at(picture, W + 37, 50), (0, 255, 255))
