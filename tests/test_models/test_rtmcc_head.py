"""RTMPose's head: its parts by hand, its precision, and what it refuses."""

import math

import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from torch import nn

from mmpose_lite.errors import InputError
from mmpose_lite.models import KLDiscretLoss, RTMCCHead
from mmpose_lite.models.utils import RTMCCBlock, rope
from mmpose_lite.models.utils.rtmcc_block import Scale
from mmpose_lite.models.utils.transformer import ScaleNorm
from mmpose_lite.structures import PoseDataSample

CODEC = {'type': 'SimCCLabel', 'input_size': (96, 64), 'sigma': (3.0, 2.5), 'normalize': False}
HEAD = {'in_channels': 8, 'out_channels': 5, 'input_size': (96, 64), 'in_featuremap_size': (6, 4)}
SMALL = {'hidden_dims': 16, 's': 8, 'act_fn': 'SiLU'}


def make_head(**arguments):
    """A head with weights as large as those of a trained one, in evaluation."""
    torch.manual_seed(0)
    head = RTMCCHead(**{**HEAD, 'gau_cfg': SMALL, 'decoder': CODEC, **arguments})
    with torch.no_grad():
        for weight in head.parameters():
            if weight.dim() > 1:
                weight.normal_(std=weight[0].numel() ** -0.5)
    return head.eval()


def make_samples(count=2):
    random = np.random.RandomState(0)
    samples = []
    for _ in range(count):
        sample = PoseDataSample(metainfo={'flip_indices': [1, 0, 2, 4, 3]})
        points = random.uniform(4, 60, (1, 5, 2)).astype(np.float32)
        visible = np.array([[1, 1, 0, 1, 1]], dtype=np.float32)
        sample.gt_instances = InstanceData(transformed_keypoints=points, keypoints_visible=visible)
        samples.append(sample)
    return samples


def feats(count=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(count, 8, 4, 6, generator=generator)]


# ------------------------------------------------------------------------------------- the parts


def test_scale_norm_divides_by_the_root_mean_square():
    norm = ScaleNorm(2)
    assert {name: tuple(value.shape) for name, value in norm.state_dict().items()} == {'g': (1,)}
    nn.init.constant_(norm.g, 2)
    # The mean square of (3, 4) is 12.5; vectors shorter than eps are divided by eps.
    found = norm(torch.tensor([[3.0, 4], [0, 0], [1e-7, 0]]))
    root = math.sqrt(12.5)
    wanted = [[6 / root, 8 / root], [0, 0], [2e-7 / 1e-5, 0]]
    torch.testing.assert_close(found, torch.tensor(wanted))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_scale_norm_does_not_overflow(dtype):
    """Squares of 1000 do not fit into float16, and neither would the sum of 256 of 16."""
    vectors = torch.full((1, 256), 1000.0)
    vectors[:, ::2] *= -1
    norm = ScaleNorm(256)
    wanted = torch.ones(1, 256)
    wanted[:, ::2] = -1
    torch.testing.assert_close(norm(vectors), wanted)
    half = norm(vectors.to(dtype))
    assert half.dtype == dtype
    assert torch.equal(half.float(), wanted)
    with torch.autocast('cpu', dtype=dtype):
        assert torch.equal(norm(vectors.to(dtype)).float(), wanted)


def test_scale_norm_in_float32_is_the_plain_formula():
    vectors = torch.randn(4, 7, 24)
    norm = torch.linalg.norm(vectors, dim=-1, keepdim=True) * 24**-0.5
    assert torch.equal(ScaleNorm(24)(vectors), vectors / norm.clamp(min=1e-5))


def test_factors_of_channels():
    assert Scale(3, 0.5)(torch.tensor([2.0, 4, 6])).tolist() == [1, 2, 3]
    assert not Scale(3, trainable=False).scale.requires_grad


