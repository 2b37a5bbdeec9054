"""Messages that the pages quote: their words are in a message of the code."""

import ast
import re
from functools import cache

import pytest

from helpers.processes import ROOT

# Whole pages, or for tables of messages their lines.
QUOTING = {'docs/faq.md': r'^### .*', 'docs/own_points.md': r'^\|.*'}
# What a page puts in place of what a message has: names, numbers and paths.
_PLACES = re.compile(r"\.\.\.|'[^']*'|\b[A-Z]+\b|=?\([^)]*\)|[\d./%]*\d[\d./%]*|[\w./]+\.\w+|: ")
# Quotes that are no messages of this project.
OTHERS = {'No space left on device': 'of the system'}


@cache
def messages():
    """All texts of the package, those with fields as lists of their fixed parts."""
    found = []
    for path in sorted((ROOT / 'mmpose_lite').rglob('*.py')):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            if isinstance(node, ast.JoinedStr):
                values = [getattr(each, 'value', None) for each in node.values]
                found.append([each if isinstance(each, str) else '' for each in values])
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append([node.value])
    return found


def is_message(quote):
    """Tell if a text of the package has the words of a quote, or makes all of them."""
    words = longest_part(quote).split()
    start = ' '.join(words[:4])  # a later word may be a field
    if len(words) >= 2 and any(start in '\0'.join(parts) for parts in messages()):
        return True
    return any(re.search(made, quote) for made in made_messages())


@cache
def made_messages():
    """Patterns of messages with fields; what follows a colon may be left out of a quote."""
    patterns = []
    for parts in messages():
        head = '\0'.join(parts).partition(': ')[0]
        fixed = [re.escape(part.strip()) for part in head.split('\0') if part.strip()]
        if '\0' in head and sum(map(len, fixed)) > 8:
            patterns.append('.+'.join(fixed))
    return patterns


def quoted(page, lines):
    """Inline code of at least three words that is not a command and no setting."""
    text = (ROOT / page).read_text(encoding='utf-8')
    for line in re.findall(lines, text, re.MULTILINE):
        for code in re.findall(r'`([^`]+)`', line):
            is_setting = re.match(r'(mmpose-lite|pip|python|--|\w+ ?= ?)', code)
            if len(code.split()) >= 3 and not is_setting and code not in OTHERS:
                yield code


def longest_part(message):
    """The longest part of a quoted message that stands for nothing else."""
    return max((part.strip(' ,;') for part in _PLACES.split(message)), key=len)


QUOTES = [
    pytest.param(code, id=f'{page}-{code[:40]}')
    for page, lines in QUOTING.items()
    for code in quoted(page, lines)
]


def test_quotes_are_found():
    assert len(QUOTES) > 20


@pytest.mark.parametrize('message', QUOTES)
def test_a_quoted_message_is_one_of_the_code(message):
    assert is_message(message)


@pytest.mark.parametrize(
    'message', ['the hats are too large', "'a=1' reaches nobody", '... is of no use at all']
)
def test_other_messages_are_none(message):
    assert not is_message(message)


@pytest.mark.parametrize(
    ('message', 'part'),
    [
        ('a.0 ... is a warm-up over 500, and the run has 42 iterations', 'is a warm-up over'),
        ("'codec.sigma=1' reaches nothing at all", 'reaches nothing at all'),
        ('this needs PACKAGE: pip install PACKAGE', 'pip install'),
    ],
)
def test_names_and_numbers_are_left_out(message, part):
    assert longest_part(message) == part
