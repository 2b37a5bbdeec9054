"""Optimizer wrappers: mmengine's, without waiting for the device, and mixed precision."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper as MMEngineOptimWrapper
from torch import Tensor, nn

from mmpose_lite.checkpoints.schema import COUNT, Fields, Like, Number, check_form
from mmpose_lite.registry import OPTIM_WRAPPERS

from .nan_guard import NanGuard
from .optimizer_states import check_optimizer_state, check_settings, load_optimizer_state

_SCALER_FORM = Fields(
    {
        'scale': Number(least=2.0**-126),
        'growth_factor': Number(least=1),
        'backoff_factor': Number(least=2.0**-126, most=1),
        'growth_interval': Number(least=1, whole=True),
        '_growth_tracker': COUNT,
    }
)
_DTYPES = {'float16': torch.float16, 'bfloat16': torch.bfloat16}


def default_amp_dtype(device: str) -> torch.dtype:
    """The half precision of a device: bfloat16 where it has it (every CPU does), else float16."""
    if device == 'cuda' and not torch.cuda.is_bf16_supported():
        return torch.float16
    return torch.bfloat16


def has_fast_bfloat16() -> bool:
    """Tell whether this CPU has bfloat16 instructions; without them it is slower than float32."""
    capabilities: dict[str, Any] = getattr(torch.cpu, 'get_capabilities', dict)()
    return any(capabilities.get(name, False) for name in ('avx512_bf16', 'amx_bf16', 'bf16'))


def about_slow_precision(dtype: torch.dtype | None, device: str) -> str | None:
    """Say that a device only imitates a precision; None if it has it, or there is none to have."""
    if dtype != torch.bfloat16 or device != 'cpu' or has_fast_bfloat16():
        return None
    return (
        'this CPU has no bfloat16 instructions, and imitates them many times more slowly than it '
        'computes in float32: leave out --amp'
    )


class GradientBuffers:
    """Holds the gradients of parameters in memory that is allocated once.

    Gradients that are allocated during the backward pass fragment the heap, which raises the peak
    of memory on a CPU by about a tenth. The result of a step is the same: a parameter that no
    gradient has reached since the last :meth:`clear` has none.

    Args:
        optimizer: Of these parameters; those that need no gradient are left alone.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._parameters = _parameters(optimizer)
        self._reached: set[nn.Parameter] = set()
        self._gradients: dict[nn.Parameter, Tensor] = {}
        for parameter in self._parameters:
            if parameter.requires_grad:
                self._gradients[parameter] = torch.zeros_like(parameter)
                parameter.register_post_accumulate_grad_hook(self._reached.add)
        self.clear()
        optimizer.register_step_pre_hook(self._hide_unreached)

    def has_reached(self, parameter: nn.Parameter) -> bool:
        """Tell whether a gradient has reached a parameter since the last :meth:`clear`."""
        return parameter in self._reached

    def fill(self, parameter: nn.Parameter, gradient: Tensor) -> None:
        """Restore a saved gradient and mark its parameter as reached."""
        self._gradients[parameter].copy_(gradient)
        self._reached.add(parameter)

    def _hide_unreached(self, *_: object) -> None:
        """Set the gradient of parameters that none has reached to None, before each step."""
        for parameter in self._gradients.keys() - self._reached:
            parameter.grad = None

    def clear(self) -> None:
        """Set all gradients to zero; call it after a step."""
        if self._gradients:
            torch._foreach_zero_(list(self._gradients.values()))
        self._reached.clear()
        for parameter in self._parameters:
            # One that was frozen at first and no longer is gets a new gradient each time.
            parameter.grad = self._gradients.get(parameter)


