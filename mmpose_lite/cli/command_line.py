"""The parser of command lines, and the arguments and endings that commands share."""

from __future__ import annotations

import argparse
import os
import os.path as osp
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from mmpose_lite.errors import InputError, nearest
from mmpose_lite.utils.paths import check_apart, check_folder
from mmpose_lite.utils.setup_env import collector_at_rest

if TYPE_CHECKING:  # parsing a command line loads neither torch nor mmengine
    from mmengine.config import Config, ConfigDict

LAUNCHERS = ('none', 'pytorch', 'slurm', 'mpi')
AUGMENT_MODES = ('auto', 'resident', 'stream')
_UNKNOWN = 'unrecognized arguments: '


class CommandParser(argparse.ArgumentParser):
    """A parser that ends a command with one line, which names the nearest option of a mistyped one.

    argparse prints the usage first: twelve lines of it for a training.
    """

    def error(self, message: str) -> NoReturn:
        """Print what is wrong with the command line, and end with exit code 2."""
        if message.startswith(_UNKNOWN):
            message += self._about_options(message.removeprefix(_UNKNOWN).split())
        self.exit(2, f'error: {message}; {self.prog} --help lists the arguments\n')

    def _about_options(self, words: list[str]) -> str:
        hints = ''
        for word in words:
            name = word.partition('=')[0]
            near = nearest(name, self._options()) if name.startswith('--') else []
            hints += f'; the nearest to {name} is {near[0]}' if near else ''
        return hints

    def _options(self) -> set[str]:
        """Collect the options of the parser, and of the parsers of its first words."""
        found = set(self._option_string_actions)
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                found.update(*(each._option_string_actions for each in action.choices.values()))
        return found


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Add the config that a command is about."""
    parser.add_argument('config', help='config file, or the name of a shipped config')


def add_shared_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of trust, output, speed, pictures, overrides and launchers."""
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='read the named files (CKPT, load_from, init_cfg) even if they hold more than plain '
        'data, which may run code: only for files that you trust. A config is Python and is '
        'always run',
    )
    parser.add_argument(
        '--dry-run',
        action='store_true',
        help='build everything, run one batch, print what was built, and leave nothing in the work '
        'dir',
    )
    parser.add_argument('--verbose', action='store_true', help='print the whole log')
    _add_speed_arguments(parser)
    parser.add_argument('--show-dir', help='draw predictions into this folder')
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument(
        '--interval',
        type=int,
        default=1,
        help='draw every n-th batch of a validation (default 1); a test draws every face',
    )
    parser.add_argument(
        '--wait-time', type=float, default=1, help='seconds that a window stays open'
    )
    add_size_argument(parser)
    add_options_argument(parser)
    parser.add_argument(
        '--launcher', choices=LAUNCHERS, default='none', help='program that started the processes'
    )
    # torchrun's predecessor passes the rank as an argument, under either spelling.
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0, help=argparse.SUPPRESS)


def _add_speed_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--amp', action='store_true', help='run forward passes in half precision')
    parser.add_argument(
        '--compile',
        nargs='?',
        const=True,
        metavar='MODE',
        help='compile the network with torch.compile, in a mode such as max-autotune',
    )
    parser.add_argument(
        '--cache',
        nargs='?',
        const=True,
        metavar='DIR',
        help='cut the crops once and keep them here (default `crops` below the data root)',
    )
    parser.add_argument(
        '--augment-on-device',
        nargs='?',
        const='auto',
        choices=AUGMENT_MODES,
        help='augment cached crops in batches on the GPU, which holds all of them if they fit',
    )


def parse_with_one_file(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None, name: str
) -> argparse.Namespace:
    """Parse a command line that names one checkpoint, for which a shell may give several.

    Args:
        parser: The parser.
        argv: The command line.
        name: Of the argument that is a checkpoint.

    Raises:
        InputError: If more files are named than the command takes.
    """
    args, others = parser.parse_known_args(argv)
    if others and (not getattr(args, name) or any(other.startswith('-') for other in others)):
        parser.error(f'{_UNKNOWN}{" ".join(others)}')
    if others:
        files = [getattr(args, name), *others]
        named = ', '.join(f"'{each}'" for each in files)
        raise InputError(
            f'one checkpoint is expected, and there is more than one file: {named}; did a pattern '
            "stand for several? A training's best.pth is its best"
        )
    return args


