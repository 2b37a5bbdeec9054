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

    On a CPU, and wherever skips are allowed, each loss is looked at before its backward pass, and
    all processes skip or stop together. On a GPU that would make every iteration wait for the
    device; without skips it is looked at when it has arrived, some iterations late, and in any
    case before a checkpoint is written: the run stops, and the last checkpoint stands.

    Args:
        max_skips: How many iterations may be skipped in a run.

    Attributes:
        skipped: How many have been.
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
            NonFiniteLossError: If it is not finite, and too many have been skipped; on a GPU
                without skips once such a loss has arrived.
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
        """Wait for the losses that have not been looked at yet, as :meth:`check` does for one."""
        self._look(wait=True)

    def _look(self, wait: bool) -> None:
        while self._pending and (wait or self._pending[0].has_arrived()):
            if not math.isfinite(self._pending.popleft().value()):
                raise NonFiniteLossError([], late=len(self._pending))


class BufferCopies:
    """A model's buffers as they were before an iteration, to take back what a batch has left.

    Maps that are not finite have spoilt the running statistics of batch norms before their loss
    is known, and statistics never recover from a NaN.

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
