"""Numbers in the log of a training: training crops, validation loss, speed and memory."""

import json
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook, LoggerHook
from torch import nn

from helpers.data_factory import ANNOTATIONS, hide_points
from helpers.exact_runs import AUGMENTED, digests, last_checkpoint, make_config, train
from mmpose_lite.datasets import AFLWDataset
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.engine.hooks import (
    SpeedHook,
    ValLossHook,
    training_log,
)
from mmpose_lite.engine.hooks.training_log import _mean_error, _rows
from mmpose_lite.errors import InputError
from mmpose_lite.evaluation.metrics import NME
from mmpose_lite.models import HeatmapHead
from mmpose_lite.models.losses import L1Loss
from mmpose_lite.registry import MODELS

pytestmark = pytest.mark.usefixtures('as_new_process')

BY_BOX = {'norm_mode': 'use_norm_item', 'norm_item': 'bbox_size'}


def rows_of(folder):
    """The lines of training, and those of validations."""
    lines = [
        json.loads(line)
        for path in sorted(folder.rglob('scalars.json'))
        for line in path.read_text().splitlines()
    ]
    return [line for line in lines if 'iter' in line], [
        line for line in lines if 'iter' not in line
    ]


@pytest.fixture
def augmented(face_set):
    """Samples of training, turned, scaled and mirrored."""
    dataset = AFLWDataset(
        data_root=str(face_set),
        ann_file=ANNOTATIONS.format('train'),
        data_prefix={'img': 'images/'},
        pipeline=[*AUGMENTED, {'type': 'PackPoseInputs', 'pack_transformed': True}],
    )
    pairs = [(i, epoch) for i in range(1, len(dataset)) for epoch in range(4)]
    return [dataset[SampleIndex(i, 0, epoch)]['data_samples'] for i, epoch in pairs]


def seen_in_crop(sample, points):
    """Points of a photograph (as mirrored) in pixels of its crop, by the map of its true points."""
    truth = sample.gt_instances
    known = np.hstack([truth.keypoints[0], np.ones((19, 1))])
    affine, *_ = np.linalg.lstsq(known, truth.transformed_keypoints[0], rcond=None)
    return np.hstack([points, np.ones((19, 1))]) @ affine


def test_errors_on_crops_are_in_shares_of_the_box(augmented):
    assert len({sample.get('flip') for sample in augmented}) == 2
    moved = np.array([3.0, 4.0])  # 5 pixels of the photograph
    for sample in augmented:
        predicted = seen_in_crop(sample, sample.gt_instances.keypoints[0] + moved)
        left, _, right, _ = sample.gt_instances.bboxes[0]
        error = _mean_error(NME(**BY_BOX), list(_rows([sample], [predicted])))
        assert error == pytest.approx(5 / (right - left), rel=1e-4)


def test_points_outside_of_the_crop_do_not_count(augmented):
    sample = augmented[0]
    wanted = sample.gt_instances.transformed_keypoints[0]
    wanted[3], wanted[4] = (-0.5, 20), (20, 63.5)  # an input of 64 pixels ends at 63
    predicted = wanted.copy()
    predicted[3:5] += 30
    ((row, truth),) = _rows([sample], [predicted])
    assert [i for i, counts in enumerate(row['mask']) if not counts] == [3, 4]
    assert _mean_error(NME(**BY_BOX), [(row, truth)]) == 0


def test_faces_whose_normaliser_is_outside_are_left_out(augmented):
    metric = NME('keypoint_distance', keypoint_indices=[6, 11])
    metric.dataset_meta = {'dataset_name': 'aflw', 'keypoint_id2name': dict.fromkeys(range(19), '')}
    samples = augmented[4:6]
    predicted = [sample.gt_instances.transformed_keypoints[0] for sample in samples]
    predicted[1] = predicted[1] + 5
    samples[0].gt_instances.keypoints_visible[0, 6] = 0
    eyes = samples[1].gt_instances.transformed_keypoints[0][[6, 11]]
    error = _mean_error(metric, list(_rows(samples, predicted)))
    assert error == pytest.approx(math.hypot(5, 5) / np.linalg.norm(eyes[0] - eyes[1]), rel=1e-4)
    assert math.isnan(_mean_error(metric, list(_rows(samples[:1], predicted[:1]))))


