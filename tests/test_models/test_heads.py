"""The heatmap head: layers, targets, accuracy, and mirrored maps."""

import math

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData, PixelData
from torch import nn

from helpers.seeding import seed_weights
from mmpose_lite.codecs import BaseKeypointCodec, MSRAHeatmap
from mmpose_lite.codecs.utils import get_heatmap_maximum
from mmpose_lite.engine.hooks.training_log import _of_faces
from mmpose_lite.errors import InputError
from mmpose_lite.models import BaseHead, HeatmapHead, losses
from mmpose_lite.models.heads.base_head import point_accuracy
from mmpose_lite.models.utils import (
    aggregate_heatmaps,
    flip_coordinates,
    flip_heatmaps,
    flip_vectors,
)
from mmpose_lite.registry import KEYPOINT_CODECS, MODELS
from mmpose_lite.structures import PoseDataSample

CODEC = {'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16), 'sigma': 2}
UDP = {**CODEC, 'type': 'UDPHeatmap', 'heatmap_type': 'combined'}
PLAIN = {'deconv_out_channels': None, 'decoder': CODEC}


def test_numbers_are_mmpose_s():
    """Recorded with MMPose 1.3.2: mean, largest, first and last value."""
    head = HeatmapHead(
        in_channels=8,
        out_channels=5,
        deconv_out_channels=(6, 4),
        deconv_kernel_sizes=(4, 3),
        conv_out_channels=(7,),
        conv_kernel_sizes=(3,),
    )
    assert len(head.state_dict()) == 21
    seed_weights(head)
    feats = torch.from_numpy(np.random.RandomState(3).standard_normal((2, 8, 4, 4))).float()
    with torch.no_grad():
        maps = head.eval()([feats])
    assert maps.shape == (2, 5, 16, 16)
    assert maps.mean().item() == pytest.approx(0.04898808, abs=1e-6)
    assert maps.abs().max().item() == pytest.approx(1.501182, abs=1e-5)
    assert maps[0, 0, 0, 0].item() == pytest.approx(0.04714705, abs=1e-5)
    assert maps[1, -1, -1, -1].item() == pytest.approx(-0.1255553, abs=1e-5)


@pytest.mark.parametrize('kernel', [2, 3, 4])
def test_every_deconv_doubles_the_size(kernel):
    head = HeatmapHead(4, 3, deconv_out_channels=(5, 6), deconv_kernel_sizes=(kernel, kernel))
    assert head([torch.rand(1, 4, 4, 3)]).shape == (1, 3, 16, 12)


def test_last_map_counts_and_layers_are_optional():
    head = HeatmapHead([7, 4], 4, deconv_out_channels=(), final_layer=None)
    maps = [torch.rand(1, 7, 8, 8), torch.rand(1, 4, 4, 4)]
    assert torch.equal(head(maps), maps[1])
    wide = HeatmapHead(4, 3, deconv_out_channels=None, final_layer={'kernel_size': 3, 'padding': 1})
    assert wide.final_layer.kernel_size == (3, 3)


def test_a_subclass_makes_its_own_layers():
    """As subclasses of MMPose's head do, by the names of its methods and their arguments."""

    class OwnLayers(HeatmapHead):
        def _make_conv_layers(self, in_channels, layer_out_channels, layer_kernel_sizes):
            return torch.nn.Conv2d(in_channels, layer_out_channels[-1], layer_kernel_sizes[0])

        def _make_deconv_layers(self, in_channels, layer_out_channels, layer_kernel_sizes):
            own = super()._make_deconv_layers(in_channels, layer_out_channels, layer_kernel_sizes)
            return torch.nn.Sequential(own, torch.nn.Dropout())

    head = OwnLayers(
        4,
        3,
        deconv_out_channels=(6,),
        deconv_kernel_sizes=(4,),
        conv_out_channels=(7, 5),
        conv_kernel_sizes=(1, 1),
    )
    assert (head.conv_layers.in_channels, head.conv_layers.out_channels) == (6, 5)
    assert [type(each) for each in head.deconv_layers] == [torch.nn.Sequential, torch.nn.Dropout]
    assert head([torch.rand(1, 4, 4, 4)]).shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'deconv_out_channels': (4, 4)}, 'deconv_kernel_sizes'),
        ({'deconv_out_channels': (4,), 'deconv_kernel_sizes': (5,)}, 'kernel size 5'),
        ({'deconv_out_channels': None, 'conv_out_channels': (4,)}, 'conv_kernel_sizes'),
    ],
)
def test_wrong_layers_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        HeatmapHead(4, 3, **arguments)