def test_rope_turns_pairs_by_position_and_frequency():
    """Frequencies 1 and 100 (10000 to the power of 0 and 1/2); pairs are channels apart by two."""
    x = torch.tensor([1.0, 1, 0, 0]).expand(2, 3, 4)
    turned = rope(x, 1)
    for k in range(3):
        wanted = [math.cos(k), math.cos(100 * k), math.sin(k), math.sin(100 * k)]
        assert turned[1, k].tolist() == pytest.approx(wanted, abs=1e-5)
    # Of two axes positions are counted through.
    wide = rope(x.view(2, 3, 1, 4).expand(2, 3, 2, 4), [1, 2])
    assert wide[0, 1, 1].tolist() == pytest.approx(rope(x[:1, :1].expand(1, 4, 4), 1)[0, 3])
    alone = rope(x[0], 0)
    assert torch.equal(alone, turned[:1])


def test_relative_positions():
    block = RTMCCBlock(4, 8, 8, s=4)
    bias = block.rel_pos_bias(4)
    assert bias.shape == (1, 4, 4)
    for i in range(4):
        for j in range(4):
            assert bias[0, i, j] == block.w[3 + j - i]


@pytest.mark.parametrize('act_fn', ['ReLU', 'SiLU'])
def test_block_is_the_published_formula(act_fn):
    """One face, written out in numpy: gates times attention times values, and a shortcut."""
    torch.manual_seed(0)
    block = RTMCCBlock(3, 4, 4, expansion_factor=1.5, s=2, act_fn=act_fn, use_rel_bias=False).eval()
    nn.init.uniform_(block.res_scale.scale)
    x = torch.randn(1, 3, 4)
    found = block(x)[0].detach().numpy()
    own = {name: value.double().numpy() for name, value in block.state_dict().items()}
    tokens = x[0].double().numpy()
    normed = tokens / np.sqrt((tokens**2).mean(axis=1, keepdims=True)) * own['ln.g']
    both = normed @ own['uv.weight'].T
    both = np.maximum(both, 0) if act_fn == 'ReLU' else both / (1 + np.exp(-both))
    u, v, base = both[:, :6], both[:, 6:12], both[:, 12:]
    q, k = (base * own['gamma'][i] + own['beta'][i] for i in (0, 1))
    attention = np.maximum(q @ k.T / np.sqrt(2), 0) ** 2
    wanted = tokens * own['res_scale.scale'] + (u * (attention @ v)) @ own['o.weight'].T
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)


def test_cross_attention_takes_other_numbers_of_keys():
    block = RTMCCBlock(5, 8, 6, s=4, attn_type='cross-attn', act_fn=nn.ReLU, pos_enc=True)
    assert {'a', 'b', 'k_fc.weight', 'v_fc.weight'} <= set(block.state_dict())
    assert not block.shortcut
    out = block((torch.rand(2, 5, 8), torch.rand(2, 7, 8), torch.rand(2, 7, 8)))
    assert out.shape == (2, 5, 6)


def test_paths_are_dropped_in_training_alone():
    torch.manual_seed(0)
    block = RTMCCBlock(3, 8, 8, s=4, drop_path=0.5, dropout_rate=0.3)
    x = torch.randn(64, 3, 8)
    passed = (block.train()(x) == block.res_scale(x)).flatten(1).all(dim=1)
    assert 0.3 < passed.float().mean() < 0.7
    assert torch.equal(block.eval()(x), block(x))


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [({'act_fn': 'Tanh'}, 'one of SiLU, ReLU'), ({'attn_type': 'none'}, 'self-attn, cross-attn')],
)
def test_unknown_kinds_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        RTMCCBlock(3, 8, 8, **arguments)


# -------------------------------------------------------------------------------------- the loss


def vectors(*rows):
    """A pair of vectors ``(1, K, 2)``, both alike, that are the logarithms of shares."""
    return (torch.tensor(rows).log()[None],) * 2


