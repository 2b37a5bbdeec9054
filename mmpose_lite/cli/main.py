"""``mmpose-lite COMMAND`` and ``python -m mmpose_lite COMMAND``.

Help, completion and dispatch follow from one table; a command's module is imported when it runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import NamedTuple

from mmpose_lite.errors import nearest
from mmpose_lite.utils.paths import shipped_configs
from mmpose_lite.utils.setup_env import collector_at_rest
from mmpose_lite.utils.threads import limit_threads
from mmpose_lite.version import __version__

PROGRAM = 'mmpose-lite'
SHELLS = ('bash', 'zsh', 'tcsh')


class Command(NamedTuple):
    """A command.

    Attributes:
        module: The module in this package whose ``make_parser`` and ``main`` it is.
        summary: Its line in the help.
        words: Words that these are given: the command, where a module serves several.
        threads: Whether it computes itself, with as many threads as there are cores.
    """

    module: str
    summary: str
    words: tuple[str, ...] = ()
    threads: bool = True


COMMANDS = {
    'quickstart': Command(
        'quickstart', 'render faces, fine-tune weights on them, test and draw', threads=False
    ),
    'make-synthetic': Command(
        'make_synthetic', 'render a set of faces in the form of AFLW, 300W or WFLW', threads=False
    ),
    'train': Command('train', 'train a model from a config'),
    'test': Command('test', 'test a checkpoint'),
    'adapt': Command('adapt', 'fit weights to your annotations with a few annotated faces'),
    'calibrate': Command('calibrate', "convert a detector's boxes, and turn scores into errors"),
    'report': Command('report', 'write a page about one test run or several'),
    'check-data': Command('check_data', 'check every image and annotation that a config names'),
    'browse': Command('browse_dataset', 'draw the faces of a data set'),
    'analyze-logs': Command('analyze_logs', 'compare training runs by their logs'),
    'predict': Command('predict', 'find faces and their landmarks in photographs and videos'),
    'export': Command('export', 'export a model to ONNX, OpenVINO or torch.export'),
    'demo': Command('demo', 'write a web page in which a model runs, or serve it'),
    'bench': Command('bench', 'time exported files and their model'),
    'info': Command('info', 'print what a checkpoint or an exported file contains'),
    'publish': Command('publish', 'write a checkpoint to share, with a model card'),
    'convert': Command('convert', 'convert annotations of data sets and labelling tools'),
    'convert-checkpoint': Command('convert_checkpoint', 'convert weights of other packages'),
    'dist-train': Command('dist', 'train in several processes', ('dist-train',), threads=False),
    'dist-test': Command('dist', 'test in several processes', ('dist-test',), threads=False),
    'print-config': Command('print_config', 'show each value of a config, and where it is set'),
    'doctor': Command('doctor', 'check the environment, and print how to fix it', threads=False),
}
# Names of tools that are those of no command.
_ALIASES = {'browse-dataset': 'browse', 'make-synthetic-aflw': 'make-synthetic'}


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run the command that the first argument names, with the others; without one, print the help.

    Returns:
        The exit status: 2 where there is no such command.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    name, *others = arguments or ['--help']
    if name in ('-h', '--help', 'help'):
        print(*_help_lines(), sep='\n')
        return 0
    if name == '--version':
        print(f'{PROGRAM} {__version__}')
        return 0
    if name == '--print-completion':
        return _print_completion(others)
    command = COMMANDS.get(_canonical(name))
    if command is None:
        print(f'error: {_about_unknown(name)}', file=sys.stderr)
        return 2
    if argv is None and command.threads:  # a program that calls this has the threads it chose
        limit_threads()  # OpenMP reads its variables as torch loads
    with collector_at_rest():
        module = import_module(f'.{command.module}', __package__)
    return module.main([*command.words, *others])


def _canonical(name: str) -> str:
    """The name that a command has in the table; words may be joined by underscores."""
    name = name.replace('_', '-')
    return _ALIASES.get(name, name)


def _help_lines() -> Iterator[str]:
    width = max(map(len, COMMANDS))
    yield f'usage: {PROGRAM} COMMAND ...\n'
    yield 'Train, test and use face-landmark models from MMPose configs.\n'
    for name, command in COMMANDS.items():
        yield f'  {name:<{width}}  {command.summary}'
    yield f'\n{PROGRAM} COMMAND --help lists the arguments of a command. {PROGRAM} --version and'
    yield f'{PROGRAM} --print-completion SHELL ({", ".join(SHELLS)}) are there, too.'
    yield f'python -m mmpose_lite is the same; without a command it is {PROGRAM} doctor.'


def _about_unknown(name: str) -> str:
    near = nearest(_canonical(name), COMMANDS)
    hint = f'; the nearest is {" or ".join(near)}' if near else ''
    return f"'{name}' is not a command{hint}; {PROGRAM} --help lists them"


def _print_completion(arguments: Sequence[str]) -> int:
    """Print what teaches a shell to complete commands, options and files."""
    if len(arguments) != 1 or arguments[0] not in SHELLS:
        print(f'error: --print-completion must be one of {", ".join(SHELLS)}', file=sys.stderr)
        return 2
    try:
        import shtab
    except ImportError:
        print('error: --print-completion needs shtab: pip install "shtab>=1.13"', file=sys.stderr)
        return 1
    (shell,) = arguments
    names = ' '.join(path.stem for path in shipped_configs())
    preamble = _PREAMBLES[shell].format(names=names)
    print(shtab.complete(make_parser(), shell, preamble=preamble))
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Make one parser of all commands, with what completes their arguments."""
    parser = argparse.ArgumentParser(prog=PROGRAM)
    parser.add_argument('--version', action='store_true', help='print the version')
    parser.add_argument('--print-completion', choices=SHELLS, help='print a completion script')
    commands = parser.add_subparsers()
    for name, command in COMMANDS.items():
        module = import_module(f'.{command.module}', __package__)
        own = module.make_parser(*command.words)
        commands.add_parser(name, help=command.summary, parents=[own], add_help=False)
    for each in commands.choices.values():
        _complete_files(each)
    return parser