class Outputs(Hook):
    """Keeps each batch of training, the model's outputs on it, and their points."""

    def __init__(self, monkeypatch):
        self.seen = []
        losses_of = HeatmapHead.losses_of

        def spy(head, outputs, samples, train_cfg=None):
            if head.training:
                self.seen.append((head, outputs.detach(), samples))
            return losses_of(head, outputs, samples, train_cfg)

        monkeypatch.setattr(HeatmapHead, 'losses_of', spy)


def test_train_nme_is_that_of_the_logged_batch(tmp_path, monkeypatch):
    pipeline = [AUGMENTED[0], AUGMENTED[1], AUGMENTED[4], {'type': 'PackPoseInputs'}]
    spy = Outputs(monkeypatch)
    cfg = make_config(tmp_path, train_dataloader__dataset__pipeline=pipeline)
    runner = train(cfg, tmp_path / 'run', hook=spy)
    trained, _ = rows_of(tmp_path / 'run')
    assert [row['iter'] for row in trained] == [2, 4, 6, 8, 10, 12]
    for row in trained:
        head, heatmaps, samples = spy.seen[row['iter'] - 1]
        # Without turns the points come back to the photograph as those of a test do.
        model, errors = runner.model, []
        found = model.add_pred_to_datasample(head.decode(heatmaps), None, samples)
        for sample in found:
            truth = sample.gt_instances
            inside = ((truth.transformed_keypoints[0] >= 0).all(-1)) & (
                (truth.transformed_keypoints[0] <= 63).all(-1)
            )
            distances = np.linalg.norm(sample.pred_instances.keypoints - truth.keypoints, axis=-1)
            side = truth.bboxes[0, 2] - truth.bboxes[0, 0]
            errors += (distances[0][inside] / side).tolist()
        assert row['train_NME'] == pytest.approx(np.mean(errors), rel=1e-4)


@pytest.mark.slow
def test_outputs_are_kept_where_a_line_is_logged_and_only_there(tmp_path, monkeypatch):
    heard = []
    forward = HeatmapHead.forward

    def spy(head, feats):
        if head.training:
            heard.append('forward' in vars(head))
        return forward(head, feats)

    monkeypatch.setattr(HeatmapHead, 'forward', spy)
    runner = train(make_config(tmp_path), tmp_path / 'run')
    assert heard == [False, True] * 6
    assert 'forward' not in vars(runner.model.head)


@pytest.mark.slow
def test_numbers_change_no_bit_of_a_training(tmp_path, as_new_process):
    hooks = dict.fromkeys(('default_hooks__train_error', 'default_hooks__val_loss'))
    kinds = {'with': {}, 'without': hooks}
    parts = {}
    for name, options in kinds.items():
        as_new_process()
        train(make_config(tmp_path, **options), tmp_path / name)
        parts[name] = digests(last_checkpoint(tmp_path / name))
    logs = [rows_of(tmp_path / name) for name in kinds]
    assert ['train_NME' in trained[0] for trained, _ in logs] == [True, False]
    assert ['val_loss' in tested[0] for _, tested in logs] == [True, False]
    with_it, without = ([row['NME'] for row in tested] for _, tested in logs)
    assert with_it == without
    for part in ('state_dict', 'optimizer', 'param_schedulers', 'ranks'):
        assert parts['with'][part] == parts['without'][part]


def loss_by_hand(runner, ids=None):
    """The mean over (some) faces of a validation of each one's loss, without a hook."""
    model, losses = runner.model.eval(), []
    with torch.no_grad():
        for batch in runner.val_dataloader:
            data = model.data_preprocessor(batch, False)
            for image, sample in zip(data['inputs'], data['data_samples'], strict=True):
                if ids is not None and sample.id not in ids:
                    continue
                losses.append(model.loss(image[None], [sample])['loss_kpt'].item())
    return np.mean(losses)