POINTS = np.random.RandomState(4).uniform(5, 58, (2, 1, 3, 2)).astype(np.float32)
VISIBLE = np.array([[[1, 1, 0]], [[1, 1, 1]]], dtype=np.float32)


def with_targets():
    samples = []
    for points, visible in zip(POINTS, VISIBLE, strict=True):
        target = MSRAHeatmap(**{k: v for k, v in CODEC.items() if k != 'type'}).encode(
            points, visible
        )
        sample = PoseDataSample()
        sample.gt_fields = PixelData(heatmaps=torch.from_numpy(target['heatmaps']))
        sample.gt_instance_labels = InstanceData(
            keypoint_weights=torch.from_numpy(target['keypoint_weights'])
        )
        samples.append(sample)
    return samples


def with_points():
    samples = []
    for points, visible in zip(POINTS, VISIBLE, strict=True):
        sample = PoseDataSample()
        sample.gt_instances = InstanceData(transformed_keypoints=points, keypoints_visible=visible)
        samples.append(sample)
    return samples


def test_targets_of_the_samples_are_those_that_the_head_makes():
    head = HeatmapHead(4, 3, **PLAIN)
    seed_weights(head)
    feats = [torch.rand(2, 4, 16, 16)]
    given, made = (head.loss(feats, samples) for samples in (with_targets(), with_points()))
    assert given['loss_kpt'].item() == made['loss_kpt'].item() > 0
    assert given['acc_pose'].item() == made['acc_pose'].item()
    by_hand = head(feats)
    target = torch.stack([sample.gt_fields.heatmaps for sample in with_targets()])
    weights = torch.from_numpy(VISIBLE[:, 0])[..., None, None]
    wanted = ((by_hand - target).square() * weights).mean()
    torch.testing.assert_close(given['loss_kpt'], wanted)


@pytest.mark.parametrize(
    'codec',
    [{**CODEC, 'unbiased': True}, {**CODEC, 'type': 'UDPHeatmap'}, UDP],
    ids=['DARK', 'UDP', 'combined'],
)
def test_points_are_read_in_full_precision(codec):
    """In bfloat16 the smoothing before the last step would move them, and scores were no arrays."""
    loss = {'type': 'CombinedTargetMSELoss' if codec is UDP else 'KeypointMSELoss'}
    head = HeatmapHead(4, 3, deconv_out_channels=None, loss=loss, decoder=codec)
    maps, _ = head.targets(with_points(), torch.device('cpu'))
    expected = head.decode(maps)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        found = head.decode(maps)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
        np.testing.assert_array_equal(one.keypoint_scores, other.keypoint_scores)


class TwoAxes(BaseKeypointCodec):
    """Vectors along the axes, of one bin a pixel; the third result is how visible points are."""

    target_kind = 'vectors'

    def encode_batch(self, keypoints, keypoints_visible):
        bins = keypoints.round().long().clamp(0, 63)
        x, y = (nn.functional.one_hot(bins[..., axis], 64).float() for axis in (0, 1))
        return {'x': x, 'y': y, 'keypoint_weights': keypoints_visible}

    def decode_batch(self, along_x, along_y):
        points = torch.stack([along_x.argmax(-1), along_y.argmax(-1)], dim=-1).float()
        return points, along_x.amax(-1), along_y.amax(-1)