@OPTIM_WRAPPERS.register_module()
class OptimWrapper(MMEngineOptimWrapper):
    """mmengine's wrapper and its arguments, with these differences.

    - The norm of clipped gradients is logged without waiting for it.
    - A state that is loaded may come from another implementation of the optimizer.
    - Gradients may keep their memory: :meth:`keep_gradients`.
    - Losses that are not finite may be kept away: :attr:`guard`.
    - A run can resume between two batches of one step: :meth:`partial_step`.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        accumulative_counts: int = 1,
        clip_grad: dict | None = None,
    ) -> None:
        super().__init__(optimizer, accumulative_counts, clip_grad)
        #: Keeps losses that are not finite away from the weights; the training loop sets it.
        self.guard: NanGuard | None = None
        self._refused = False
        self._has_gradients = False  # the checkpoint had the gradients of the unfinished step
        self._gradient_buffers: GradientBuffers | None = None

    def initialize_count_status(self, model: nn.Module, init_counts: int, max_counts: int) -> None:
        """Start the counter of batches."""
        # mmengine warns of a run that resumes in the middle of an accumulation: its gradients are
        # lost. Here they may have been restored.
        begun = init_counts % self._accumulative_counts if self._has_gradients else 0
        super().initialize_count_status(model, init_counts - begun, max_counts)
        self._inner_count = init_counts

    def update_params(
        self, loss: Tensor, step_kwargs: dict | None = None, zero_kwargs: dict | None = None
    ) -> None:
        """Run the backward pass, and make the step that it completes; see mmengine.

        A step is left out as a whole if the guard refuses one of its losses.
        """
        if self.guard is not None and self.guard.check(loss):
            self._refused = True
            self._inner_count += 1
        else:
            self.backward(self.scale_loss(loss))
        if self.should_update():
            if not self._refused:
                self.step(**(step_kwargs or {}))
            self._refused = False
            self.zero_grad(**(zero_kwargs or {}))

    def partial_step(self) -> dict[str, Any]:
        """Return the gradients of a step that is not complete; nothing between steps.

        Returns:
            ``refused``, whether it will be left out, and ``gradients`` by the parameter's number.
        """
        if self.should_update():
            return {}
        gradients = {
            i: each.grad.detach()
            for i, each in enumerate(_parameters(self.optimizer))
            if each.grad is not None and self._has_reached(each)
        }
        return {'refused': self._refused, 'gradients': gradients}

    def check_partial_step(self, partial: Any, where: str) -> None:
        """Check a result of :meth:`partial_step` that was read from a file, at ``where`` in it."""
        forms = {
            i: Like(each, finite=self._has_finite_gradients)
            for i, each in enumerate(_parameters(self.optimizer))
            if each.requires_grad
        }
        gradients = Fields(forms, optional=frozenset(forms))
        form = Fields({'refused': bool, 'gradients': gradients}) if partial != {} else dict
        check_form(form, partial, where)

    def resume_step(self, partial: dict[str, Any]) -> None:
        """Restore the gradients that :meth:`partial_step` returned."""
        self._has_gradients = True
        if not partial:
            return
        self._refused = partial['refused']
        parameters = _parameters(self.optimizer)
        for i, gradient in partial['gradients'].items():
            if self._gradient_buffers is None:
                # Laid out as its parameter, and in memory of its own, whatever the file says.
                parameters[i].grad = torch.empty_like(parameters[i]).copy_(gradient)
            else:
                self._gradient_buffers.fill(parameters[i], gradient)

    def keep_gradients(self) -> None:
        """Allocate the gradients now and keep them between steps."""
        self._gradient_buffers = GradientBuffers(self.optimizer)

    def zero_grad(self, **kwargs) -> None:
        """Forget the gradients."""
        if self._gradient_buffers is None:
            super().zero_grad(**kwargs)
        else:
            self._gradient_buffers.clear()

    def check_state_dict(
        self, state_dict: Any, where: str, names: Mapping[Tensor, str] | None = None
    ) -> None:
        """Check what :meth:`state_dict` is said to have given, by :func:`check_optimizer_state`."""
        check_optimizer_state(self.optimizer, state_dict, where, names)
        settings = state_dict.get('base_param_settings')
        if settings is not None:
            place = f'{where}.base_param_settings'
            own = self.base_param_settings or self.optimizer.param_groups[0]
            check_settings(self.optimizer, own, settings, place)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the optimizer's state; see mmengine."""
        state = dict(state_dict)
        settings = state.pop('base_param_settings', None)
        if settings is not None:
            self.base_param_settings = settings
        load_optimizer_state(self.optimizer, state)

    @property
    def _has_finite_gradients(self) -> bool:
        """Tell whether gradients must be finite between the batches of a step, as losses are."""
        return True

    def _has_reached(self, parameter: nn.Parameter) -> bool:
        return self._gradient_buffers is None or self._gradient_buffers.has_reached(parameter)

    def _clip_grad(self) -> None:
        with_gradient = (each for each in _parameters(self.optimizer) if each.grad is not None)
        reached = list(filter(self._has_reached, with_gradient))
        if not reached:
            return
        norm = self.clip_func(reached, **self.clip_grad_kwargs)
        if norm is not None:  # there is none where values are clipped
            self.message_hub.update_scalar(f'train/{self.grad_name}', norm)