@pytest.mark.parametrize('flip_test', [True, pytest.param(False, marks=pytest.mark.slow)])
def test_validation_loss_is_the_mean_over_faces(tmp_path, flip_test):
    """Five faces in batches of four: the last batch has one."""
    cfg = make_config(tmp_path, model__test_cfg__flip_test=flip_test)
    runner = train(cfg, tmp_path / 'run')
    _, tested = rows_of(tmp_path / 'run')
    assert len({row['val_loss'] for row in tested}) == 3  # and no mean of several validations
    assert tested[-1]['val_loss'] == pytest.approx(loss_by_hand(runner), rel=1e-5)


def test_faces_without_a_visible_point_are_in_no_number_of_a_training(tmp_path):
    """The first of the five, and with it a whole batch of four but for one; and in training."""
    cfg = make_config(tmp_path, train_dataloader__batch_size=16)
    hide_points(tmp_path / 'data', 'test', 0, 1, 3)
    hide_points(tmp_path / 'data', 'train', *range(16))
    cfg.val_dataloader.dataset.subsets = None
    runner = train(cfg, tmp_path / 'run')
    trained, tested = rows_of(tmp_path / 'run')
    (metric,) = runner.val_loop.evaluator.metrics
    assert [(score.faces, score.points) for score in metric.scores] == [(2, 38)]
    assert metric.left_out == ['3 of 5 faces have no visible point and are left out (id 1, 2, 4)']
    assert tested[-1]['val_loss'] == pytest.approx(loss_by_hand(runner, {3, 5}), rel=1e-5)
    for row in trained:
        assert math.isnan(row['train_NME'])
        assert math.isnan(row['acc_pose'])


def test_a_validation_set_without_a_visible_point_is_refused_before_training(tmp_path):
    cfg = make_config(tmp_path)
    cfg.val_dataloader.dataset.subsets = None
    path = hide_points(tmp_path / 'data', 'test', *range(5))
    with pytest.raises(InputError, match=f'{path}: none of the 5 faces has a visible point'):
        train(cfg, tmp_path / 'run')
    assert rows_of(tmp_path / 'run') == ([], [])


def test_two_metrics_of_one_name_are_refused_before_training(tmp_path):
    metric = {'type': 'NME', **BY_BOX}
    cfg = make_config(tmp_path)
    cfg.val_evaluator = [metric, {**metric, 'norm_item': 'box_size'}]
    with pytest.raises(
        InputError, match="two metrics are called 'NME': give one of them a `prefix`"
    ):
        train(cfg, tmp_path / 'run')


