"""The two outcomes that any wrong file may have: a sound loss, or a refusal that names it."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from mmpose_lite.datasets import AFLWDataset, BaseCocoStyleDataset
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.models import HeatmapHead

CODEC = {'type': 'MSRAHeatmap', 'input_size': (32, 32), 'heatmap_size': (8, 8), 'sigma': 1}
PIPELINE = (
    {'type': 'LoadImage'},
    {'type': 'GetBBoxCenterScale'},
    {'type': 'RandomFlip'},
    {'type': 'RandomBBoxTransform', 'shift_prob': 0},
    {'type': 'TopdownAffine', 'input_size': (32, 32)},
    {'type': 'GenerateTarget', 'encoder': CODEC},
    {'type': 'PackPoseInputs'},
)
# A hang is longer than what a busy machine makes of milliseconds.
SECONDS = 20


class TookTooLongError(BaseException):
    """A case hangs; of no kind that readers of files expect."""


def make_head() -> HeatmapHead:
    """A head small enough for thousands of cases."""
    torch.manual_seed(0)
    loss = {'type': 'KeypointMSELoss', 'use_target_weight': True}
    return HeatmapHead(4, 19, deconv_out_channels=None, loss=loss, decoder=CODEC)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Interrupt what takes longer, where the system can."""
    if not hasattr(signal, 'setitimer'):
        yield
        return

    def stop(*_) -> None:
        raise TookTooLongError(f'took more than {seconds} s')

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def load(
    root: Path, whole: str, frontal: str, kind: int, metainfo: dict, **arguments
) -> BaseCocoStyleDataset:
    """Load a mutated file as training, as testing with a subset, or as a set of boxes."""
    make = BaseCocoStyleDataset if kind == 2 else AFLWDataset
    return make(
        data_root=str(root),
        ann_file=whole,
        data_prefix={'img': 'images/'},
        test_mode=kind == 1,
        subsets={'frontal': frontal} if kind == 1 else None,
        metainfo=metainfo,
        pipeline=PIPELINE,
        **arguments,
    )


def losses(dataset: BaseCocoStyleDataset, head: HeatmapHead) -> Sequence[float]:
    """Run every face through pipeline and head; check shapes and targets on the way."""
    found = []
    features = (torch.ones(1, 4, 8, 8),)
    for index in range(len(dataset)):
        sample = dataset[SampleIndex(index, seed=3, epoch=0)]
        image, target = sample['inputs'], sample['data_samples']
        assert image.dtype == torch.uint8
        assert image.shape == (3, 32, 32)
        assert target.gt_fields.heatmaps.isfinite().all()
        weights = target.gt_instance_labels.keypoint_weights
        assert weights.isfinite().all()
        assert (weights >= 0).all()
        with torch.no_grad():
            loss = head.loss(features, [target])['loss_kpt']
        assert loss.isfinite()
        found.append(float(loss))
    return found
