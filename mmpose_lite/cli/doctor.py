"""Reporting on the environment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mmpose_lite.utils.collect_env import Problem, check_env, collect_env

from .command_line import CommandParser


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    return CommandParser(
        prog='mmpose-lite doctor',
        description='Print the environment, its problems, and the commands that fix them.',
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print the environment and its problems; return the exit code, 1 if there are any."""
    make_parser().parse_args(argv)
    print('importing each package', file=sys.stderr, flush=True)  # takes seconds
    problems = check_env()
    env = collect_env()
    if not problems:
        env['Configs'], problems = _find_configs()
    width = max(map(len, env))
    for name, value in env.items():
        print(f'{name:<{width}}  {value}')
    print()
    for problem in problems:
        print(f'PROBLEM  {problem.what}\n    fix  {problem.fix}')
    if not problems:
        print('Nothing is wrong.')
    return int(bool(problems))


def _find_configs() -> tuple[str, list[Problem]]:
    # Imported here because it needs the packages that check_env has found to be there.
    from mmpose_lite.structures import config_root

    try:
        return str(config_root()), []
    except FileNotFoundError as error:
        return 'not found', [
            Problem(str(error), 'pip install --force-reinstall --no-deps mmpose_lite')
        ]