@pytest.mark.slow
def test_no_validation_loss_where_the_pipeline_makes_other_targets(tmp_path):
    codec = {'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16), 'sigma': 2}
    pipeline = [
        *AUGMENTED,
        {'type': 'GenerateTarget', 'encoder': codec},
        {'type': 'PackPoseInputs'},
    ]
    train(make_config(tmp_path, train_dataloader__dataset__pipeline=pipeline), tmp_path / 'run')
    trained, tested = rows_of(tmp_path / 'run')
    assert all('val_loss' not in row for row in tested)
    assert all(0 < row['train_NME'] < 3 for row in trained)


def test_ranks_are_weighed_by_their_faces(monkeypatch):
    monkeypatch.setattr(training_log, 'gather_objects', lambda own: [own, [0.25 * 2, 2]])
    hook, scalars, metrics = ValLossHook(), {}, {'NME': 0.1}
    hook._model = SimpleNamespace()
    hook._losses = [(torch.tensor(0.5), 4), (torch.tensor(1.0), 1)]
    hub = SimpleNamespace(update_scalar=scalars.__setitem__)
    hook.after_val_epoch(SimpleNamespace(message_hub=hub), metrics)
    assert metrics == {'NME': 0.1, 'val_loss': pytest.approx((0.5 * 4 + 1 + 0.25 * 2) / 7)}
    assert scalars == {'val/val_loss': metrics['val_loss']}


def test_images_per_second_are_those_of_all_ranks_since_the_last_line(monkeypatch):
    clock = iter([0.0, 1.0, 3.0, 100.0, 100.5, 101.0])
    monkeypatch.setattr(training_log, 'perf_counter', lambda: next(clock))
    monkeypatch.setattr(training_log, 'is_logged', lambda runner, batch_idx: batch_idx % 2 == 1)
    peak = SimpleNamespace(ru_maxrss=321 * training_log._MAXRSS_UNITS_PER_MB)
    monkeypatch.setattr(training_log.resource, 'getrusage', lambda who: peak)
    logged = []
    hub = SimpleNamespace(update_scalar=lambda key, value, resumed: logged.append((key, value)))
    runner = SimpleNamespace(world_size=2, message_hub=hub)
    hook = SpeedHook()
    hook.before_train_epoch(runner)
    hook.after_train_iter(runner, 0, {'inputs': [0] * 6})
    hook.after_train_iter(runner, 1, {'inputs': [0] * 6})
    hook.after_val_epoch(runner, {})  # 97 seconds that are not theirs
    hook.after_train_iter(runner, 2, {'inputs': [0] * 6})
    hook.after_train_iter(runner, 3, {'inputs': [0] * 3})
    speeds = [value for key, value in logged if key == 'train/images_per_s']
    assert speeds == [24 / 3, 18 / 1]
    if not torch.cuda.is_available():
        assert [value for key, value in logged if key == 'train/memory'] == [321, 321]


def test_a_line_after_the_last_iteration_of_a_short_epoch_has_numbers_too(tmp_path):
    logger = {'type': 'LoggerHook', 'interval': 50}
    train(make_config(tmp_path, default_hooks__logger=logger), tmp_path / 'run')
    trained, _ = rows_of(tmp_path / 'run')
    assert [row['iter'] for row in trained] == [4, 8, 12]
    assert len({row['train_NME'] for row in trained}) == 3
    assert all(row['images_per_s'] > 0 for row in trained)


def test_a_set_without_the_normaliser_is_trained_without_the_number(tmp_path, capsys):
    """AFLW's ``box_size`` is part of test samples only."""
    evaluator = {'type': 'NME', 'norm_mode': 'use_norm_item', 'norm_item': 'box_size'}
    cfg = make_config(tmp_path, val_evaluator={'_delete_': True, **evaluator})
    train(cfg, tmp_path / 'run')
    trained, tested = rows_of(tmp_path / 'run')
    assert all('train_NME' not in row for row in trained)
    assert all(row['NME'] > 0 for row in tested)
    assert capsys.readouterr().out.count("no NME of training crops: norm_item='box_size'") == 1


class TwoMaps(HeatmapHead):
    """Somebody's head, in MMPose's form: of its two outputs its own methods read the last."""

    def forward(self, feats):
        maps = super().forward(feats)
        return [maps, 2 * maps]

    def predict(self, feats, batch_data_samples, test_cfg=None):
        return self.decode(self(feats)[-1])

    def loss(self, feats, batch_data_samples, train_cfg=None):
        return self.losses_of(self(feats)[-1], batch_data_samples, train_cfg)


def test_a_head_that_decodes_other_outputs_is_trained_without_the_number(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setitem(MODELS.module_dict, 'TwoMaps', TwoMaps)
    cfg = make_config(tmp_path, model__head__type='TwoMaps', model__test_cfg__flip_test=False)
    train(cfg, tmp_path / 'run')
    trained, tested = rows_of(tmp_path / 'run')
    assert all('train_NME' not in row for row in trained)
    assert all(row['NME'] > 0 for row in tested)
    said = capsys.readouterr().out
    assert said.count('no NME of training crops: TwoMaps.decode(raw outputs): ') == 1


class OfSums(nn.Module):
    """A head whose losses are two sums and a mean over faces of what it is given."""

    def __init__(self, kind):
        super().__init__()
        parts = [L1Loss('sum'), L1Loss('sum'), L1Loss('mean')]
        self.loss_module = kind(
            parts if kind is nn.ModuleList else dict(zip('abc', parts, strict=True))
        )

    def losses_of(self, outputs, samples, train_cfg):
        children = self.loss_module.children()
        return {f'loss_{i}': each(outputs, 0 * outputs) for i, each in enumerate(children)}


@pytest.mark.parametrize('kind', [nn.ModuleList, nn.ModuleDict])
def test_of_several_losses_the_sums_over_faces_are_those_of_a_training_batch(kind):
    """Two faces with an error of 1 at 3 points: 6 and 6, as of 8 faces 24 and 24; the mean is 1."""
    hook = ValLossHook()
    hook._head = OfSums(kind)
    hook._model = SimpleNamespace(parse_losses=lambda losses: (sum(losses.values()), {}))
    hook._stop_listening = lambda: torch.ones(2, 3)
    truth = SimpleNamespace(keypoints_visible=np.ones((1, 3)))
    batch = {'data_samples': [SimpleNamespace(gt_instances=truth)] * 2}
    runner = SimpleNamespace(train_dataloader=SimpleNamespace(batch_size=8))
    hook.after_val_iter(runner, 0, batch)
    assert hook._losses == [(49, 2)]
    assert sum(hook._head.losses_of(torch.ones(2, 3), [], {}).values()) == 13


class ByForward(HeatmapHead):
    """Somebody's head, in MMPose's form: it calls its forward by name."""

    def predict(self, feats, batch_data_samples, test_cfg=None):
        return self.decode(self.forward(feats))


class OwnLoss(ByForward):
    def loss(self, feats, batch_data_samples, train_cfg=None):
        return self.losses_of(self.forward(feats), batch_data_samples, train_cfg)


class OwnLossesOf(ByForward):
    def losses_of(self, outputs, samples, train_cfg=None):
        return super().losses_of(outputs, samples, train_cfg)


class FurtherLosses(HeatmapHead):
    def further_losses(self, outputs, heatmaps, weights):
        return {'loss_of_size': 0 * outputs.mean() + 3, 'mass': heatmaps.sum()}


def test_further_losses_count_and_are_logged(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(MODELS.module_dict, 'FurtherLosses', FurtherLosses)
    cfg = make_config(tmp_path, model__head__type='FurtherLosses', train_cfg__max_epochs=1)
    train(cfg, tmp_path / 'run')
    trained, tested = rows_of(tmp_path / 'run')
    for row in trained:
        assert row['loss_of_size'] == 3
        assert row['loss'] == pytest.approx(row['loss_kpt'] + 3, rel=1e-5)
        assert row['mass'] > 0
    assert tested[0]['val_loss'] > 3
    assert 'have no val_loss' not in capsys.readouterr().out


@pytest.mark.parametrize(
    ('kind', 'why'),
    [
        (ByForward, None),
        (OwnLoss, 'the head has a loss of its own'),
        (OwnLossesOf, 'not made by the head (see OwnLossesOf.makes_targets)'),
    ],
)
def test_a_head_that_calls_its_forward_by_name_has_numbers_too(
    tmp_path, monkeypatch, capsys, kind, why
):
    """But no validation loss where its own ``loss`` may be another one."""
    monkeypatch.setitem(MODELS.module_dict, kind.__name__, kind)
    cfg = make_config(tmp_path, model__head__type=kind.__name__, train_cfg__max_epochs=1)
    cfg.model.test_cfg.flip_test = False
    runner = train(cfg, tmp_path / 'run')
    trained, tested = rows_of(tmp_path / 'run')
    assert all(row['train_NME'] > 0 for row in trained)
    assert [row.get('val_loss', 0) > 0 for row in tested] == [why is None]
    said = capsys.readouterr().out
    assert said.count('validations have no val_loss: ') == (why is not None)
    assert why is None or why in said
    assert 'forward' not in vars(runner.model.head)


def test_a_compiled_forward_is_put_back():
    hook = training_log.TrainErrorHook()
    hook._head = nn.Identity()
    hook._head.forward = compiled = lambda x: 2 * x
    hook._listen({'data_samples': [{'gt_instances': {'transformed_keypoints': 0}}]})
    assert hook._head(3) == 6
    assert hook._stop_listening() == 6
    assert hook._head.forward is compiled


def test_without_a_logger_nothing_is_kept(monkeypatch):
    runner = SimpleNamespace(hooks=[])
    assert not training_log.is_logged(runner, 0)
    runner.hooks.append(LoggerHook(interval=3))
    runner.train_dataloader = range(10)
    assert [training_log.is_logged(runner, i) for i in range(4)] == [False, False, True, False]