def parse_counts(
    parser: argparse.ArgumentParser, argv: Sequence[str] | None, *names: str
) -> argparse.Namespace:
    """Parse a command line some of whose options are at least 1 where they are given.

    Args:
        parser: The parser.
        argv: The command line.
        names: Of these options, without dashes in front.
    """
    args = parser.parse_args(argv)
    for name in names:
        value = getattr(args, name.replace('-', '_'))
        if value is not None and value < 1:
            parser.error(f'--{name} {value}: at least 1')
    return args


class _Options(argparse.Action):
    """Values by dotted key, as mmengine's DictAction reads them; others are refused by name."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        options = dict(getattr(namespace, self.dest) or {})
        for option in values:
            key, is_given, value = option.partition('=')
            if not (key and is_given):
                raise argparse.ArgumentError(self, f'{option!r} is not KEY=VALUE')
            try:
                options[key] = read_value(value)
            except ValueError as error:
                raise argparse.ArgumentError(
                    self,
                    f'{option!r}: a value is a number, a word, True, False, None, or a list or '
                    'tuple of these with all its brackets; the keys of a dict are set one by one, '
                    f'{key}.NAME=VALUE',
                ) from error
        setattr(namespace, self.dest, options)
        namespace.option_words = [*getattr(namespace, 'option_words', []), *values]


_HAS_DICT = re.compile(r'(^|[\[(,])[\s\'"]*(dict\(|\{\s*[\'"\d])')
_BRACKETS = {'(': ')', '[': ']'}
_WORDS = {'true': True, 'false': False}


def read_value(text: str) -> Any:
    """Read the value of an option as mmengine's DictAction does, without loading it.

    Args:
        text: A number, a word, ``None``, or several of them: ``1,2``, ``[a,b]``, ``[(1,2),(3,4)]``,
            ``(1,2),(3,4)`` (which mmengine does not read).
            Spaces and outer quotes do not count.

    Raises:
        ValueError: If brackets do not close, or there is a dict or a call of one.
    """
    if _HAS_DICT.search(text):
        raise ValueError(f'{text!r} has a dict')
    text = text.strip('\'"').replace(' ', '')
    items = _split(text) if ',' in text else [text]
    if items != [text]:
        return list(map(read_value, items))
    for brackets, container in (('()', tuple), ('[]', list)):
        if text.startswith(brackets[0]) and text.endswith(brackets[1]):
            return container(map(read_value, _split(text[1:-1])))
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return None if text == 'None' else _WORDS.get(text.lower(), text)


def _split(text: str) -> list[str]:
    """Split a text at the commas that are in no brackets; one at its end is followed by nothing."""
    parts, awaited, start = [], [], 0
    for place, char in enumerate(text):
        if char in _BRACKETS:
            awaited.append(_BRACKETS[char])
        elif char in _BRACKETS.values():
            if not awaited or awaited.pop() != char:
                raise ValueError(f'{text!r}: brackets do not close')
        elif char == ',' and not awaited:
            parts.append(text[start:place])
            start = place + 1
    if awaited:
        raise ValueError(f'{text!r}: brackets do not close')
    return [*parts, text[start:]] if start < len(text) else parts


def add_options_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--cfg-options``, which overrides values of the config."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=_Options,
        metavar='KEY=VALUE',
        help='override values of the config: a.b=1 c="[(1,2),(3,4)]"',
    )


def _read_size(text: str) -> list[str]:
    """The values of ``--cfg-options`` that set a size."""
    found = re.fullmatch(r'(\d{1,5})(?:x(\d{1,5}))?', text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f'{text!r} is neither a side in pixels (128) nor WIDTHxHEIGHT (192x256)'
        )
    return [f'input_size={found[1] if found[2] is None else f"({found[1]},{found[2]})"}']


def add_size_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--input-size``, which sets the config's ``input_size``; see ``set_input_size``."""
    parser.add_argument(
        '--input-size',
        action=_Options,
        dest='cfg_options',
        type=_read_size,
        metavar='SIDE',
        help='side of the crops in pixels, or WIDTHxHEIGHT; sets crops, codec and heatmaps',
    )