# As shtab names them; a parser says so in an attribute of an argument.
_FILES = {'bash': '_shtab_compgen_files', 'zsh': '_files', 'tcsh': 'f'}
_FOLDERS = {'bash': '_shtab_compgen_dirs', 'zsh': '_files -/', 'tcsh': 'd'}
# Files, and the names of shipped configs.
_CONFIGS = {'bash': '_mmpose_lite_configs', 'zsh': '_mmpose_lite_configs', 'tcsh': 'f'}
_PREAMBLES = {
    'bash': '_mmpose_lite_configs() {{ compgen -f -- "$1"; compgen -W "{names}" -- "$1"; }}',
    'zsh': '_mmpose_lite_configs() {{ _files; compadd {names} }}',
    'tcsh': '',
}
_WITHOUT_FILES = ('MODE', 'WHERE', 'N', 'KEY', 'NAME', 'ID', 'KEY=VALUE', 'SET=FACES', 'COUNT')


def _complete_files(parser: argparse.ArgumentParser) -> None:
    """Complete the arguments of a parser that are files or folders, and those of its own parsers.

    A folder has the metavar ``DIR``, or is called one; what has choices, a type, or a metavar that
    says otherwise is no file.
    """
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                _complete_files(each)
        elif action.nargs == 0 or action.choices is not None or action.type is not None:
            continue
        elif action.dest == 'config':
            action.complete = _CONFIGS  # type: ignore[attr-defined]
        elif action.metavar == 'DIR' or action.dest.endswith(('dir', 'root')):
            action.complete = _FOLDERS  # type: ignore[attr-defined]
        elif action.metavar not in _WITHOUT_FILES:
            action.complete = _FILES  # type: ignore[attr-defined]
