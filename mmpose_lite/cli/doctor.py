"""Reporting on the environment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from mmpose_lite.utils.collect_env import Problem, check_env, collect_env
from mmpose_lite.utils.paths import config_root

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
        try:
            env['Configs'] = str(config_root())
        except FileNotFoundError as error:
            fix = 'pip install --force-reinstall --no-deps mmpose_lite'
            env['Configs'], problems = 'not found', [Problem(str(error), fix)]
    width = max(map(len, env))
    for name, value in env.items():
        print(f'{name:<{width}}  {value}')
    print()
    for problem in problems:
        print(f'PROBLEM  {problem.what}\n    fix  {problem.fix}')
    if not problems:
        print('Nothing is wrong.')
    return int(bool(problems))
