"""Key mappings: one table of the names that the tensors of a model have in other packages.

The names of its tensors alone tell which mapping a file needs. :mod:`.serialization` renames
whatever is read, so tests, ``init_model``, ``init_cfg`` and trainings know all of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from mmpose_lite.errors import InputError

from .errors import one_line

# What torch.compile puts into names, of a whole model or of a part.
_COMPILED = re.compile(r'(?:(?<=\.)|^)_orig_mod\.')
# Names begin so in a part of a model, not in a wrapper.
_PARTS = ('backbone', 'neck', 'head', 'keypoint_head')
_OWN = 'mmpose1'
_COUNTER = 'num_batches_tracked'  # of batch norms; torch before 0.4.1 had none

# Stands in a rule for the highest number that follows: the last layer of a sequence.
_LAST = 'LAST'
_HRNET = r'(?=(?:conv[12]|bn[12]|layer1|transition[123]|stage[234])\.)'
_OF_HRNET = r'stage4\.[0-9]+\.branches\.'
_CLASSIFIER = r'(?:(?:incre_modules|downsamp_modules|final_layer)\.[0-9]+|classifier)\.'


@dataclass(frozen=True)
class KeyMapping:
    """One way of naming the tensors of a model.

    Attributes:
        title: Whose it is, in words.
        marks: Patterns, each of which begins some name in every such file.
        rules: What a name begins with (a pattern), and what stands there instead; None: the tensor
            has no place here. The first pattern that fits decides.
        whole: Whether it is a backbone with its head.
    """

    title: str
    marks: tuple[str, ...]
    rules: tuple[tuple[str, str | None], ...]
    whole: bool = False


# The first whose marks are all there is what a file speaks.
KEY_MAPPINGS = {
    'mmpose0': KeyMapping(
        'a model of MMPose 0.x',
        marks=(r'keypoint_head\.',),
        rules=(
            (r'keypoint_head\.final_layer\.LAST\.', 'head.final_layer.'),
            (r'keypoint_head\.final_layer\.(?=[0-9])', 'head.conv_layers.'),
            (r'keypoint_head\.', 'head.'),
            (r'(?=(?:backbone|neck)\.)', ''),
        ),
        whole=True,
    ),
    'mmpose1': KeyMapping(
        'a model of MMPose 1.x, or of this package',
        marks=(r'backbone\.', r'head\.'),
        rules=((r'(?=(?:backbone|neck|head)\.)', ''),),
        whole=True,
    ),
    'hrnet-face': KeyMapping(
        'a model of HRNet-Facial-Landmark-Detection',
        marks=(_OF_HRNET, r'head\.0\.weight$', r'head\.1\.running_mean$'),
        rules=(
            (_HRNET, 'backbone.'),
            (r'head\.LAST\.', 'head.final_layer.'),
            (r'head\.(?=[0-9])', 'head.conv_layers.'),
        ),
        whole=True,
    ),
    'hrnet-imagenet': KeyMapping(
        'an HRNetV2 that classifies ImageNet (the original, msra/hrnetv2_w18, timm)',
        marks=(_OF_HRNET, r'incre_modules\.', r'classifier\.'),
        rules=((_HRNET, ''), (_CLASSIFIER, None)),
    ),
    'timm': KeyMapping(
        "timm's HRNet",
        marks=(_OF_HRNET, r'conv1\.'),
        rules=((_HRNET, ''), (_CLASSIFIER, None)),
    ),
}


@dataclass
class MappedKeys:
    """The tensors of a file under their names here, and what became of the others.

    Attributes:
        state: Tensors by their names here; those whose names no rule knows keep them.
        renamed: Old names and new ones.
        left_out: Old names of tensors that have no place here.
        unknown: Names that no rule knows.
        made: Names of counters that the file lacks.
    """

    state: dict[str, Any]
    renamed: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)


def find_key_mapping(names: Iterable[str]) -> str | None:
    """Find the key of :data:`KEY_MAPPINGS` that fits names, whatever wraps them; None if none."""
    return _recognise(names)[0]


def _recognise(names: Iterable[str]) -> tuple[str | None, dict[str, str]]:
    """Find the mapping of names, and the bare name of each."""
    stored = {name: name for name in names}
    for bare in ways_to_unwrap(stored):
        for key, mapping in KEY_MAPPINGS.items():
            patterns = [re.compile(mark) for mark in mapping.marks]
            if all(any(pattern.match(name) for name in bare.values()) for pattern in patterns):
                return key, bare
    return None, stored


def map_keys(state: dict[str, Any], key: str) -> MappedKeys:
    """Rename the tensors of a file by one of :data:`KEY_MAPPINGS`; what wraps all is taken off.

    Raises:
        InputError: If two tensors would have one name.
    """
    names = _recognise(state)[1]
    rules = [(_numbered(rule, names.values()), new) for rule, new in KEY_MAPPINGS[key].rules]
    result = MappedKeys({})
    for stored, old in names.items():
        new: str | None = old
        rule = next((rule for rule in rules if rule[0].match(old)), None)
        if rule is None:
            result.unknown.append(stored)
        else:
            new = None if rule[1] is None else rule[0].sub(rule[1], old, count=1)
        if new is None:
            result.left_out.append(stored)
            continue
        if new in result.state:
            other = next(each for each, name in result.renamed.items() if name == new)
            raise InputError(f'{one_line(stored)} and {one_line(other)} are both {one_line(new)}')
        result.renamed[stored] = new
        result.state[new] = state[stored]
    _add_counters(result)
    return result


def ways_to_unwrap(names: Iterable[str]) -> Iterator[dict[str, str]]:
    """Give each of some names as it is, and with more and more taken off; no two become one.

    What wraps a model (``module.``, ``model.``, several) is a prefix that all of them have, and
    ``_orig_mod.`` anywhere.
    """
    stored = {name: name for name in names}
    yield stored
    bare = {name: _COMPILED.sub('', name) for name in stored}
    while stored and len(set(bare.values())) == len(stored):
        yield bare
        start = next(iter(bare.values())).partition('.')[0]
        if start in _PARTS or not all(name.startswith(f'{start}.') for name in bare.values()):
            return
        bare = {each: name.removeprefix(f'{start}.') for each, name in bare.items()}


def describe_wrapper(names: Mapping[str, str]) -> str | None:
    """Say what one of :func:`ways_to_unwrap` takes off; None if it is nothing."""
    changed = next(((old, new) for old, new in names.items() if old != new), None)
    if changed is None:
        return None
    old, new = changed
    prefix = old.removesuffix(new) if old.endswith(new) else '_orig_mod.'
    return f"'{one_line(prefix)}' is taken off the names of its tensors"


def _numbered(rule: str, names: Iterable[str]) -> re.Pattern[str]:
    """Put the highest number that follows in place of ``LAST``."""
    start, last, end = rule.partition(_LAST)
    if not last:
        return re.compile(rule)
    numbers = [found[1] for name in names if (found := re.match(rf'{start}([0-9]{{1,9}})\.', name))]
    return re.compile(f'{start}{max(numbers, key=int, default="(?!)")}{end}')


def _add_counters(result: MappedKeys) -> None:
    import torch  # a command's help shows the names, which need none

    ending = '.running_var'
    for name in [name for name in result.state if name.endswith(ending)]:
        counter = f'{name.removesuffix(ending)}.{_COUNTER}'
        if counter not in result.state and isinstance(result.state[name], torch.Tensor):
            result.state[counter] = torch.tensor(0)
            result.made.append(counter)


_as_stored: ContextVar[bool] = ContextVar('names_as_stored', default=False)


@contextmanager
def names_as_stored() -> Iterator[None]:
    """Read files with their tensors' own names, while the context lasts."""
    token = _as_stored.set(True)
    try:
        yield
    finally:
        _as_stored.reset(token)


def map_checkpoint(checkpoint: dict[str, Any]) -> str | None:
    """Rename the tensors of what was read, in place, if they speak what is known.

    Returns:
        What was done, in words; None if nothing was.

    Raises:
        InputError: If two tensors would have one name.
    """
    state = weights_of(checkpoint)
    key, bare = (None, {}) if _as_stored.get() else _recognise(state)
    wrapper = describe_wrapper(bare)
    # Our own names may be wrapped in the model, too: that is seen when they are loaded.
    if key is None or (key == _OWN and wrapper is not None):
        return None
    result = map_keys(state, key)
    if list(result.state) == list(state):
        return None
    if state is checkpoint:
        checkpoint.clear()
        checkpoint.update(result.state)
    else:
        checkpoint['state_dict'] = result.state
    moved = sum(old != new for old, new in result.renamed.items())
    counts = (f'{moved} tensors renamed', f'{len(result.left_out)} left out')
    said = f'it is {KEY_MAPPINGS[key].title}: {", ".join(counts)}'
    return said if wrapper is None else f'{wrapper}; {said}'


def weights_of(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """The tensors of what was read: its ``state_dict``, or itself if it has none."""
    state = checkpoint.get('state_dict', checkpoint)
    return state if isinstance(state, dict) else {}
