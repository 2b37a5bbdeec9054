"""Cropping on the device: against OpenCV, by hand, and through the preprocessor."""

import copy

import cv2
import numpy as np
import pytest
import torch

from mmpose_lite.errors import InputError
from mmpose_lite.models import PoseDataPreprocessor
from mmpose_lite.models.data_preprocessors import warp_crops
from mmpose_lite.models.data_preprocessors.device_crops import invert_affine
from mmpose_lite.structures import PoseDataSample
from mmpose_lite.structures.bbox import flip_matrix

# OpenCV 4 rounds positions to 1/32 pixel: off by 1/64 each way, 255 / 64 levels each way on noise.
LEVELS = 1 if int(cv2.__version__.split('.')[0]) >= 5 else 9
NORMALISED = {'mean': [123.675, 116.28, 103.53], 'std': [58.395, 57.12, 57.375]}


def random_window(rng, low=1, high=90):
    height, width = rng.integers(low, high, 2)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def random_matrix(rng, window, size_wh):
    """Flip, rotation, scale 0.3 to 3 and shift about the centres of a window and an output."""
    height, width = window.shape[:2]
    center = (width / 2 - 0.5, height / 2 - 0.5)
    turned = cv2.getRotationMatrix2D(center, rng.uniform(-180, 180), rng.uniform(0.3, 3))
    turned[:, 2] += np.array(size_wh) / 2 - center + rng.uniform(-9, 9, 2)
    return turned @ flip_matrix((width, height)) if rng.random() < 0.5 else turned


def joined(windows):
    """Arguments from which :func:`warp_crops` reads windows: pixels, offsets, shapes."""
    pixels = torch.from_numpy(np.concatenate([window.reshape(-1) for window in windows]))
    shapes_hw = torch.tensor([window.shape[:2] for window in windows])
    sizes = 3 * shapes_hw.prod(dim=1)
    return pixels, sizes.cumsum(0) - sizes, shapes_hw


def by_opencv(windows, matrices, size_wh):
    crops = [
        cv2.warpAffine(window, matrix, size_wh, flags=cv2.INTER_LINEAR)
        for window, matrix in zip(windows, matrices, strict=True)
    ]
    return torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)


def drawn(seed, count=12, size_wh=(64, 48), low=1):
    rng = np.random.default_rng(seed)
    windows = [random_window(rng, low) for _ in range(count)]
    return windows, np.stack([random_matrix(rng, window, size_wh) for window in windows])


@pytest.mark.parametrize('size_wh', [(64, 48), (33, 57), (1, 1), (128, 128)])
@pytest.mark.parametrize('seed', [0, 1, 2])
def test_crops_are_opencv_s(seed, size_wh):
    windows, matrices = drawn(seed, size_wh=size_wh)
    crops = warp_crops(*joined(windows), torch.from_numpy(matrices), size_wh)
    expected = by_opencv(windows, matrices, size_wh)
    assert crops.dtype == torch.float32
    assert crops.is_contiguous(memory_format=torch.channels_last)
    assert (crops - expected).abs().max() <= LEVELS
    if LEVELS == 1:
        # Exactly half a level may be rounded either way; all else is equal.
        assert (crops != expected).float().mean() < 0.01
    assert torch.equal(crops, crops.round())


@pytest.mark.parametrize('shape_hw', [(1, 1), (1, 7), (7, 1), (2, 2)])
def test_thin_windows(shape_hw):
    """They end where the pixels end, so that one step too far would be noticed."""
    rng = np.random.default_rng(3)
    windows = [rng.integers(1, 256, (*shape_hw, 3), dtype=np.uint8) for _ in range(3)]
    matrices = np.stack([random_matrix(rng, window, (16, 16)) for window in windows])
    crops = warp_crops(*joined(windows), torch.from_numpy(matrices), (16, 16))
    assert crops.max() > 0
    assert (crops - by_opencv(windows, matrices, (16, 16))).abs().max() <= LEVELS


def test_a_map_by_hand():
    """A shift by half a pixel to the right, of a 2x2 window with 100, 200 above 50, 150."""
    window = np.repeat(np.array([[100, 200], [50, 150]], np.uint8)[..., None], 3, axis=2)
    shift = torch.tensor([[[1, 0, 0.5], [0, 1, 0]]], dtype=torch.float64)
    crops = warp_crops(*joined([window]), shift, (4, 3))
    # Half of the first pixel and half of the black before it; at the other end likewise.
    expected = [[50.0, 150.0, 100.0, 0.0], [25.0, 100.0, 75.0, 0.0], [0.0] * 4]
    assert crops[0].tolist() == [expected] * 3


def test_colors_keep_their_order():
    rng = np.random.default_rng(4)
    window = rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)
    same = torch.eye(2, 3, dtype=torch.float64)[None]
    crops = warp_crops(*joined([window]), same, (6, 5))
    assert torch.equal(crops[0], torch.from_numpy(window).permute(2, 0, 1).float())


