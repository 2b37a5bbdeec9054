"""``python -m mmpose_lite COMMAND``: the tools, where there is no checkout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

_COMMANDS = {
    'train': ('mmpose_lite.apis.train', 'train a model from a config'),
    'test': ('mmpose_lite.apis.test', 'test a checkpoint'),
}


def main(argv: Sequence[str]) -> int | None:
    """Run the command that the first argument names, with the others."""
    if argv[0] not in _COMMANDS:
        lines = [f'  {name:<8}{text}' for name, (_, text) in _COMMANDS.items()]
        print('usage: python -m mmpose_lite COMMAND ...', *lines, sep='\n', file=sys.stderr)
        return 0 if argv[0] in ('-h', '--help') else 2
    return import_module(_COMMANDS[argv[0]][0]).main(argv[1:])
