"""``python -m mmpose_lite COMMAND``: the tools, where there is no checkout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from mmpose_lite.errors import about_nearest
from mmpose_lite.utils import collector_at_rest

_COMMANDS = {
    'train': ('mmpose_lite.cli.train', 'train a model from a config'),
    'convert': ('mmpose_lite.cli.convert', 'convert the annotations of a data set'),
    'browse_dataset': ('mmpose_lite.cli.browse_dataset', 'draw the faces that a config names'),
    'check_data': ('mmpose_lite.cli.check_data', 'check the data that a config names'),
    'test': ('mmpose_lite.cli.test', 'test a checkpoint'),
    'report': ('mmpose_lite.cli.report', 'write a report on test runs from their dumps'),
    'analyze_logs': ('mmpose_lite.cli.analyze_logs', 'compare trainings by their logs'),
    'convert_checkpoint': (
        'mmpose_lite.cli.convert_checkpoint',
        'convert weights of other packages',
    ),
}


def main(argv: Sequence[str]) -> int | None:
    """Run the command that the first argument names, with the others.

    Returns:
        The exit status: 2 where there is no such command.
    """
    if argv[0] in ('-h', '--help'):
        lines = [f'  {name:<20}{text}' for name, (_, text) in _COMMANDS.items()]
        print('usage: python -m mmpose_lite COMMAND ...', *lines, sep='\n', file=sys.stderr)
        return 0
    if argv[0] not in _COMMANDS:
        hint = about_nearest(argv[0].replace('-', '_'), _COMMANDS)
        print(
            f"error: '{argv[0]}' is no command; {hint} of {', '.join(_COMMANDS)}", file=sys.stderr
        )
        return 2
    with collector_at_rest():
        module = import_module(_COMMANDS[argv[0]][0])
    return module.main(argv[1:])