def test_a_face_does_not_depend_on_its_batch():
    windows, matrices = drawn(5)
    matrices = torch.from_numpy(matrices)
    together = warp_crops(*joined(windows), matrices, (40, 40))
    alone = [
        warp_crops(*joined([window]), matrices[i, None], (40, 40))
        for i, window in enumerate(windows)
    ]
    assert torch.equal(together, torch.cat(alone))


def test_inverse_maps():
    windows, matrices = drawn(6)
    matrices = torch.from_numpy(matrices)
    inverse = invert_affine(matrices)
    expected = np.stack([cv2.invertAffineTransform(matrix.numpy()) for matrix in matrices])
    assert np.allclose(inverse, expected, rtol=0, atol=1e-9)
    forward = warp_crops(*joined(windows), matrices, (40, 40))
    assert torch.equal(forward, warp_crops(*joined(windows), inverse, (40, 40), inverse=True))


def test_windows_beyond_two_gigabytes():
    """The pixels before the window are never touched, so they take no memory."""
    windows, matrices = drawn(7, count=1)
    window, begin = windows[0].reshape(-1), 2**31 + 5
    pixels = torch.empty(begin + window.size, dtype=torch.uint8)
    pixels[begin:] = torch.from_numpy(window)
    shapes_hw = torch.tensor([windows[0].shape[:2]])
    matrices = torch.from_numpy(matrices)
    far = warp_crops(pixels, torch.tensor([begin]), shapes_hw, matrices, (40, 40))
    assert torch.equal(far, warp_crops(*joined(windows), matrices, (40, 40)))


def test_nothing_waits_for_the_device():
    """Tensors without values: whoever asked for one, or for a size that depends on one, fails."""
    with torch.device('meta'):
        pixels, offsets = torch.empty(9 * 10**9, dtype=torch.uint8), torch.empty(64).long()
        shapes_hw, matrices = torch.empty(64, 2).int(), torch.empty(64, 2, 3)
    assert warp_crops(pixels, offsets, shapes_hw, matrices, (256, 192)).shape == (64, 3, 192, 256)
    windows, matrices = drawn(15)
    one = PoseDataPreprocessor(**NORMALISED, bgr_to_rgb=True, pad_size_divisor=32).to('meta')
    for batch in (streamed(windows, matrices), resident(windows, matrices, one)):
        assert one(batch)['inputs'].is_meta


def test_mixed_precision_does_not_reach_it():
    windows, matrices = drawn(8)
    arguments = (*joined(windows), torch.from_numpy(matrices), (40, 40))
    expected = warp_crops(*arguments)
    with torch.autocast('cpu', dtype=torch.bfloat16):
        assert torch.equal(warp_crops(*arguments), expected)


def streamed(windows, matrices, size_wh=(64, 48)):
    """A batch as ``TopdownAffine(warp=False)`` and ``PackPoseInputs`` leave it."""
    samples = [
        PoseDataSample(
            metainfo={'id': i, 'img_path': f'{i}.jpg', 'warp_mat': matrix, 'input_size': size_wh}
        )
        for i, matrix in enumerate(matrices)
    ]
    images = [torch.from_numpy(window).permute(2, 0, 1) for window in windows]
    return {'inputs': images, 'data_samples': samples}


def resident(windows, matrices, one, order=None):
    """The same as indices, with the crops held in another order."""
    order = order or list(range(len(windows)))[::-1]
    one.hold_crops(*joined([windows[i] for i in order]))
    batch = streamed(windows, matrices)
    return {**batch, 'inputs': [torch.tensor(order.index(i)) for i in range(len(windows))]}


@pytest.mark.parametrize('divisor', [1, 32])
def test_preprocessed_as_if_cropped_before(divisor):
    windows, matrices = drawn(9)
    one = PoseDataPreprocessor(**NORMALISED, bgr_to_rgb=True, pad_size_divisor=divisor, pad_value=7)
    batch = one(streamed(windows, matrices))
    cropped = list(by_opencv(windows, matrices, (64, 48)))
    before = one({'inputs': cropped, 'data_samples': [PoseDataSample() for _ in cropped]})
    # Colours must not be exchanged and windows not be mixed up, so only rounding is left.
    assert batch['inputs'].shape == before['inputs'].shape == (12, 3, (48, 64)[divisor > 1], 64)
    apart = (batch['inputs'] - before['inputs']).abs() * one.std
    assert apart.max() <= LEVELS + 1e-4
    assert batch['inputs'].is_contiguous(memory_format=torch.channels_last)
    for sample in batch['data_samples']:
        assert sample.batch_input_shape == sample.pad_shape == tuple(batch['inputs'].shape[-2:])