def test_loss_by_hand():
    """Shares of (1/4, 3/4) for a label of (1, 0) lose ln 4 over two bins; K divides, B does not."""
    predicted = vectors([0.25, 0.75], [0.25, 0.75])
    labels = (torch.tensor([[[1.0, 0], [0, 1]]]),) * 2
    one, other = math.log(4), math.log(4 / 3)
    weights = torch.tensor([[1.0, 0.5]])
    assert KLDiscretLoss()(predicted, labels, weights).item() == pytest.approx(
        (one + other / 2) / 2
    )
    plain = KLDiscretLoss(use_target_weight=False)
    assert plain(predicted, labels).item() == pytest.approx((one + other) / 2)
    twice = [[torch.cat([each, each]) for each in pair] for pair in (predicted, labels)]
    assert plain(*twice).item() == pytest.approx(one + other)
    masked = KLDiscretLoss(use_target_weight=False, mask=[1], mask_weight=3.0)
    assert masked(predicted, labels).item() == pytest.approx((one + 3 * other) / 2)
    masked.mask = [1, 1, -1]
    assert masked(predicted, labels).item() == pytest.approx((one + 3 * other) / 2)


def test_factors_before_the_softmax():
    """Halves of logarithms are roots: 1/4 and 3/4 become 1 / (1 + sqrt(3)) and the rest."""
    predicted, labels = vectors([0.25, 0.75]), vectors([0.5, 0.5])
    share = 1 / (1 + math.sqrt(3))
    wanted = 0.5 * math.log(0.5 / share) + 0.5 * math.log(0.5 / (1 - share))
    loss = KLDiscretLoss(beta=0.5, label_softmax=True, use_target_weight=False)
    assert loss(predicted, labels).item() == pytest.approx(wanted, rel=1e-5)
    labels = vectors([0.25, 0.75])
    loss = KLDiscretLoss(beta=0.5, label_softmax=True, label_beta=0.5, use_target_weight=False)
    assert loss(predicted, labels).item() == pytest.approx(0, abs=1e-7)


def test_wrong_weights_are_named():
    predicted = vectors([0.25, 0.75], [0.25, 0.75])
    with pytest.raises(ValueError, match='KLDiscretLoss: use_target_weight=True needs weights'):
        KLDiscretLoss()(predicted, predicted)
    with pytest.raises(ValueError, match=r'KLDiscretLoss: weights of shape \(1, 3\)'):
        KLDiscretLoss()(predicted, predicted, torch.ones(1, 3))


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_loss_is_in_full_precision(dtype):
    """Of a factor of 10 half precision would leave steps that are larger than the loss."""
    generator = torch.Generator().manual_seed(0)
    labels = [torch.rand(2, 3, 512, generator=generator).to(dtype) for _ in 'xy']
    predicted = [(each + 0.01).clone() for each in labels]
    loss = KLDiscretLoss(beta=10.0, label_softmax=True, use_target_weight=False)
    wanted = loss([each.float() for each in predicted], [each.float() for each in labels])
    with torch.autocast('cpu', dtype=dtype):
        found = loss(predicted, labels)
    assert found.dtype == torch.float32
    assert torch.equal(found, wanted)


# -------------------------------------------------------------------------------------- the head


def test_names_and_shapes_are_mmpose_s():
    state = RTMCCHead(**HEAD).state_dict()
    assert {name: tuple(value.shape) for name, value in state.items()} == {
        'final_layer.weight': (5, 8, 1, 1),
        'final_layer.bias': (5,),
        'mlp.0.g': (1,),
        'mlp.1.weight': (256, 24),
        'gau.gamma': (2, 128),
        'gau.beta': (2, 128),
        'gau.o.weight': (256, 512),
        'gau.uv.weight': (1152, 256),
        'gau.ln.g': (1,),
        'gau.res_scale.scale': (256,),
        'cls_x.weight': (192, 256),
        'cls_y.weight': (128, 256),
    }
    both = RTMCCHead(**HEAD, final_layer_kernel_size=7, gau_cfg={'use_rel_bias': True})
    assert both.final_layer.weight.shape == (5, 8, 7, 7)
    assert both.gau.w.shape == (9,)
    assert both.final_layer(torch.rand(1, 8, 4, 6)).shape == (1, 5, 4, 6)