def apply_shared_arguments(cfg: Config, args: argparse.Namespace) -> None:
    """Write the shared arguments into a config, with ``work_dir`` decided.

    Raises:
        InputError: If pictures cannot be written to ``--show-dir``, or the config's images are
            there.
    """
    from mmpose_lite.engine.config_rewrites import files_read, set_cache

    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    cfg.launcher = args.launcher
    if args.verbose:
        cfg.verbose = True
    if args.work_dir is not None:
        cfg.work_dir = args.work_dir
    elif cfg.get('work_dir') is None:
        name = osp.basename(cfg.filename or args.config)  # of the file, if a name led there
        cfg.work_dir = osp.join('work_dirs', osp.splitext(name)[0])
    if args.compile is not None:
        cfg.compile = args.compile
    if args.cache is not None:
        set_cache(cfg, args.cache)
    if args.augment_on_device is not None:
        cfg.augment_on_device = args.augment_on_device
    if args.show_dir is not None:
        check_folder(args.show_dir)
        check_apart('--show-dir', [args.show_dir], files_read(cfg), is_deep=False)
    if args.show or args.show_dir is not None:
        folder = args.show_dir and osp.abspath(args.show_dir)
        pictures = hook_settings(cfg, 'visualization', 'PoseVisualizationHook')
        pictures.update(enable=True, show=args.show, out_dir=folder, interval=args.interval)
        if args.show:
            pictures.wait_time = args.wait_time


def trusted_checkpoints(cfg: Config, args: argparse.Namespace) -> list[str]:
    """The files that ``--trust-checkpoint`` is about; none without it.

    Returns:
        The checkpoint that the arguments or ``load_from`` name, and those of ``init_cfg``.

    Raises:
        InputError: If none is named.
    """
    from mmpose_lite.utils.config_utils import places

    if not args.trust_checkpoint:
        return []
    names = [cfg.load_from] if cfg.get('load_from') else []
    # What parts of the model start from.
    parts = (each for _, each in places(cfg.model) if isinstance(each, dict))
    files = (each.get('checkpoint') for each in parts if each.get('type') == 'Pretrained')
    names += [each for each in files if isinstance(each, str)]
    if not names:
        raise InputError('--trust-checkpoint: no checkpoint is named')
    return names


def hook_settings(cfg: Config, name: str, kind: str) -> ConfigDict:
    """The settings of a default hook, which is added where the config has none of that name."""
    from mmengine.config import ConfigDict

    hooks = cfg.setdefault('default_hooks', ConfigDict())
    return hooks.setdefault(name, ConfigDict(type=kind))


def errors_in_one_line(main: Callable[..., None]) -> Callable[..., None]:
    """End a command with one line where its input is wrong; other errors keep their trace."""

    @wraps(main)
    def command(argv: Sequence[str] | None = None) -> None:
        try:
            main(argv)
        except InputError as error:
            message = str(error).strip()
            if 'Original Traceback' in message:  # of a loader's worker, before its message
                message = message.splitlines()[-1].partition('Error: ')[2]
            sys.exit(f'error: {message}')

    return command


def write_results(path: str, content: Any) -> None:
    """Write numbers, lists and arrays as JSON, making the folder where it is missing."""
    import json_tricks

    from mmpose_lite.utils.files import replacing

    Path(path).parent.mkdir(parents=True, exist_ok=True)
    text = json_tricks.dumps(content, primitives=True, indent=1)
    with replacing(path) as file:
        file.write(f'{text}\n'.encode())


def load_libraries(*modules: str) -> None:
    """Import what a command runs, once its arguments are known to be good; it takes seconds."""
    if 'torch' in sys.modules:
        return
    if os.environ.get('RANK', '0') == '0':
        print('loading torch', file=sys.stderr, flush=True)
    with collector_at_rest():
        for module in modules:
            import_module(module)


@contextmanager
def ending_process() -> Iterator[None]:
    """End the process of a group once its work is done, or stopped by a signal."""
    from mmpose_lite.engine.distributed import end_process
    from mmpose_lite.engine.preemption import RunStopped

    try:
        yield
    except RunStopped as stop:
        end_process(stop.code)
        raise
    end_process()
