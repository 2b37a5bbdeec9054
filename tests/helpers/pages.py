"""Code blocks of the documents, and the commands of this project in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from helpers.processes import ROOT
from mmpose_lite.cli.main import PROGRAM

# Words that stand for a number.
NUMBERS = {'GPUS': '8', 'COUNT': '8', 'N': '8', '$GPUS': '8'}
# Tools whose command has another name.
TOOLS = {'browse_dataset': 'browse', 'make_synthetic_aflw': 'make-synthetic'}
COMMAND = re.compile(rf'({PROGRAM}|python -m mmpose_lite|(python )?tools/\w+\.(py|sh))\b')
# A block that begins so is Python; what is left out in it is an ellipsis.
PYTHON = re.compile(
    r'(from|import|def|class|for|with|if|@|print\()|[a-z_][\w.]*(\[[^\]]*\])* ?(=|\+=) ?(?!=)'
)


class Block(NamedTuple):
    """A code block: its page, the number of its first line, and its text."""

    page: Path
    line: int
    text: str

    @property
    def place(self) -> str:
        return f'{self.page.relative_to(ROOT)}:{self.line}'

    @property
    def is_python(self) -> bool:
        return bool(PYTHON.match(self.text.lstrip('# \n')))


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced and indented blocks of a page."""
    lines = page.read_text(encoding='utf-8').splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        before = lines[number - 1] if number else ''
        if line.lstrip().startswith('```'):
            end = next(i for i in range(number + 1, len(lines)) if lines[i].lstrip()[:3] == '```')
            text = '\n'.join(each.strip('\n') for each in lines[number + 1 : end])
            yield Block(page, number + 2, text)
            number = end
        elif line.startswith('    ') and not before.strip():
            end = number
            while end < len(lines) and (lines[end].startswith('    ') or not lines[end].strip()):
                end += 1
            yield Block(page, number + 1, '\n'.join(each[4:] for each in lines[number:end]))
            number = end - 1
        number += 1


def commands_of(block: Block) -> Iterator[list[str]]:
    """The words of the commands of this project that a block has."""
    for line in block.text.replace('\\\n', ' ').splitlines():
        for part in re.split(r' && |; ', line.strip()):
            plain = re.sub(r'\s+[#>].*', '', part)  # the text that follows a command
            if COMMAND.match(plain):
                yield words_of(plain)


def words_of(command: str) -> list[str]:
    """The command and its arguments; those in brackets are typed, and of choices the first."""
    plain = re.sub(r'[\[\]]', '', command).replace('...', '')
    program, *words = shlex.split(plain.removeprefix('python '))
    if program.startswith('tools/'):
        name = Path(program).stem
        words = [TOOLS.get(name, name.replace('_', '-')), *words]
    elif program == '-m':
        words = words[1:]
    return [NUMBERS.get(word, word).split('|')[0] for word in words]
