"""Weights of another training that a module starts with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mmengine.logging import print_log
from mmengine.model.weight_init import PretrainedInit, update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor, nn

from mmpose_lite.utils import InputError, MissingFileError

from .downloads import DownloadError
from .fitting import take_wrapper_off
from .refusals import one_line

_SHOWN = 10
_WAY_ROUND = (
    'the init_cfg of {} asks for it: --cfg-options model.backbone.init_cfg=None starts a backbone '
    'from nothing, model.backbone.init_cfg.checkpoint=FILE from a local file'
)


class CountedPretrainedInit(PretrainedInit):
    """mmengine's initializer, which says what it took, and for which nothing is an error.

    Args:
        checkpoint: The file, or its address.
        prefix: Of the tensors that are meant, such as ``backbone``.
        map_location: See :func:`torch.load`.
    """

    def __call__(self, module: nn.Module) -> None:
        """Load the tensors that fit the module by name and shape.

        Raises:
            InputError: If none does, or the file cannot be read. If it cannot be had, the message
                says how to do without.
        """
        try:
            content = CheckpointLoader.load_checkpoint(self.checkpoint, self.map_location)
        except (DownloadError, MissingFileError) as error:
            raise type(error)(f'{error}; {_WAY_ROUND.format(type(module).__name__)}') from error
        load_fitting(module, content, self.checkpoint, self.prefix)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=self._get_init_info())


def load_fitting(
    module: nn.Module, content: dict[str, Any], name: str, prefix: str | None = None
) -> None:
    """Load the tensors that fit a module by name and shape, and log what they are.

    Args:
        module: The module.
        content: A checkpoint, or its ``state_dict``.
        name: Where it comes from, for messages.
        prefix: Of the tensors that are meant, such as ``backbone``.

    Raises:
        InputError: If none fits.
    """
    wanted = module.state_dict()
    given = _tensors(content, prefix, wanted, name)
    taken = {
        key: tensor
        for key, tensor in given.items()
        if key in wanted and wanted[key].shape == tensor.shape
    }
    kept = [key for key in wanted if key not in taken]
    kind = type(module).__name__
    source = f"'{name}'" + (f" (prefix '{prefix}')" if prefix else '')
    if not taken:
        raise InputError(
            f'{kind}: none of the {len(given)} tensors of {source} fits by name and shape; '
            f'the module has {_listed(list(wanted))}, the file has {_listed(list(given))}'
        )
    rest = f'; the start of {len(kept)} stays: {_listed(kept)}' if kept else ''
    print_log(
        f'{kind}: {len(taken)} of its {len(wanted)} tensors come from the {len(given)} of '
        f'{source}{rest}',
        logger='current',
    )
    module.load_state_dict(taken, strict=False)


def install_pretrained_init() -> None:
    """Have ``init_cfg=dict(type='Pretrained', ...)`` mean :class:`CountedPretrainedInit`."""
    WEIGHT_INITIALIZERS.register_module(name='Pretrained', module=CountedPretrainedInit, force=True)


def drop_pretrained(model: nn.Module) -> None:
    """Have the modules of a model not start from files, whatever their ``init_cfg`` says.

    No generator draws for a file's weights: all else starts as it would have.
    """
    module: Any
    for module in model.modules():
        settings = getattr(module, 'init_cfg', None)
        if settings:
            given = [settings] if isinstance(settings, dict) else settings
            module.init_cfg = [each for each in given if not _is_pretrained(each)]


def _is_pretrained(init_cfg: dict[str, Any]) -> bool:
    kind = init_cfg.get('type')
    return kind == 'Pretrained' or (isinstance(kind, type) and issubclass(kind, PretrainedInit))


def _tensors(
    content: dict[str, Any], prefix: str | None, wanted: Iterable[str], source: str
) -> dict[str, Tensor]:
    """The tensors that are meant, by their names without the prefix."""
    state = content.get('state_dict', content)
    state = state if isinstance(state, dict) else {}
    start = '' if prefix is None else f'{prefix.rstrip(".")}.'
    named = {str(key): value for key, value in state.items() if isinstance(value, Tensor)}
    bare = take_wrapper_off(named, {f'{start}{name}' for name in wanted}, source)
    return {key.removeprefix(start): bare[key] for key in bare if key.startswith(start)}


def _listed(names: list[str]) -> str:
    more = ', ...' if len(names) > _SHOWN else ''
    return (', '.join(one_line(name, 100) for name in names[:_SHOWN]) or 'none') + more
