"""The hooks: pictures, bad cases, averages."""

import json
import math
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmengine.structures import InstanceData, PixelData

from mmpose_lite.engine.hooks import (
    BadCaseAnalysisHook,
    PoseVisualizationHook,
    badcase_hook,
    visualization_hook,
)
from mmpose_lite.errors import InputError
from mmpose_lite.registry import METRICS
from mmpose_lite.structures import PoseDataSample
from mmpose_lite.visualization import PoseLocalVisualizer

H, W = 60, 80
META = {'dataset_name': 'two', 'keypoint_colors': [(255, 0, 0), (0, 0, 255)]}


class MeanDistance(BaseMetric):
    """px; the farther, the worse."""

    def process(self, data_batch, data_samples):
        for sample in data_samples:
            points = (sample[name]['keypoints'] for name in ('pred_instances', 'gt_instances'))
            self.results.append(np.linalg.norm(np.subtract(*points), axis=-1).mean())

    def compute_metrics(self, results):
        # Uses the description, to show that the hook hands it on.
        return {self.dataset_meta['dataset_name']: float(np.mean(results))}


@pytest.fixture(autouse=True)
def registered():
    METRICS.register_module(name='MeanDistance', module=MeanDistance)
    yield
    METRICS.module_dict.pop('MeanDistance')


@pytest.fixture
def visualizer(tmp_path, request):
    return PoseLocalVisualizer.get_instance(
        f'{request.node.name}_{tmp_path}',
        vis_backends=[{'type': 'LocalVisBackend'}],
        save_dir=str(tmp_path / 'backend'),
    )


@pytest.fixture
def runner(tmp_path, visualizer):
    evaluator = SimpleNamespace(dataset_meta=META)
    return SimpleNamespace(
        iter=0,
        work_dir=str(tmp_path),
        timestamp='now',
        val_evaluator=evaluator,
        test_evaluator=evaluator,
    )


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / 'photos' / 'group.png'
    path.parent.mkdir()
    cv2.imwrite(str(path), np.full((H, W, 3), 50, np.uint8))
    return str(path)


def face(img_path, index=0, error=0.0, with_truth=True):
    """A face whose second point is off by ``error`` px, so that the mean is half of it."""
    left = 10.0 + 3 * index
    truth = np.array([[[left, 20], [left + 20, 20]]])
    sample = PoseDataSample(
        metainfo={
            'img_path': img_path,
            'id': np.int64(index),
            'ori_shape': (H, W),
            'input_center': np.array([40.0, 30.0]),
            'input_scale': np.array([40.0, 40.0]),
        }
    )
    bboxes = np.array([[left, 10, left + 30, 40]])
    if with_truth:
        sample.gt_instances = InstanceData(
            keypoints=truth, keypoints_visible=np.ones((1, 2)), bboxes=bboxes
        )
    sample.pred_instances = InstanceData(
        keypoints=truth + np.array([[[0, 0], [0, error]]]),
        keypoint_scores=np.ones((1, 2)),
        bboxes=bboxes,
    )
    return sample


def pictures(folder):
    return sorted(path.name for path in folder.rglob('*.png') if path.parent.name != 'photos')


