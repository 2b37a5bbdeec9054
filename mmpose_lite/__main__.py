"""``python -m mmpose_lite``: a report on the environment; with arguments, a command."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .utils import Problem, check_env, collect_env, collector_at_rest
from .utils.threads import limit_threads


def report() -> int:
    """Print the environment and its problems; return the exit code, 1 if there are any."""
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
    from .structures import config_root

    try:
        return str(config_root()), []
    except FileNotFoundError as error:
        return 'not found', [
            Problem(str(error), 'pip install --force-reinstall --no-deps mmpose_lite')
        ]


def main(argv: Sequence[str] | None = None) -> int | None:
    """Run the command that the arguments name; without any, report on the environment."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not arguments:
        return report()
    limit_threads()  # OpenMP reads its variables as torch loads
    with collector_at_rest():
        from mmpose_lite.cli.commands import main as run_command
    return run_command(arguments)


if __name__ == '__main__':
    sys.exit(main())
