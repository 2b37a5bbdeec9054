"""Commands and Python of the documents: what a page shows can be typed."""

import ast
import textwrap
from importlib import import_module

import pytest

from helpers.pages import blocks_of, commands_of
from helpers.processes import ROOT
from mmpose_lite.cli.main import COMMANDS

PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').rglob('*.md'))]
PAGES += sorted((ROOT / 'configs').rglob('*.md'))
BLOCKS = [block for page in PAGES for block in blocks_of(page)]
COMMAND_LINES = [
    pytest.param(words, id=f'{block.place}-{" ".join(words)}'[:90])
    for block in BLOCKS
    for words in commands_of(block)
]
PYTHON_BLOCKS = [pytest.param(each, id=each.place) for each in BLOCKS if each.is_python]


def test_blocks_are_found():
    assert len(BLOCKS) > 70
    assert len(COMMAND_LINES) > 60
    assert len(PYTHON_BLOCKS) > 25


@pytest.mark.parametrize('words', COMMAND_LINES)
def test_a_command_has_the_arguments_that_a_page_shows(words):
    name, *arguments = words or ['--help']
    if name.startswith('--') or name.isupper():  # the program's own; `mmpose-lite COMMAND --help`
        return
    command = COMMANDS[name]
    module = import_module(f'mmpose_lite.cli.{command.module}')
    parser = module.make_parser(*command.words)
    if '--help' not in arguments:
        parser.parse_args(arguments)


@pytest.mark.parametrize('block', PYTHON_BLOCKS)
def test_python_can_be_parsed(block):
    ast.parse(textwrap.dedent(block.text))