def test_weights_start_as_in_mmpose():
    head = RTMCCHead(**HEAD)
    head.init_weights()
    assert head.final_layer.weight.std().item() == pytest.approx(0.001, rel=0.3)
    for layer in (head.mlp[1], head.gau.uv, head.gau.o, head.cls_x, head.cls_y):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert head.mlp[0].g.item() == 1
    assert head.gau.res_scale.scale.unique().tolist() == [1]


def test_outputs_and_targets_are_vectors_along_the_axes():
    head = make_head()
    x, y = head(feats())
    assert (x.shape, y.shape) == ((2, 5, 192), (2, 5, 128))
    losses = head.loss(feats(), make_samples())
    assert set(losses) == {'loss_kpt', 'acc_pose'}
    assert set(head.loss(feats(), make_samples(), {'compute_acc': False})) == {'loss_kpt'}
    losses['loss_kpt'].backward()
    assert all(weight.grad.isfinite().all() for weight in head.parameters())


def test_given_labels_are_those_that_the_head_makes():
    head, samples = make_head(), make_samples()
    made = head.losses_of(head(feats()), samples)
    for sample in samples:
        truth = sample.gt_instances
        encoded = head.decoder.encode(truth.transformed_keypoints, truth.keypoints_visible)
        sample.gt_instance_labels = InstanceData(
            **{name: torch.from_numpy(value) for name, value in encoded.items()}
        )
    given = head.losses_of(head(feats()), samples)
    assert made['loss_kpt'].item() == given['loss_kpt'].item() > 0
    weights = torch.cat([each.gt_instance_labels.keypoint_weights for each in samples])
    assert weights.tolist() == [[1, 1, 0, 1, 1]] * 2
    # Weights of a data set multiply into the loss.
    for sample in samples:
        sample.gt_instance_labels.keypoint_weights *= 2
    twice = head.losses_of(head(feats()), samples)
    assert twice['loss_kpt'].item() == pytest.approx(2 * given['loss_kpt'].item())


def test_labels_are_read_back():
    """The decoder reads from the head's own targets where the points are."""
    head, samples = make_head(), make_samples()
    labels = tuple(head.targets(samples, torch.device('cpu'))[:2])
    losses = head.losses_of(tuple(10 * each for each in labels), samples)
    assert losses['acc_pose'].item() == 1
    for prediction, sample in zip(head.decode(labels), samples, strict=True):
        seen = sample.gt_instances.keypoints_visible > 0
        apart = prediction.keypoints - sample.gt_instances.transformed_keypoints
        assert np.abs(apart[seen]).max() <= 0.25


def test_accuracy_of_peaks():
    """A peak hits within a 20th of the input's size, of 20 and 40 bins, axes swapped."""
    target = (torch.zeros(1, 2, 20), torch.zeros(1, 2, 40))
    output = (torch.zeros(1, 2, 20), torch.zeros(1, 2, 40))
    for pair, centers in ((target, [(10, 10), (10, 10)]), (output, [(11, 10), (10, 11)])):
        for k, (x, y) in enumerate(centers):
            pair[0][0, k, x] = pair[1][0, k, y] = 1
    # One bin along x is a 40th of what MMPose divides it by, along y a 20th: 0.05 is no hit.
    head, weights = make_head(), torch.tensor([[1.0, 0.1]])
    assert head.accuracy_of(output, *target, weights).item() == 0.5
    assert head.accuracy_of(output, *target, torch.tensor([[1.0, 0]])).item() == 1
    assert head.accuracy_of(output, *target, 0 * weights).isnan()


def test_flip_test_is_the_mean_of_both():
    head, samples = make_head(), make_samples()
    with torch.no_grad():
        (x, y), (mirrored_x, mirrored_y) = head(feats()), head(feats(seed=1))
        found = head.predict([feats(), feats(seed=1)], samples, {'flip_test': True})
    order = [1, 0, 2, 4, 3]
    both = ((x + mirrored_x[:, order].flip(-1)) / 2, (y + mirrored_y[:, order]) / 2)
    wanted = head.decode(both)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.keypoints, other.keypoints)
        np.testing.assert_array_equal(one.keypoint_scores, other.keypoint_scores)