class TwoAxesHead(BaseHead):
    """The least that a head of two outputs defines."""

    target_names = ('x', 'y', 'keypoint_weights')

    def forward(self, feats):
        return feats[-1][:, :3, 0], feats[-1][:, :3, 1]

    def mirrored(self, outputs, metainfo, test_cfg):
        return flip_vectors(*outputs, metainfo['flip_indices'])

    def loss_of(self, outputs, x, y, weights):
        errors = [(a - b).square().mean(-1) for a, b in zip(outputs, (x, y), strict=True)]
        return (sum(errors) * weights).mean()

    def accuracy_of(self, outputs, x, y, weights):
        points, wanted = (self.decoder.decode_batch(*each)[0] for each in (outputs, (x, y)))
        return point_accuracy(points, wanted, weights > 0, 64)


@pytest.fixture
def two_axes():
    head = TwoAxesHead()
    head.decoder = TwoAxes()
    return head


def test_a_head_of_two_outputs_needs_no_more(two_axes):
    feats = [torch.zeros(2, 4, 2, 64)]
    samples = with_points()
    x, y, weights = two_axes.targets(samples, torch.device('cpu'))
    assert [each.shape for each in (x, y, weights)] == [(2, 3, 64), (2, 3, 64), (2, 3)]
    losses = two_axes.loss(feats, samples)
    assert losses['loss_kpt'].item() == pytest.approx(2 / 64 * 5 / 6)
    feats[0][:, :3, 0], feats[0][:, :3, 1] = x, y
    losses = two_axes.loss(feats, samples)
    assert (losses['loss_kpt'].item(), losses['acc_pose'].item()) == (0, 1)
    feats[0][:, :3] *= 0.5
    for sample, prediction in zip(samples, two_axes.predict(feats, samples), strict=True):
        points = sample.gt_instances.transformed_keypoints
        np.testing.assert_array_equal(prediction.keypoints, points.round())
        assert prediction.keypoint_scores.tolist() == [[0.5] * 3]
        assert prediction.keypoints_visible.tolist() == [[0.5] * 3]
    assert two_axes.fields_of((x, y), []) is None
    assert not isinstance(two_axes.predict(feats, samples, {'output_heatmaps': True}), tuple)


def test_the_flip_test_of_two_outputs_is_their_mean(two_axes):
    feats, samples = [torch.zeros(2, 4, 2, 64)], with_points()
    feats[0][:, :3, :, 20] = 1
    mirrors = [torch.zeros(2, 4, 2, 64)]
    mirrors[0][:, 0, 0, 63 - 30] = mirrors[0][:, 0, 1, 40] = 3  # which is the second point
    for sample in samples:
        sample.set_metainfo({'flip_indices': [1, 0, 2]})
    found = two_axes.predict([feats, mirrors], samples, {'flip_test': True})
    assert found[1].keypoints.tolist() == [[[20, 20], [30, 40], [20, 20]]]
    assert found[1].keypoint_scores.tolist() == [[0.5, 1.5, 0.5]]


class OfMMPose(BaseHead):
    """A head in MMPose's form: the base gets ``init_cfg``, and the head builds its parts."""

    def __init__(self, channels, loss, decoder=None, init_cfg=None):
        super().__init__(self.default_init_cfg if init_cfg is None else init_cfg)
        self.layer = torch.nn.Conv2d(channels, 3, 1)
        self.loss_module = MODELS.build(loss)
        self.decoder = KEYPOINT_CODECS.build(decoder)

    @property
    def default_init_cfg(self):
        return [{'type': 'Constant', 'layer': 'Conv2d', 'val': 5}]

    def forward(self, feats):
        return self.layer(feats[-1])

    def predict(self, feats, batch_data_samples, test_cfg=None):
        return self.decode(self.forward(feats))

    def loss(self, feats, batch_data_samples, train_cfg=None):
        return {'loss_kpt': self.loss_module(self.forward(feats), torch.zeros(2, 3, 16, 16))}


class OwnInit(HeatmapHead):
    """A subclass with weights that start in its own way."""

    @property
    def default_init_cfg(self):
        return [{'type': 'Constant', 'layer': 'Conv2d', 'val': 5}]


