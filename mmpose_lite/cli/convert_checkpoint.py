"""Converting checkpoints of other packages."""

from __future__ import annotations

import argparse
import os.path as osp
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mmengine.runner.checkpoint import CheckpointLoader
from torch import Tensor

from mmpose_lite.apis.config import load_config
from mmpose_lite.checkpoints import install_checkpoint_reader, load_strictly, make_plain, trusting
from mmpose_lite.checkpoints.dialects import (
    DIALECTS,
    Translation,
    find_dialect,
    names_as_stored,
    translate,
    weights_of,
)
from mmpose_lite.checkpoints.fitting import not_finite
from mmpose_lite.checkpoints.refusals import one_line
from mmpose_lite.checkpoints.writer import write_checkpoint
from mmpose_lite.registry import MODELS
from mmpose_lite.utils import InputError
from mmpose_lite.utils.paths import check_file
from mmpose_lite.version import __version__

from .command_line import errors_in_one_line, parse_one_file
from .completeness import find_missing

_SHOWN = 10


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line of ``tools/convert_checkpoint.py``."""
    forms = '\n'.join(f'  {key:<16}{dialect.title}' for key, dialect in DIALECTS.items())
    parser = argparse.ArgumentParser(
        prog='convert_checkpoint',
        description='Give the weights of other packages the names that they have here.\n'
        'Tests, init_model and init_cfg read all of these as they are, too:\n' + forms,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('input', metavar='IN', help='file, https:// or open-mmlab:// address')
    parser.add_argument('output', metavar='OUT', help='file to write')
    parser.add_argument(
        '--from',
        dest='form',
        choices=('auto', *DIALECTS),
        default='auto',
        help='what IN is; by default its names tell',
    )
    parser.add_argument(
        '--config',
        help='config of the model, which all tensors must fit; needed for networks of your own',
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='read IN whatever it holds, and run that; for files that you made (--config is '
        'Python, which is run without this too)',
    )
    return parse_one_file(parser, argv, 'input')


def convert_checkpoint(
    name: str, output: str, form: str = 'auto', config: str | None = None, trust: bool = False
) -> tuple[str, Translation]:
    """Convert a checkpoint; nothing of the model may be left over or missing.

    Args:
        name: The file, or its address.
        output: The file to write: ``state_dict``, and ``meta`` without the run's settings.
        form: A key of :data:`DIALECTS`, or ``'auto'``.
        config: Config of the model, which all tensors must fit by name and shape. Weights of a
            backbone alone must fit the backbone. Without it the tensors must be those of some
            HRNet or ResNet with its head.
        trust: Read the file whatever it holds, and run that.

    Returns:
        The form, and what became of the tensors.

    Raises:
        InputError: If the file cannot be read, is none of the forms, something is left over or
            missing, a number is not finite, or the output is there already beside the file.
        SaveError: If the output cannot be written.
    """
    _check_output(name, output)
    install_checkpoint_reader()
    with trusting(*[name] if trust else []), names_as_stored():
        content = CheckpointLoader.load_checkpoint(name, 'cpu')
    state = weights_of(content)
    found = find_dialect(state) if form == 'auto' else form
    if found is None:
        raise InputError(
            f"checkpoint '{name}' is none of {', '.join(DIALECTS)}; its names are "
            f'{_listed(list(state))}'
        )
    result = translate(state, found)
    _check(result, found, name, is_compared=config is not None)
    if config is not None:
        _check_config(result.state, config, name)
    _write(result.state, content, name, output)
    return found, result


def _check_output(name: str, output: str) -> None:
    if osp.realpath(output) == osp.realpath(name):
        raise InputError(f"'{output}' is the file that is to be converted")
    is_beside = osp.realpath(osp.dirname(output)) == osp.realpath(osp.dirname(name))
    if osp.lexists(output) and is_beside:
        raise InputError(
            f"'{output}' is there already, beside '{name}': did a pattern stand for both? OUT is a "
            'new file, or one in another folder'
        )
    check_file(output)


def _check(result: Translation, form: str, name: str, is_compared: bool) -> None:
    odd = [
        f'{key} is no tensor' for key in result.state if not isinstance(result.state[key], Tensor)
    ]
    faults = [f'{key} is left over' for key in result.unknown] or odd
    if not (faults or is_compared):
        faults = find_missing(result, form)
    faults = faults or [
        f'{key} has numbers that are not finite' for key in not_finite(result.state)
    ]
    if faults:
        raise InputError(
            f"checkpoint '{name}', taken for {DIALECTS[form].title}: {len(faults)} faults: "
            f'{_listed(faults, "; ")}'
        )


def _check_config(state: dict[str, Any], config: str, name: str) -> None:
    model = MODELS.build(load_config(config, needs=('model',)).model)
    whole = any(key.startswith('backbone.') for key in state)
    load_strictly(model if whole else model.backbone, {'state_dict': state}, name)


def _write(state: dict[str, Any], content: dict[str, Any], name: str, output: str) -> None:
    meta = {'mmpose_lite': __version__, 'converted_from': osp.basename(name), 'iter': 0}
    given = content.get('meta')
    if isinstance(given, dict) and 'dataset_meta' in given:
        meta['dataset_meta'] = given['dataset_meta']
    # Of their own: a tensor is stored with all of the memory that it is a view of.
    tensors = {key: tensor.detach().clone() for key, tensor in state.items()}
    checkpoint = {'meta': meta, 'state_dict': tensors}
    make_plain(checkpoint)
    write_checkpoint(checkpoint, output, resumable=False)


def describe(form: str, result: Translation) -> str:
    """Say what was taken for what: a line for each start of names that became another."""
    stems = Counter(_stems(old, new) for old, new in result.renamed.items())
    lines = [
        (f'{old}*', f'{new}*' if old != new else 'as it is', count)
        for (old, new), count in stems.items()
    ]
    left = Counter(old.partition('.')[0] for old in result.left_out)
    lines += [(f'{start}.*', 'left out', count) for start, count in left.items()]
    if result.made:
        lines.append(('', 'num_batches_tracked = 0', len(result.made)))
    width = max(len(line[0]) for line in lines)
    rows = [f'  {count:>5}  {old:<{width}}  ->  {new}' for old, new, count in lines]
    return '\n'.join([f'taken for {DIALECTS[form].title} ({form}), tensors:', *rows])


def _stems(old: str, new: str) -> tuple[str, str]:
    """What is left of two names without the parts at the end that they share."""
    ours, theirs = old.split('.'), new.split('.')
    while ours and theirs and ours[-1] == theirs[-1]:
        ours.pop()
        theirs.pop()
    return ''.join(f'{part}.' for part in ours), ''.join(f'{part}.' for part in theirs)


def _listed(items: Sequence[object], between: str = ', ') -> str:
    shown = between.join(one_line(item, 120) for item in items[:_SHOWN]) or 'none'
    return shown + (f'{between}...' if len(items) > _SHOWN else '')


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run ``tools/convert_checkpoint.py``."""
    args = parse_args(argv)
    form, result = convert_checkpoint(
        args.input, args.output, args.form, args.config, args.trust_checkpoint
    )
    print(describe(form, result))
    if not any(name.startswith('backbone.') for name in result.state):
        print(f"a backbone alone: init_cfg=dict(type='Pretrained', checkpoint='{args.output}')")
    print(f'written: {args.output}')
