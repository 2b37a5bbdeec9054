"""Training and testing in several processes, of one machine or of several."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence

from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import check_checkpoint, find_config

from .command_line import CommandParser, add_config_argument

# The launcher's arguments, by the variables that describe several machines.
_VARIABLES = {
    'NNODES': 'nnodes',
    'NODE_RANK': 'node_rank',
    'PORT': 'master_port',
    'JOIN_SECONDS': 'join_seconds',
    'STOP_SECONDS': 'stop_seconds',
}
_MOST_DIGITS = 6


def make_parser(command: str) -> argparse.ArgumentParser:
    """Make the parser of ``dist-train`` or ``dist-test``."""
    verb = command.removeprefix('dist-')
    parser = CommandParser(
        prog=f'mmpose-lite {command}',
        description=f'{verb.capitalize()} in several processes. If one of them dies, all end.',
        epilog='For several machines, run this command on each and set the environment variables '
        'NNODES, NODE_RANK, MASTER_ADDR and PORT. JOIN_SECONDS limits how long they wait for each '
        'other, STOP_SECONDS how long a stopped run may save.',
    )
    add_config_argument(parser)
    if verb == 'test':
        parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument(
        'processes', type=int, metavar='COUNT', help='processes on this machine, one per GPU'
    )
    own = f'arguments of mmpose-lite {verb}'
    parser.add_argument('arguments', nargs=argparse.REMAINDER, metavar='...', help=own)
    return parser


def launcher_arguments(argv: Sequence[str], environ: dict[str, str]) -> list[str]:
    """Lay out the arguments of :func:`mmpose_lite.launch.launcher.main`.

    Args:
        argv: ``dist-train`` or ``dist-test``, and its arguments.
        environ: The environment.

    Raises:
        InputError: If a variable is no number, or a file is not there.
    """
    command, *others = argv
    args = make_parser(command).parse_args(others)
    find_config(args.config)
    files = [args.config]
    if command == 'dist-test':
        check_checkpoint(args.checkpoint)
        files.append(args.checkpoint)
    if args.processes < 1:
        raise InputError(f'{args.processes} is not a number of processes')
    verb = command.removeprefix('dist-')
    words = ['-m', 'mmpose_lite', verb, *files, '--launcher', 'pytorch', *args.arguments]
    return [*_rendezvous(environ), f'--nproc_per_node={args.processes}', *words]


def _rendezvous(environ: dict[str, str]) -> Iterator[str]:
    """The arguments that say which machine this is, and how it finds the others."""
    for variable, name in _VARIABLES.items():
        value = environ.get(variable, '')
        if value and not (value.isdecimal() and len(value) <= _MOST_DIGITS):
            raise InputError(f'{variable}={value!r} is not a whole number below {10**_MOST_DIGITS}')
        if value:
            yield f'--{name}={value}'
    if environ.get('NNODES', '1') not in ('', '1') and environ.get('MASTER_ADDR'):
        yield f'--master_addr={environ["MASTER_ADDR"]}'


def main(argv: Sequence[str]) -> int:
    """Run the command that the first word names; return its exit status."""
    try:
        arguments = launcher_arguments(argv, dict(os.environ))
    except InputError as error:
        raise SystemExit(f'error: {error}') from None
    from mmpose_lite.launch.launcher import main as launch

    return launch(arguments)