def test_heads_in_mmpose_s_form_start_as_they_say():
    codec = {'type': 'MSRAHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16), 'sigma': 1}
    own = OfMMPose(4, {'type': 'KeypointMSELoss'}, codec)
    other = OwnInit(4, 3, deconv_out_channels=None)
    for head, layer in ((own, own.layer), (other, other.final_layer)):
        head.init_weights()
        assert (layer.weight == 5).all()
    feats = [torch.ones(2, 4, 16, 16)]
    assert own.loss(feats, [])['loss_kpt'].item() == 20 * 20
    assert len(own.predict(feats, [])) == 2


def test_a_head_of_one_s_own_says_what_it_lacks():
    class Bare(BaseHead):
        def forward(self, feats):
            return feats[-1]

    class Learning(Bare):
        def losses_of(self, outputs, samples, train_cfg=None):
            return {'loss_kpt': outputs.sum()}

    class Older(TwoAxesHead):
        def loss(self, feats, batch_data_samples, train_cfg=None):
            return {'loss_kpt': feats[-1].sum()}

    feats = torch.rand(2, 3, 4)
    with pytest.raises(NotImplementedError, match='Bare defines no loss_of'):
        Bare().loss_of(feats)
    with pytest.raises(NotImplementedError, match='Bare defines no mirrored'):
        Bare().predict([[feats], [feats]], with_points(), {'flip_test': True})
    # A loss of its own may read feature maps, or the targets of samples.
    kinds = (Bare, Learning, Older, TwoAxesHead)
    assert [kind.has_losses_of() for kind in kinds] == [False, True, False, True]
    assert [kind.makes_targets() for kind in kinds] == [False, False, False, True]


def test_some_faces_of_several_outputs():
    outputs = [torch.arange(3.0), (torch.arange(6.0).view(3, 2),)]
    first, (second,) = _of_faces(outputs, [0, 2])
    assert first.tolist() == [0, 2]
    assert second.tolist() == [[0, 1], [4, 5]]
    assert _of_faces(torch.arange(3), [1]).tolist() == [1]


def test_accuracy_can_be_left_out():
    head = HeatmapHead(4, 3, **PLAIN)
    feats = [torch.rand(2, 4, 16, 16)]
    assert set(head.loss(feats, with_points(), {'compute_acc': False})) == {'loss_kpt'}
    assert set(head.loss(feats, with_points())) == {'loss_kpt', 'acc_pose'}


def test_what_is_missing_is_named():
    feats = [torch.rand(2, 4, 16, 16)]
    with pytest.raises(RuntimeError, match='pack_transformed=True'):
        HeatmapHead(4, 3, deconv_out_channels=None).loss(feats, with_points())
    bare = PoseDataSample()
    bare.gt_instances = InstanceData(keypoints=POINTS[0])
    with pytest.raises(RuntimeError, match='GenerateTarget'):
        HeatmapHead(4, 3, **PLAIN).loss(feats, [bare, bare])
    with pytest.raises(RuntimeError, match='no decoder'):
        HeatmapHead(4, 3, deconv_out_channels=None).predict(feats, [bare, bare])


ROUNDED = {'type': 'RandomRoundingHeatmap', 'input_size': (64, 64), 'heatmap_size': (16, 16)}
CODECS = {
    'MSRA': ('heatmaps', CODEC),
    'DARK': ('heatmaps', {**CODEC, 'unbiased': True}),
    'guarded': ('heatmaps', {**CODEC, 'guarded': True}),
    'UDP': ('heatmaps', {**CODEC, 'type': 'UDPHeatmap'}),
    'combined': ('combined heatmaps', UDP),
    'rounded': ('binary heatmaps', ROUNDED),
    'SimCC': ('simcc labels', {'type': 'SimCCLabel', 'input_size': (64, 64)}),
    'regression': ('coordinates', {'type': 'RegressionLabel', 'input_size': (64, 64)}),
}
HEADS = {
    'coordinates': ('RegressionHead', {'in_channels': 1024, 'num_joints': 3}),
    'heatmaps': ('HeatmapHead', {'in_channels': 4, 'out_channels': 3}),
    'binary heatmaps': ('HeatmapHead', {'in_channels': 4, 'out_channels': 3}),
    'combined heatmaps': ('HeatmapHead', {'in_channels': 4, 'out_channels': 9}),
    'simcc labels': (
        'RTMCCHead',
        {'in_channels': 4, 'out_channels': 3}
        | {'input_size': (64, 64), 'in_featuremap_size': (16, 16)},
    ),
}
LOSSES = losses.__all__


@pytest.mark.parametrize('weighted', [False, True])
@pytest.mark.parametrize('loss', LOSSES)
@pytest.mark.parametrize('outputs', HEADS)
@pytest.mark.parametrize('codec', CODECS)
def test_codec_head_and_loss_train_together_or_are_refused(codec, outputs, loss, weighted):
    kind, decoder = CODECS[codec]
    name, arguments = HEADS[outputs]
    loss_cfg = {'type': loss, 'use_target_weight': weighted}
    if loss in ('CombinedLoss', 'MultipleLossWrapper'):
        loss_cfg = {'type': loss, 'losses': {} if loss == 'CombinedLoss' else []}
    cfg = {'type': name, **arguments, 'loss': loss_cfg, 'decoder': decoder}
    if name == 'HeatmapHead':
        cfg['deconv_out_channels'] = None
    fits = kind in getattr(losses, loss).target_kinds
    if not fits or kind not in MODELS.get(name).target_kinds:
        message = rf'mean different targets: .*{loss}.*; losses of {kind}: (\w+Loss(, )?)+$'
        with pytest.raises(InputError, match=message):
            MODELS.build(cfg)
    elif kind == outputs:  # numbers of points are compared before a run
        head = MODELS.build(cfg)
        found = head.loss([torch.rand(2, 4, 16, 16)], with_points())
        found['loss_kpt'].backward()
        assert 0 < found['loss_kpt'].item() < math.inf
        assert 0 <= found['acc_pose'].item() <= 1
        assert all(each.grad.isfinite().all() for each in head.parameters())


def test_accuracy_of_combined_maps_is_of_the_points_that_they_mean():
    head = HeatmapHead(4, 9, loss={'type': 'CombinedTargetMSELoss'}, **{**PLAIN, 'decoder': UDP})
    outputs, _ = head.targets(with_points(), torch.device('cpu'))
    assert head.losses_of(outputs, with_points())['acc_pose'].item() == 1
    outputs[1, 3:6] = outputs[1, 6:9]  # one of the second point's two faces has the third point
    assert head.losses_of(outputs, with_points())['acc_pose'].item() == pytest.approx(2.5 / 3)


def test_weights_start_small():
    head = HeatmapHead(64, 32, deconv_out_channels=(64,), deconv_kernel_sizes=(4,))
    head.init_weights()
    for module in head.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            assert module.weight.std().item() == pytest.approx(0.001, rel=0.1)


def peaks(cells, size=20):
    """Maps ``(B, K, size, size)`` with a 1 at each (x, y); none for None."""
    maps = torch.zeros(len(cells), len(cells[0]), size, size)
    for b, row in enumerate(cells):
        for k, cell in enumerate(row):
            if cell is not None:
                maps[b, k, cell[1], cell[0]] = 1
    return maps


def test_accuracy_of_peaks():
    """A peak hits if it is nearer than thr of the maps' size: 0.99 cells of 20 at 0.05."""
    head = HeatmapHead(4, 3, **PLAIN)
    target = peaks([[(5, 5), (9, 9), (3, 3)], [(8, 8), (9, 9), (3, 3)]])
    output = peaks([[(5, 5), (9, 9), (9, 3)], [(9, 8), (9, 9), (3, 3)]])
    every = torch.ones(2, 3)
    # Points 0, 1, 2 hit on one, two and one of two faces.
    assert head.accuracy_of(output, target, every).item() == pytest.approx((0.5 + 1 + 0.5) / 3)
    cells = [get_heatmap_maximum(maps)[0] for maps in (output, target)]
    assert point_accuracy(*cells, every > 0, 20, thr=0.06).item() == pytest.approx(2.5 / 3)
    mask = torch.tensor([[1.0, 1, 0], [0.5, 1, 0]])
    assert head.accuracy_of(output, target, mask).item() == pytest.approx(1.5 / 2)
    assert head.accuracy_of(output, target, 0 * every).isnan()


def test_flipped_heatmaps():
    maps = torch.arange(2 * 3 * 4.0).view(1, 3, 2, 4)
    flipped = flip_heatmaps(maps, [1, 0, 2], shift_heatmap=False)
    assert flipped[0, 0, 0].tolist() == [11, 10, 9, 8]  # the first row of channel 1, mirrored
    assert flipped[0, 2, 1].tolist() == [23, 22, 21, 20]
    shifted = flip_heatmaps(maps, [1, 0, 2], shift_heatmap=True)
    assert shifted[0, 0, 0].tolist() == [11, 11, 10, 9]
    assert torch.equal(flip_heatmaps(maps, [1, 0, 2]), shifted)  # the default
    again = flip_heatmaps(flipped, [1, 0, 2], shift_heatmap=False)
    assert torch.equal(again, maps)
    assert torch.equal(flip_heatmaps(maps, None, shift_heatmap=False), maps.flip(-1))
    assert maps[0, 0, 0].tolist() == [0, 1, 2, 3]  # the argument is left alone


def test_a_shift_by_a_part_of_a_cell_puts_points_where_they_were():
    codec = MSRAHeatmap((64, 64), (16, 16), sigma=1.5, unbiased=True)
    points = np.array([[[21.3, 30.8], [40.1, 25.5]]])
    mirrored = points[:, ::-1].copy()
    mirrored[..., 0] = 63 - mirrored[..., 0]
    maps = torch.from_numpy(codec.encode(mirrored, np.ones((1, 2)))['heatmaps'])[None]
    for shift, error in ((0.75, 0.0), (True, 1.0), (False, -3.0)):
        back = flip_heatmaps(maps, [1, 0], shift_heatmap=shift)
        found = codec.decode_batch(back)[0].numpy()
        np.testing.assert_allclose(found[..., 0], points[..., 0] + error, atol=0.1)
        np.testing.assert_allclose(found[..., 1], points[..., 1], atol=0.1)
    with pytest.raises(ValueError, match='shift_heatmap=2 is not from 0 to 1'):
        flip_heatmaps(maps, [1, 0], shift_heatmap=2)


def test_flipped_offsets_change_their_sign_along_x():
    maps = torch.tensor([1.0, 2, 3, 4, 5, 6]).view(1, 6, 1, 1)
    combined = flip_heatmaps(maps, [1, 0], 'udp_combined', shift_heatmap=False)
    assert combined.flatten().tolist() == [4, -5, 6, 1, -2, 3]
    offsets = flip_heatmaps(maps, [1, 0, 2], 'offset', shift_heatmap=False)
    assert offsets.flatten().tolist() == [-3, 4, -1, 2, -5, 6]
    with pytest.raises(ValueError, match='2 flip_indices do not fit 6'):
        flip_heatmaps(maps, [1, 0])
    with pytest.raises(ValueError, match='upside'):
        flip_heatmaps(maps, [1, 0], 'upside')


def test_other_mirrors():
    x, y = torch.tensor([[[1.0, 2], [3, 4]]]), torch.tensor([[[5.0, 6], [7, 8]]])
    flipped = flip_vectors(x, y, [1, 0])
    assert flipped[0].tolist() == [[[4, 3], [2, 1]]]
    assert flipped[1].tolist() == [[[7, 8], [5, 6]]]
    shares = torch.tensor([[[0.25, 0.5], [0.5, 1.0]]])
    assert flip_coordinates(shares, [1, 0], False, (8, 8)).tolist() == [[[0.5, 1.0], [0.75, 0.5]]]
    shifted = flip_coordinates(shares, [1, 0], True, (8, 8))
    assert shifted.tolist() == [[[0.375, 1.0], [0.625, 0.5]]]


def test_aggregation():
    one, two = torch.full((1, 2, 4, 4), 1.0), torch.full((1, 2, 2, 2), 4.0)
    assert aggregate_heatmaps([one, two], None).unique().tolist() == [2.5]
    assert aggregate_heatmaps([one, two], (6, 8)).shape == (1, 2, 8, 6)
    assert aggregate_heatmaps([one, two], None, mode='concat').shape == (1, 4, 4, 4)
    with pytest.raises(ValueError, match='median'):
        aggregate_heatmaps([one, two], None, mode='median')