class TestPoseVisualizationHook:
    def test_disabled_does_nothing(self, runner, tmp_path, monkeypatch):
        monkeypatch.setattr(visualization_hook, 'read_image_rgb', None)
        hook = PoseVisualizationHook(out_dir='pictures')
        hook.after_val_iter(runner, 0, {}, [face('missing.png')])
        hook.after_test_iter(runner, 0, {}, [face('missing.png')])
        assert pictures(tmp_path) == []
        assert not (tmp_path / 'now').exists()

    def test_validation_draws_first_faces_at_intervals(self, runner, photo, tmp_path):
        hook = PoseVisualizationHook(enable=True, interval=2)
        runner.iter = 10
        for batch_idx in range(5):
            samples = [face(photo), face('not read.png')]
            hook.after_val_iter(runner, batch_idx, {}, samples)
        assert pictures(tmp_path) == ['val_img_10.png', 'val_img_12.png', 'val_img_14.png']

    def test_images_between_intervals_are_not_read(self, runner):
        PoseVisualizationHook(enable=True).after_val_iter(runner, 7, {}, [face('missing.png')])

    def test_faces_of_one_image_have_their_own_files(self, runner, photo, tmp_path):
        hook = PoseVisualizationHook(enable=True, out_dir='pictures')
        other = tmp_path / 'photos' / 'group_1.bad'
        other.write_bytes((tmp_path / 'photos' / 'group.png').read_bytes())
        hook.after_test_iter(runner, 0, {}, [face(photo), face(photo, 1)])
        hook.after_test_iter(runner, 1, {}, [face(photo, 2), face(str(other))])
        names = ['group_0.png', 'group_1.png', 'group_1_0.png', 'group_2.png']
        assert pictures(tmp_path) == names
        folder = tmp_path / 'now' / 'pictures'
        second = cv2.imread(str(folder / 'group_1.png'))
        assert second.shape == (H, 2 * W, 3)  # truth beside prediction
        assert tuple(second[20, 13]) == (0, 0, 255)

    def test_without_a_folder_the_backends_get_the_pictures(self, runner, photo, tmp_path):
        hook = PoseVisualizationHook(enable=True)
        hook.after_test_iter(runner, 0, {}, [face(photo), face(photo, 1)])
        assert pictures(tmp_path) == ['test_img_1.png', 'test_img_2.png']

    def test_without_truth_there_is_one_panel(self, runner, photo, tmp_path):
        hook = PoseVisualizationHook(enable=True, out_dir='pictures')
        hook.after_test_iter(runner, 0, {}, [face(photo, with_truth=False)])
        assert cv2.imread(str(next((tmp_path / 'now').rglob('*.png')))).shape == (H, W, 3)

    def test_heatmaps_are_brought_to_the_photograph(self, runner, photo, tmp_path):
        sample = face(photo, with_truth=False)
        maps = torch.zeros(2, 20, 20)
        maps[0, 15, 5] = 1  # of the crop (20, 10) to (60, 50), so at (30, 40)
        sample.pred_fields = PixelData(heatmaps=maps)
        hook = PoseVisualizationHook(enable=True, out_dir='pictures')
        hook.after_test_iter(runner, 0, {}, [sample])
        drawn_bgr = cv2.imread(str(next((tmp_path / 'now').rglob('*.png')))).astype(int)
        assert drawn_bgr.shape == (2 * H, W, 3)
        y, x = np.unravel_index(np.argmax(drawn_bgr[H:, :, 2]), (H, W))
        assert abs(x - 30) <= 2
        assert abs(y - 40) <= 2

    def test_show_leaves_the_backends_in_place(self, runner, photo, visualizer, monkeypatch):
        shown = []
        monkeypatch.setattr(visualizer, 'show', lambda *args, **kwargs: shown.append(kwargs))
        hook = PoseVisualizationHook(enable=True, show=True, wait_time=2)
        hook.after_test_iter(runner, 0, {}, [face(photo)])
        assert shown == [{'win_name': 'group.png', 'wait_time': 2}]
        assert visualizer._vis_backends

    def test_exif_is_ignored(self, runner, photo, tmp_path, monkeypatch):
        flags = []
        decode = cv2.imdecode
        monkeypatch.setattr(cv2, 'imdecode', lambda a, f: flags.append(f) or decode(a, f))
        PoseVisualizationHook(enable=True).after_test_iter(runner, 0, {}, [face(photo)])
        assert flags[0] & cv2.IMREAD_IGNORE_ORIENTATION

    def test_mistakes_are_named(self, runner):
        hook = PoseVisualizationHook(enable=True)
        with pytest.raises(KeyError, match='img_path'):
            hook.after_test_iter(runner, 0, {}, [PoseDataSample()])
        with pytest.raises(FileNotFoundError, match=r'gone\.png'):
            hook.after_test_iter(runner, 0, {}, [face('gone.png')])
        with pytest.raises(ValueError, match='interval'):
            PoseVisualizationHook(interval=0)


