"""Guard against losses that are not finite."""

from __future__ import annotations

import math
from collections import deque

import torch
from mmengine.device import get_device
from torch import Tensor, nn

from mmpose_lite.utils.collectives import HostGather


class NonFiniteLossError(ArithmeticError):
    """A loss is not finite, and no more of them may be skipped.

    Args:
        ranks: The processes whose loss it is.
        late: How many iterations ago it was.
    """

    def __init__(self, ranks: list[int], late: int) -> None:
        super().__init__('the loss is not finite')
        self.ranks = ranks
        self.late = late


class NanGuard:
    """Keeps steps of non-finite losses away from the weights.

    On a CPU, and wherever skips are allowed, each loss is checked before its backward pass, and all
    processes skip or stop together. On a GPU that would make every iteration wait for the device;
    so without skips a loss is checked once it has arrived on the host, some iterations late, but
    always before a checkpoint is written: the run stops, and the last checkpoint is sound.

    Args:
        max_skips: Number of iterations that a run may skip.

    Attributes:
        skipped: Number of iterations skipped so far.
        refused_ranks: The processes whose loss was not finite in the last iteration.
    """

    def __init__(self, max_skips: int = 0) -> None:
        self.max_skips = max_skips
        self.skipped = 0
        self.refused_ranks: list[int] = []
        self._looks_late = get_device() == 'cuda' and not max_skips
        self._ranks = HostGather()
        self._pending: deque[_Copy] = deque()

    def check(self, loss: Tensor) -> bool:
        """Check a loss; return True if its step must be skipped.

        Raises:
            NonFiniteLossError: If it is not finite and no more may be skipped. On a GPU without
                skips, the loss of an earlier iteration may be the reason.
        """
        self.refused_ranks = []
        if self._looks_late:
            self._pending.append(_Copy(loss.detach()))
            self._look(wait=False)
            return False
        bad = self._ranks.gather(int(not math.isfinite(loss.item())))
        self.refused_ranks = [rank for rank, is_bad in enumerate(bad) if is_bad]
        if self.refused_ranks and self.skipped >= self.max_skips:
            raise NonFiniteLossError(self.refused_ranks, late=0)
        self.skipped += bool(self.refused_ranks)
        return bool(self.refused_ranks)

    def settle(self) -> None:
        """Wait for the losses that have not been checked yet; raises as :meth:`check` does."""
        self._look(wait=True)

    def _look(self, wait: bool) -> None:
        while self._pending and (wait or self._pending[0].has_arrived()):
            if not math.isfinite(self._pending.popleft().value()):
                raise NonFiniteLossError([], late=len(self._pending))


class BufferCopies:
    """Copies of a model's buffers from before an iteration, to undo what a batch has done to them.

    Activations that are not finite spoil the running statistics of batch norms before the loss is
    known, and statistics never recover from a NaN.

    Args:
        model: The model; copies take as much memory as its buffers.
    """

    def __init__(self, model: nn.Module) -> None:
        self._buffers = list(model.buffers())
        self._copies = [buffer.clone() for buffer in self._buffers]

    def take(self) -> None:
        """Copy the buffers as they are now."""
        _copy(self._buffers, self._copies)

    def put_back(self) -> None:
        """Restore the buffers from the copies."""
        _copy(self._copies, self._buffers)


@torch.no_grad()
def _copy(sources: list[Tensor], targets: list[Tensor]) -> None:
    for source, target in zip(sources, targets, strict=True):
        target.copy_(source)


class _Copy:
    """A number on its way from the device to the host, which does not wait for it."""

    def __init__(self, number: Tensor) -> None:
        self._copy = torch.empty((), pin_memory=number.device.type == 'cuda')
        self._copy.copy_(number, non_blocking=True)
        self._event = None
        if number.device.type == 'cuda':
            self._event = torch.cuda.Event()
            self._event.record()

    def has_arrived(self) -> bool:
        return self._event is None or self._event.query()

    def value(self) -> float:
        if self._event is not None:
            self._event.synchronize()
        return self._copy.item()