def test_vectors_and_maps_on_demand():
    head, samples = make_head(), make_samples()
    with torch.no_grad():
        predictions, fields = head.predict(feats(), samples, {'output_heatmaps': True})
        plain = head.predict(feats(), samples)
    for prediction, maps, other in zip(predictions, fields, plain, strict=True):
        np.testing.assert_array_equal(prediction.keypoints, other.keypoints)
        x, y = prediction.keypoint_x_labels, prediction.keypoint_y_labels
        assert (x.shape, y.shape, maps.heatmaps.shape) == ((1, 5, 192), (1, 5, 128), (5, 128, 192))
        assert 0 <= x.min() < x.max() <= 1
        wanted = y[0, :, :, None] * x[0, :, None, :]
        np.testing.assert_allclose(maps.heatmaps.numpy(), wanted, rtol=1e-6)


def test_visibility_is_predicted_on_demand():
    head = make_head(decoder={**CODEC, 'decode_visibility': True, 'decode_beta': 1.0})
    with torch.no_grad():
        outputs = head(feats())
        predictions = head.predict(feats(), make_samples())
    _, scores, visibility = head.decoder.decode_batch(*outputs)
    for i, prediction in enumerate(predictions):
        np.testing.assert_array_equal(prediction.keypoint_scores[0], scores[i].numpy())
        np.testing.assert_array_equal(prediction.keypoints_visible[0], visibility[i].numpy())


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16])
def test_vectors_are_in_full_precision(dtype):
    head = make_head()
    with torch.no_grad():
        plain = head(feats())
        with torch.autocast('cpu', dtype=dtype):
            half = head(feats())
            losses = head.loss(feats(), make_samples())
    for one, other in zip(plain, half, strict=True):
        assert other.dtype == torch.float32
        torch.testing.assert_close(one, other, rtol=0, atol=0.05 * one.abs().max().item())
        assert len(other.unique()) > 0.9 * other.numel()  # bfloat16 has 128 values in an octave
    assert losses['loss_kpt'].isfinite()


def test_large_tokens_do_not_overflow_in_float16():
    """Attention is a sum over squares without a softmax: 200 * 200 is 40000 already."""
    head = make_head()
    nn.init.constant_(head.gau.gamma, 60.0)
    with torch.no_grad(), torch.autocast('cpu', dtype=torch.float16):
        outputs = head([1000 * feats()[0]])
    assert all(each.isfinite().all() for each in outputs)
    assert max(each.abs().max() for each in outputs) > 65504  # of float16 the largest


def test_it_is_exported_with_its_decoder():
    head = make_head(gau_cfg={**SMALL, 'use_rel_bias': True, 'pos_enc': True})
    (maps,) = feats()

    class Whole(nn.Module):
        def forward(self, maps):
            return head.decoder.decode_batch(*head([maps]))

    with torch.no_grad():
        wanted = Whole()(maps)
        found = torch.export.export(Whole(), (maps,)).module()(maps)
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'in_channels': (16, 32)}, r'in_channels=\[16, 32\]: .* multiple input features'),
        ({'input_size': (64, 96)}, r'input_size=\(64, 96\) and .*input_size=\(96, 64\) differ'),
        ({'simcc_split_ratio': 3.0}, r'simcc_split_ratio=3.0 and .*simcc_split_ratio=2.0 differ'),
        ({'loss': {'type': 'KeypointMSELoss'}}, 'losses of simcc labels: KLDiscretLoss'),
    ],
)
def test_parts_that_disagree_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        RTMCCHead(**{**HEAD, 'decoder': CODEC, **arguments})


def test_maps_of_another_size_are_named():
    head = make_head(in_featuremap_size=(4, 6))
    with pytest.raises(InputError, match=r'in_featuremap_size=\(4, 6\), .* maps of \(6, 4\)'):
        head(feats())
