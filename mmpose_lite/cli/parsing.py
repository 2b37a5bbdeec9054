"""The parser of a command line."""

from __future__ import annotations

import argparse
from typing import NoReturn

from mmpose_lite.errors import nearest

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
