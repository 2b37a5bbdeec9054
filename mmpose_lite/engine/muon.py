"""Muon: momentum made orthogonal for convolutions and matrices, AdamW for all other parameters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.adamw import adamw

from mmpose_lite.registry import OPTIMIZERS

# Of the published quintic: singular values from far below 1 reach 0.7 to 1.2 in five rounds.
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
_LEAST_NORM = 1e-7


@OPTIMIZERS.register_module()
class Muon(Optimizer):
    """Muon for convolution kernels and matrices; AdamW for biases, norms and other vectors.

    A kernel ``(out, in, h, w)`` is taken as the matrix ``(out, in * h * w)``. Its step is its
    Nesterov momentum with all singular values brought near 1, times ``lr`` and the root of
    ``out / (in * h * w)``, where that is above 1. Decay is decoupled in both parts. It is not
    ``torch.optim.Muon``, which takes matrices alone.

    Args:
        params: Parameters, or groups of them.
        lr: Rate of the matrices.
        adamw_share: Rate of AdamW, in shares of ``lr``, so that a schedule reaches both.
        momentum: Momentum of the matrices.
        betas: Decay rates of AdamW's moments.
        eps: AdamW's summand below its root.
        weight_decay: Decay, in shares of the rate.

    Raises:
        ValueError: If a setting is out of its range.

    Source: Jordan et al., 2024, https://kellerjordan.github.io/posts/muon/
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 0.02,
        adamw_share: float = 0.1,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        settings = {
            'lr': lr, 'adamw_share': adamw_share, 'momentum': momentum,
            'betas': betas, 'eps': eps, 'weight_decay': weight_decay,
        }  # fmt: skip
        for name in ('lr', 'adamw_share', 'eps', 'weight_decay'):
            if not settings[name] >= 0:  # type: ignore[operator]
                raise ValueError(f'{name}={settings[name]!r} is below 0')
        if not all(0 <= each < 1 for each in (momentum, *betas)):
            raise ValueError(f'momentum={momentum!r} and betas={betas!r} must be from 0 to below 1')
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update the parameters that have a gradient; returns the loss of ``closure``, if any."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        # Matrices of one shape are made orthogonal together, whatever their groups: a network has
        # hundreds, and a config's `paramwise_cfg` makes a group of each parameter.
        alike: dict[Any, list[tuple[Tensor, Tensor, dict[str, Any]]]] = defaultdict(list)
        for group in self.param_groups:
            reached = [(each, each.grad) for each in group['params'] if each.grad is not None]
            for matrix, gradient in (pair for pair in reached if pair[0].dim() > 1):
                ahead = self._nesterov(matrix, gradient, group['momentum'])
                alike[ahead.shape, ahead.device, ahead.dtype].append((matrix, ahead, group))
            self._step_vectors([pair for pair in reached if pair[0].dim() <= 1], group)
        for (shape, *_), members in alike.items():
            steps = orthogonalise(torch.stack([ahead for _, ahead, _ in members]))
            longer = max(1.0, shape[0] / shape[1]) ** 0.5
            for (matrix, _, group), step in zip(members, steps, strict=True):
                matrix.mul_(1 - group['lr'] * group['weight_decay'])
                matrix.sub_(step.reshape(matrix.shape), alpha=group['lr'] * longer)
        return loss

    def _nesterov(self, parameter: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        """Update the momentum of a kernel, and return what its step is made of as a matrix."""
        state = self.state[parameter]
        if not state:
            state['momentum_buffer'] = torch.zeros_like(parameter)
        average = state['momentum_buffer'].lerp_(gradient, 1 - momentum)
        return torch.lerp(gradient, average, momentum).flatten(1)

    def _step_vectors(self, pairs: list[tuple[Tensor, Tensor]], group: dict[str, Any]) -> None:
        """Make AdamW's step of parameters and their gradients."""
        if not pairs:
            return
        for parameter, _ in pairs:
            state = self.state[parameter]
            if not state:
                state['step'] = torch.zeros((), dtype=torch.float32)
                state['exp_avg'] = torch.zeros_like(parameter)
                state['exp_avg_sq'] = torch.zeros_like(parameter)
        states = [self.state[parameter] for parameter, _ in pairs]
        adamw(
            [parameter for parameter, _ in pairs],
            [gradient for _, gradient in pairs],
            [each['exp_avg'] for each in states],
            [each['exp_avg_sq'] for each in states],
            [],
            [each['step'] for each in states],
            amsgrad=False,
            beta1=group['betas'][0],
            beta2=group['betas'][1],
            lr=group['lr'] * group['adamw_share'],
            weight_decay=group['weight_decay'],
            eps=group['eps'],
            maximize=False,
        )


def orthogonalise(matrices: Tensor) -> Tensor:
    """Bring the singular values of matrices ``(N, rows, columns)`` near 1 by Newton-Schulz rounds.

    All iterates are polynomials of the first Gram matrix times the matrix, so the rounds multiply
    Gram matrices only; of kernels these are a ninth of the size.
    """
    is_tall = matrices.shape[1] > matrices.shape[2]
    wide = matrices.mT if is_tall else matrices
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=_LEAST_NORM)
    a, b, c = _COEFFICIENTS
    gram = wide @ wide.mT
    product = torch.eye(gram.shape[1], dtype=gram.dtype, device=gram.device).expand_as(gram)
    for _ in range(_ROUNDS):
        factor = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        factor.diagonal(dim1=1, dim2=2).add_(a)
        product = factor @ product
        gram = factor @ gram @ factor
    wide = product @ wide
    return wide.mT if is_tall else wide