@OPTIM_WRAPPERS.register_module()
class AmpOptimWrapper(OptimWrapper):
    """Runs the forward pass in half precision, on GPUs and on CPUs.

    Args:
        optimizer: The optimizer.
        loss_scale: Scale of the loss in float16: ``'dynamic'``, a constant, or arguments of
            :class:`torch.amp.GradScaler`. bfloat16 has float32's range and needs none.
        dtype: ``'float16'`` or ``'bfloat16'``; the device's own by default.
        accumulative_counts: See :class:`OptimWrapper`.
        clip_grad: See there.

    Raises:
        ValueError: If ``dtype`` or ``loss_scale`` is none of these.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        loss_scale: str | float | dict = 'dynamic',
        dtype: str | torch.dtype | None = None,
        accumulative_counts: int = 1,
        clip_grad: dict | None = None,
    ) -> None:
        super().__init__(optimizer, accumulative_counts, clip_grad)
        self.device = get_device()
        if dtype not in (None, *_DTYPES, *_DTYPES.values()):
            raise ValueError(f"dtype='{dtype}' is not one of float16, bfloat16")
        named = _DTYPES.get(dtype) if isinstance(dtype, str) else dtype
        self.cast_dtype = named or default_amp_dtype(self.device)
        settings, self._constant_scale = _scaler_settings(loss_scale)
        needs_scale = self.cast_dtype == torch.float16 and self.device == 'cuda'
        self.loss_scaler = torch.amp.GradScaler(self.device, enabled=needs_scale, **settings)

    def backward(self, loss: Tensor, **kwargs) -> None:
        """Scale the loss and run the backward pass."""
        self.loss_scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs) -> None:
        """Clip the gradients, if the config says so, and update the parameters that have one."""
        if self.clip_grad_kwargs:
            self._clip_grad()
        # Leaves the parameters alone where a scaled gradient overflowed.
        self.loss_scaler.step(self.optimizer, **kwargs)
        self.loss_scaler.update(self._constant_scale)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Generator[None, None, None]:
        """Half precision for the forward pass, and mmengine's handling of accumulation."""
        with super().optim_context(model), torch.autocast(self.device, dtype=self.cast_dtype):
            yield

    def state_dict(self) -> dict[str, Any]:
        """The optimizer's state, with the scaler's as ``loss_scaler``."""
        return {**super().state_dict(), 'loss_scaler': self.loss_scaler.state_dict()}

    def check_state_dict(
        self, state_dict: Any, where: str, names: Mapping[Tensor, str] | None = None
    ) -> None:
        """Check what :meth:`state_dict` is said to have given, with the scaler's state."""
        super().check_state_dict(state_dict, where, names)
        scaler = state_dict.get('loss_scaler')
        if scaler and self.loss_scaler.is_enabled():
            check_form(_SCALER_FORM, scaler, f'{where}.loss_scaler')

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what :meth:`state_dict` gave, or the state of a run without a scaler."""
        state = dict(state_dict)
        scaler = state.pop('loss_scaler', None)
        if scaler and self.loss_scaler.is_enabled():
            self.loss_scaler.load_state_dict(scaler)
        super().load_state_dict(state)

    @property
    def _has_finite_gradients(self) -> bool:
        return not self.loss_scaler.is_enabled()  # scaled ones may overflow

    def _clip_grad(self) -> None:
        self.loss_scaler.unscale_(self.optimizer)
        super()._clip_grad()


def _parameters(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return [each for group in optimizer.param_groups for each in group['params']]


def _scaler_settings(loss_scale: str | float | dict) -> tuple[dict[str, Any], float | None]:
    """Arguments of the scaler, and the constant scale, if it is one."""
    if loss_scale == 'dynamic':
        return {}, None
    if isinstance(loss_scale, int | float):
        return {'init_scale': float(loss_scale)}, float(loss_scale)
    if isinstance(loss_scale, dict):
        return dict(loss_scale), None
    raise ValueError(f"loss_scale={loss_scale!r} is not one of 'dynamic', a number, a dict")