def test_resident_crops_are_the_streamed_ones():
    windows, matrices = drawn(10)
    one = PoseDataPreprocessor(**NORMALISED, bgr_to_rgb=True)
    expected = one(streamed(windows, matrices))['inputs']
    batch = resident(windows, matrices, one)
    assert torch.equal(one(batch)['inputs'], expected)
    stacked = {**batch, 'inputs': torch.stack(batch['inputs'])}
    assert torch.equal(one(stacked)['inputs'], expected)
    plain = {**batch, 'inputs': [int(index) for index in batch['inputs']]}
    assert torch.equal(one(plain)['inputs'], expected)


def test_windows_need_not_be_views():
    windows, matrices = drawn(11)
    one = PoseDataPreprocessor()
    batch = streamed(windows, matrices)
    copied = {**batch, 'inputs': [window.contiguous() for window in batch['inputs']]}
    assert torch.equal(one(copied)['inputs'], one(batch)['inputs'])


def test_held_crops_move_and_are_no_state():
    model = torch.nn.Sequential(PoseDataPreprocessor(**NORMALISED))
    windows, _ = drawn(12)
    model[0].hold_crops(*joined(windows))
    assert not model.state_dict()
    assert not list(model.buffers())[2:]  # mean and deviation: nothing for a broadcast
    assert copy.deepcopy(model)[0].crops.pixels is model[0].crops.pixels
    assert model.half()[0].crops.pixels.dtype == torch.uint8
    assert model.to('meta')[0].crops.pixels.is_meta


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            lambda batch: batch['data_samples'][1].set_metainfo({'input_size': (9, 9)}),
            'a batch has',
        ),
        (lambda batch: batch['data_samples'][1].pop('warp_mat'), 'warp_mat must be'),
        (lambda batch: batch['data_samples'][1].pop('input_size'), 'input_size is None'),
        (
            lambda batch: batch['data_samples'][1].set_metainfo({'warp_mat': np.ones((2, 3))}),
            'no inverse',
        ),
        (lambda batch: batch['inputs'].__setitem__(1, None), 'must be its window.*NoneType'),
        (lambda batch: batch['inputs'].__setitem__(1, torch.zeros(3, 4, 4)), 'float32'),
        (lambda batch: batch['inputs'].__setitem__(1, torch.tensor(1)), 'must be its window'),
    ],
)
def test_errors_name_the_face(change, message):
    batch = streamed(*drawn(13))
    change(batch)
    with pytest.raises(InputError, match=f'face 1 of 1.jpg.*{message}'):
        PoseDataPreprocessor()(batch)


def test_errors_of_indices():
    windows, matrices = drawn(14)
    one = PoseDataPreprocessor()
    batch = resident(windows, matrices, one)
    for wrong in (-1, 12):
        batch['inputs'][2] = torch.tensor(wrong)
        with pytest.raises(InputError, match=f'face 2 of 2.jpg.*index below 12, got {wrong}'):
            one(batch)
    batch['inputs'][2] = torch.zeros(3, 4, 4, dtype=torch.uint8)
    with pytest.raises(InputError, match=r'face 2 of 2.jpg.*got torch.uint8 \(3, 4, 4\)'):
        one(batch)
    with pytest.raises(InputError, match=r'face 0 of 0.jpg.*call hold_crops'):
        PoseDataPreprocessor()(batch)
    with pytest.raises(InputError, match='12 faces to warp come with no data_samples'):
        one({'inputs': batch['inputs']})


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ({'pixels': torch.zeros(60)}, 'must be uint8'),
        ({'shapes_hw': torch.tensor([[2, 2]])}, 'do not belong together'),
        ({'offsets': torch.tensor([0, 49])}, r'crop 1, \(2, 2\) at 49'),
        ({'shapes_hw': torch.tensor([[0, 2], [2, 2]])}, r'crop 0, \(0, 2\) at 0'),
    ],
)
def test_crops_that_cannot_be_held(arguments, message):
    fitting = {
        'pixels': torch.zeros(60, dtype=torch.uint8),
        'offsets': torch.tensor([0, 12]),
        'shapes_hw': torch.tensor([[2, 2], [2, 2]]),
    }
    PoseDataPreprocessor().hold_crops(**fitting)
    with pytest.raises(InputError, match=message):
        PoseDataPreprocessor().hold_crops(**{**fitting, **arguments})


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
@pytest.mark.parametrize('pinned', [False, True])
def test_cuda_gives_the_same(pinned):
    windows, matrices = drawn(15)
    one = PoseDataPreprocessor(**NORMALISED, bgr_to_rgb=True)
    batch = streamed(windows, matrices)
    expected = one(batch)['inputs']
    indices = resident(windows, matrices, one)
    one.to('cuda')
    if pinned:
        batch['inputs'] = [window.pin_memory() for window in batch['inputs']]
    for each in (batch, indices):
        apart = (one(each)['inputs'].cpu() - expected).abs() * one.std.cpu()
        assert apart.max() <= 1 + 1e-4