BY_DISTANCE = {
    'enable': True,
    'out_dir': 'bad',
    'metric_type': 'error',
    'metric': {'type': 'MeanDistance'},
    'metric_key': 'two',
    'badcase_thr': 2,
}


class TestBadCaseAnalysisHook:
    def run(self, hook, runner, samples):
        hook.before_test_epoch(runner)
        hook.after_test_iter(runner, 0, {}, samples)
        hook.after_test_epoch(runner, {})
        path = f'{runner.work_dir}/now/bad/results.json'
        with open(path) as file:
            return json.load(file)

    def test_disabled_does_nothing(self, runner, tmp_path):
        hook = BadCaseAnalysisHook(metric={'type': 'NoSuchLoss'}, out_dir='bad')
        hook.before_test_epoch(runner)
        hook.after_test_iter(runner, 0, {}, [face('missing.png', error=99)])
        hook.after_test_epoch(runner)
        assert not (tmp_path / 'now').exists()

    def test_only_bad_faces_are_listed_worst_first(self, runner, photo, tmp_path):
        hook = BadCaseAnalysisHook(**BY_DISTANCE)
        samples = [face(photo, i, error) for i, error in enumerate((3.9, 4, 10, 0, math.nan))]
        listed = self.run(hook, runner, samples)
        assert [entry['id'] for entry in listed] == [4, 2, 1]
        assert [entry['two'] for entry in listed] == [None, 5, 2]
        assert listed[1]['img'] == 'group'
        assert listed[1]['bbox'] == [[16, 10, 46, 40]]
        assert pictures(tmp_path) == sorted(entry['file'] for entry in listed)
        drawn = cv2.imread(str(tmp_path / 'now' / 'bad' / listed[1]['file']))
        assert drawn.shape == (H, 2 * W, 3)
        assert drawn[25, W + 36, 2] > 200  # the yellow line from (36, 20) to (36, 30)
        assert drawn[25, W + 36, 0] < 60

    def test_a_second_test_starts_anew(self, runner, photo):
        hook = BadCaseAnalysisHook(**BY_DISTANCE)
        assert len(self.run(hook, runner, [face(photo, error=9)])) == 1
        assert self.run(hook, runner, [face(photo, error=1)]) == []
        assert hook.metric.results == []

    def test_the_visualizer_is_left_as_it_was(self, runner, photo, visualizer):
        visualizer.set_dataset_meta(META)
        before = (visualizer.kpt_color, visualizer.link_color)
        self.run(BadCaseAnalysisHook(**BY_DISTANCE), runner, [face(photo, error=9)])
        assert (visualizer.kpt_color, visualizer.link_color) == before

    def test_accuracy_is_bad_when_low(self, runner, photo):
        hook = BadCaseAnalysisHook(**{**BY_DISTANCE, 'metric_type': 'accuracy'})
        samples = [face(photo, i, error) for i, error in enumerate((3.9, 4, 10))]
        assert [entry['id'] for entry in self.run(hook, runner, samples)] == [0, 1]

    def test_faces_can_be_judged_by_nme(self, runner, photo):
        metric = {'type': 'NME', 'norm_mode': 'use_norm_item', 'norm_item': 'bbox_size'}
        changes = {'metric': metric, 'metric_key': 'NME', 'badcase_thr': 0.05}
        hook = BadCaseAnalysisHook(**{**BY_DISTANCE, **changes})
        samples = [face(photo, 0, error=2.9), face(photo, 1, error=6)]
        (entry,) = self.run(hook, runner, samples)
        assert entry['NME'] == pytest.approx(3 / 30)

    def test_loss_is_the_default(self, runner, photo):
        hook = BadCaseAnalysisHook(enable=True, out_dir='bad', badcase_thr=4)
        samples = [face(photo, 0, error=3.9), face(photo, 1, error=4.1)]
        (entry,) = self.run(hook, runner, samples)
        # The mean square over 4 coordinates, of which one is off.
        assert entry['KeypointMSELoss'] == pytest.approx(4.1**2 / 4, rel=1e-5)

    @pytest.mark.parametrize(
        'metric',
        [
            {'metric_type': 'loss', 'metric': None},
            {'metric': {'type': 'EPE'}, 'metric_key': 'EPE'},
            {
                'metric': {
                    'type': 'NME',
                    'norm_mode': 'keypoint_distance',
                    'keypoint_indices': [0, 1],
                },
                'metric_key': 'NME',
                'badcase_thr': 0.1,
            },
            {
                'metric_type': 'accuracy',
                'metric': {'type': 'PCKAccuracy'},
                'metric_key': 'PCK',
                'badcase_thr': 0.9,
            },
        ],
        ids=['loss', 'EPE', 'NME', 'PCK'],
    )
    def test_a_face_that_cannot_be_measured_is_no_bad_case(
        self, runner, photo, monkeypatch, metric
    ):
        said = []
        monkeypatch.setattr(badcase_hook, 'print_log', lambda text, logger: said.append(text))
        monkeypatch.setitem(
            runner.test_evaluator.dataset_meta, 'keypoint_id2name', {0: 'a', 1: 'b'}
        )
        hook = BadCaseAnalysisHook(**{**BY_DISTANCE, **metric})
        blind = face(photo, 0, error=9)
        blind.gt_instances.keypoints_visible = np.zeros((1, 2))
        # Its files are those of one face, which two ranks have.
        listed = self.run(hook, runner, [blind, face(photo, 1, error=9), blind])
        assert [entry['id'] for entry in listed] == [1]
        assert said[0].startswith('1 bad cases (and 1 faces without the points that ')

    def test_ranks_are_gathered_and_repeated_faces_dropped(self, runner, photo, monkeypatch):
        other = [
            {'img_path': photo, 'id': 0, 'bbox': [[10, 10, 40, 40]], 'two': 4.5},
            {'img_path': photo, 'id': 7, 'bbox': [[0, 0, 1, 1]], 'two': 50.0},
        ]
        monkeypatch.setattr(
            badcase_hook, 'gather_objects', lambda mine, default: [mine, [other, []]]
        )
        hook = BadCaseAnalysisHook(**BY_DISTANCE)
        listed = self.run(hook, runner, [face(photo, error=9)])
        assert [(entry['id'], 'file' in entry) for entry in listed] == [(7, False), (0, True)]

    def test_without_a_folder_there_is_no_file(self, runner, photo, tmp_path):
        hook = BadCaseAnalysisHook(**{**BY_DISTANCE, 'out_dir': None})
        hook.after_test_iter(runner, 0, {}, [face(photo, error=9)])
        hook.after_test_epoch(runner)
        assert pictures(tmp_path) == ['test_img_1.png']
        assert 'file' not in hook.results[0]

    def test_mistakes_are_named(self, runner, photo):
        with pytest.raises(KeyError, match='badcase metric type speed is not supported'):
            BadCaseAnalysisHook(metric_type='speed')
        pck = {'metric_type': 'accuracy', 'metric': {'type': 'PCKAccuracy'}, 'metric_key': 'PCK'}
        with pytest.raises(InputError, match=r'badcase_thr=5: PCK is a fraction, 0\.05 is 5 %'):
            BadCaseAnalysisHook(**{**BY_DISTANCE, **pck, 'badcase_thr': 5})
        hook = BadCaseAnalysisHook(**{**BY_DISTANCE, 'metric_key': 'PCK'})
        with pytest.raises(KeyError, match=r"'PCK' is not one of .'two'"):
            hook.after_test_iter(runner, 0, {}, [face(photo)])
