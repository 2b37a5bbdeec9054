"""Converting checkpoints of other packages."""

from __future__ import annotations

import argparse
import os.path as osp
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mmpose_lite import apis, checkpoints
from mmpose_lite.checkpoints.key_mapping import (
    KEY_MAPPINGS,
    MappedKeys,
    find_key_mapping,
    map_keys,
    names_as_stored,
    weights_of,
)
from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import check_apart, check_checkpoint, check_file, find_config
from mmpose_lite.version import __version__

from .command_line import CommandParser, errors_in_one_line, load_libraries, parse_with_one_file

if TYPE_CHECKING:  # a command line is read without what converts
    from torch import Tensor


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    forms = '\n'.join(f'  {key:<16}{mapping.title}' for key, mapping in KEY_MAPPINGS.items())
    parser = CommandParser(
        prog='mmpose-lite convert-checkpoint',
        description='Rename the weights of other packages to the names that they have here.\n'
        'Tests, init_model and init_cfg also read these forms directly:\n' + forms,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('input', metavar='IN', help='file, https:// or open-mmlab:// address')
    parser.add_argument('output', metavar='OUT', help='file to write')
    parser.add_argument(
        '--from',
        dest='form',
        choices=('auto', *KEY_MAPPINGS),
        default='auto',
        help='format of IN (default: recognised by its names)',
    )
    parser.add_argument(
        '--config',
        help='config of the model, which all tensors must fit; required for your own networks',
    )
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='read IN even if it holds more than plain data, which may run code: only for files '
        'that you trust. --config is Python and is always run',
    )
    return parser


def convert_checkpoint(
    name: str, output: str, form: str = 'auto', config: str | None = None, trust: bool = False
) -> tuple[str, MappedKeys]:
    """Convert a checkpoint; nothing of the model may be left over or missing.

    Args:
        name: The file, or its address.
        output: The file to write: ``state_dict``, and ``meta`` without the run's settings.
        form: A key of :data:`KEY_MAPPINGS`, or ``'auto'``.
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
    from mmengine.runner.checkpoint import CheckpointLoader

    _check_output(name, output, config)
    checkpoints.install_checkpoint_reader()
    with checkpoints.trusting(*[name] if trust else []), names_as_stored():
        content = CheckpointLoader.load_checkpoint(name, 'cpu')
    state = weights_of(content)
    found = find_key_mapping(state) if form == 'auto' else form
    if found is None:
        raise InputError(
            f"checkpoint '{name}' is none of {', '.join(KEY_MAPPINGS)}; its names are "
            f'{checkpoints.loading.some_of(map(str, state))}'
        )
    result = map_keys(state, found)
    _check(result, found, name, is_compared=config is not None)
    if config is not None:
        _check_config(result.state, config, name)
    _write(result.state, content, name, output)
    return found, result


def _check_output(name: str, output: str, config: str | None) -> None:
    check_apart('OUT', [output], [name, config])
    is_beside = osp.realpath(osp.dirname(output)) == osp.realpath(osp.dirname(name))
    if osp.lexists(output) and is_beside:
        raise InputError(
            f"'{output}' already exists next to '{name}': did a pattern match both? OUT is a "
            'new file, or one in another folder'
        )
    check_file(output)


def _check(result: MappedKeys, form: str, name: str, is_compared: bool) -> None:
    from torch import Tensor

    faults = [f'{key} is left over' for key in result.unknown] or [
        f'{key} is not a tensor'
        for key, each in result.state.items()
        if not isinstance(each, Tensor)
    ]
    if not (faults or is_compared):
        faults = find_missing(result, form)
    if not faults:
        numbers = checkpoints.loading.not_finite(result.state)
        faults = [f'{key} has numbers that are not finite' for key in numbers]
    if faults:
        raise InputError(
            f"checkpoint '{name}', taken for {KEY_MAPPINGS[form].title}: {len(faults)} faults: "
            f'{checkpoints.loading.some_of(faults, "; ")}'
        )


def _check_config(state: dict[str, Any], config: str, name: str) -> None:
    from mmpose_lite.registry import MODELS

    model = MODELS.build(apis.load_config(config, needs=('model',)).model)
    whole = any(key.startswith('backbone.') for key in state)
    checkpoints.load_strictly(model if whole else model.backbone, {'state_dict': state}, name)


def _write(state: dict[str, Any], content: dict[str, Any], name: str, output: str) -> None:
    from mmpose_lite.checkpoints.writing import write_checkpoint

    meta = {'mmpose_lite': __version__, 'converted_from': osp.basename(name), 'iter': 0}
    given = content.get('meta')
    if isinstance(given, dict) and 'dataset_meta' in given:
        meta['dataset_meta'] = given['dataset_meta']
    # Of their own: a tensor is stored with all of the memory that it is a view of.
    tensors = {key: tensor.detach().clone() for key, tensor in state.items()}
    checkpoint = {'meta': meta, 'state_dict': tensors}
    checkpoints.make_plain(checkpoint)
    write_checkpoint(checkpoint, output, resumable=False)


def describe(form: str, result: MappedKeys) -> str:
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
    return '\n'.join([f'taken for {KEY_MAPPINGS[form].title} ({form}), tensors:', *rows])


def _stems(old: str, new: str) -> tuple[str, str]:
    """Cut the parts off two names that they share at the end."""
    ours, theirs = old.split('.'), new.split('.')
    while ours and theirs and ours[-1] == theirs[-1]:
        ours.pop()
        theirs.pop()
    return ''.join(f'{part}.' for part in ours), ''.join(f'{part}.' for part in theirs)


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = parse_with_one_file(make_parser(), argv, 'input')
    check_checkpoint(args.input)
    if args.config is not None:
        find_config(args.config)
    load_libraries('mmpose_lite.checkpoints.loading')
    form, result = convert_checkpoint(
        args.input, args.output, args.form, args.config, args.trust_checkpoint
    )
    print(describe(form, result))
    if not any(name.startswith('backbone.') for name in result.state):
        print(f"a backbone alone: init_cfg=dict(type='Pretrained', checkpoint='{args.output}')")
    print(f'written: {args.output}')


# What the tensors themselves tell of the architecture.

_LAST = 'head.final_layer.weight'
_NUMBERED = re.compile(r'\.([0-9]+)\.weight')


def find_missing(result: MappedKeys, key: str) -> list[str]:
    """Find what a file lacks, or has too much.

    Its backbone must be the HRNet or ResNet, and its head the one of heatmaps or of coordinates,
    that its numbers of layers and channels make.
    """
    if not KEY_MAPPINGS[key].whole:
        return _compare(result.state, '', infer_backbone)
    faults = [
        f'{name} is left over: only --config tells whether it belongs to the model'
        for name in result.state
        if not name.startswith(('backbone.', 'head.'))
    ]
    for start, infer in (('backbone.', infer_backbone), ('head.', infer_head)):
        parts = {k.removeprefix(start): v for k, v in result.state.items() if k.startswith(start)}
        faults += _compare(parts, start, infer)
    return faults or _find_gap(result)


def _compare(given: dict[str, Tensor], start: str, infer: Callable) -> list[str]:
    """Compare a part with the architecture that its own tensors imply."""
    import torch

    from mmpose_lite.registry import MODELS

    try:
        config = infer(given)
        with torch.device('meta'):
            wanted = MODELS.build(config).state_dict()
    except ValueError as error:
        return [f'{start}{error}']
    faults = checkpoints.loading.differences(given, wanted, 'the others ask for')
    return [f'{start}{fault}' for fault in faults]


def _find_gap(result: MappedKeys) -> list[str]:
    """The layers before the last one, where the file numbers them in one sequence with it."""
    stored = next((old for old, new in result.renamed.items() if new == _LAST), '')
    number = _NUMBERED.search(stored)
    units = sum(
        re.fullmatch(r'head\.conv_layers\.[0-9]+\.running_mean', name) is not None
        for name in result.state
    )
    if number is None or int(number[1]) == 3 * units:
        return []
    return [f'{stored} is the first layer of its kind: those before it are missing']


_STAGES = (2, 3, 4)
_KINDS = {2: 'linear layer', 4: 'convolution'}  # by the dimensions of their weights


def infer_backbone(given: dict[str, Tensor]) -> dict[str, Any]:
    """Infer the config of an HRNet or ResNet from the names and shapes of its tensors.

    Raises:
        ValueError: If they are of neither, or one that is needed to tell is missing.
    """
    if any(re.match(r'(transition|stage)[0-9]\.', name) for name in given):
        return {'type': 'HRNet', 'extra': _infer_hrnet(given)}
    if any(re.match(r'layer[0-9]\.', name) for name in given):
        return _infer_resnet(given)
    raise ValueError('* is neither an HRNet nor a ResNet: only --config tells what is missing')


def infer_head(given: dict[str, Tensor]) -> dict[str, Any]:
    """Infer the config of a heatmap or regression head from the names and shapes of its tensors.

    Raises:
        ValueError: If one that is needed to tell is missing, or is of another kind of layer.
    """
    if any(name.startswith('fc.') for name in given):
        numbers, channels = _shape(given, 'fc.weight', 2)
        return {'type': 'RegressionHead', 'in_channels': channels, 'num_joints': numbers // 2}
    deconvs, convs = (_units(given, name) for name in ('deconv_layers', 'conv_layers'))
    final = _shape(given, 'final_layer.weight', 4)
    # A transposed convolution has its inputs first.
    inputs = deconvs[0][0] if deconvs else (*convs, final)[0][1]
    return {
        'type': 'HeatmapHead',
        'in_channels': inputs,
        'out_channels': final[0],
        'deconv_out_channels': [shape[1] for shape in deconvs],
        'deconv_kernel_sizes': [shape[2] for shape in deconvs],
        'conv_out_channels': [shape[0] for shape in convs],
        'conv_kernel_sizes': [shape[2] for shape in convs],
        'final_layer': {'kernel_size': final[2]},
    }


def _units(given: dict[str, Tensor], name: str) -> list[tuple[int, ...]]:
    """The shapes of the convolutions of a sequence: each is followed by its norm and a ReLU."""
    pattern = re.compile(rf'{name}\.([0-9]+)\.')
    last = max((int(found[1]) for each in given if (found := pattern.match(each))), default=-1)
    return [_shape(given, f'{name}.{i}.weight', 4) for i in range(0, last + 1, 3)]


def _infer_resnet(given: dict[str, Tensor]) -> dict[str, Any]:
    from mmpose_lite.models.backbones.residual import BasicBlock, Bottleneck
    from mmpose_lite.models.backbones.resnet import ResNet

    layers = [f'layer{i}' for i in (1, 2, 3, 4)]
    block = Bottleneck if f'{layers[0]}.0.conv3.weight' in given else BasicBlock
    counts = tuple(_count(given, layer) for layer in layers)
    known = ResNet.arch_settings.items()
    depth = next((each for each, setting in known if setting == (block, counts)), None)
    if depth is None:
        raise ValueError(f'layer1 to layer4 have {counts} blocks, which no ResNet has')
    is_deep = any(name.startswith('stem.') for name in given)
    return {
        'type': 'ResNet',
        'depth': depth,
        'stem_channels': _shape(given, f'{"stem.2.conv" if is_deep else "conv1"}.weight', 4)[0],
        'base_channels': _shape(given, f'{layers[0]}.0.conv1.weight', 4)[0],
        'deep_stem': is_deep,
        'avg_down': any('.downsample.2.' in name for name in given),
    }


def _infer_hrnet(given: dict[str, Tensor]) -> dict[str, Any]:
    extra = {'stage1': {'num_modules': 1, 'num_branches': 1, **_blocks(given, ['layer1'])}}
    for stage in _STAGES:
        module = f'stage{stage}.0.branches'
        branches = [f'{module}.{i}' for i in range(stage)]
        extra[f'stage{stage}'] = {
            'num_modules': _count(given, f'stage{stage}'),
            'num_branches': stage,
            **_blocks(given, branches),
        }
    last = f'stage4.{extra["stage4"]["num_modules"] - 1}.fuse_layers'
    extra['stage4']['multiscale_output'] = _count(given, last) > 1
    return extra


def _blocks(given: dict[str, Tensor], branches: list[str]) -> dict[str, Any]:
    return {
        'block': 'BOTTLENECK' if f'{branches[0]}.0.conv3.weight' in given else 'BASIC',
        'num_blocks': tuple(_count(given, branch) for branch in branches),
        'num_channels': tuple(_shape(given, f'{each}.0.conv1.weight', 4)[0] for each in branches),
    }


def _shape(given: dict[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    """The shape of a weight, of so many dimensions, none of which is empty."""
    if name not in given:
        raise ValueError(f'{name} is missing')
    shape = tuple(given[name].shape)
    if len(shape) != dimensions or 0 in shape:
        raise ValueError(f'{name} is {shape}, which is not that of a {_KINDS[dimensions]}')
    return shape


def _count(given: dict[str, Tensor], start: str) -> int:
    """Count the numbers that follow a name; they begin with 0 and leave out none."""
    pattern = re.compile(rf'{re.escape(start)}\.([0-9]+)\.')
    numbers = {int(found[1]) for name in given if (found := pattern.match(name))}
    gap = next(i for i in range(len(numbers) + 1) if i not in numbers)
    if gap < len(numbers) or not numbers:
        raise ValueError(f'{start}.{gap} is missing')
    return len(numbers)
