"""Hooks of MkDocs: made pages, links, roles of docstrings, and the order of a search.

The pages of the configs, CONTRIBUTING.md and CHANGELOG.md lie beside what they are about; the list
of commands follows from the parsers. Links between them work in the checkout and on the site.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

_PAGES = ('CONTRIBUTING.md', 'CHANGELOG.md', *sorted(map(str, Path('configs').rglob('*.md'))))
# Inline links to files of the checkout, not to other sites or places of the same page.
_LINK = re.compile(r'(?<!!)\[([^\]]+)\]\((?!\w+://|mailto:|#)([^)#\s]+)(#[^)\s]*)?\)')
_ROLE = re.compile(r':(?:func|class|meth|data|mod|attr|exc):<code>~?\.?([\w.]+)</code>')
# Where a search looks first and last, by the start of a page's path.
_BOOSTS = {
    'faq.md': 3,
    'start.md': 3,
    'predict.md': 2,
    'glossary.md': 3.1,
    'confidence.md': 3,
    'commands.md': 0.3,
    'results': 0.3,
    'from_mmpose.md': 0.5,
    'CHANGELOG.md': 0.3,
    'CONTRIBUTING.md': 0.3,
    'performance.md': 0.3,
    'reliability.md': 0.3,
    'internals/': 0.3,
    'configs/': 0.3,
    'api/': 0.3,
}
log = logging.getLogger('mkdocs.hooks.links')


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are not below ``docs``."""
    for path in _PAGES:
        files.append(File.generated(config, path, content=(ROOT / path).read_text('utf-8')))
    return files


def on_page_markdown(markdown: str, page: Page, config: Any, files: Files) -> str:
    """Make links to files of the checkout links of the site.

    A file that is no page becomes its path: a reader with a checkout finds it there.
    """
    made = page.file.src_uri
    _set_boost(page)
    source = ROOT / made if made in _PAGES else ROOT / 'docs' / made

    def relink(match: re.Match[str]) -> str:
        text, target, place = match[1], match[2], match[3] or ''
        path = (source.parent / target).resolve()
        inside = path.relative_to(ROOT).as_posix()
        uri = inside.removeprefix('docs/')
        if not path.exists():
            log.warning("'%s' links to '%s', which does not exist", made, target)
            return match[0]
        if files.get_file_from_path(uri) is None:
            return f'`{inside}`' if text.strip('`') in inside else f'{text} (`{inside}`)'
        return f'[{text}]({os.path.relpath(uri, Path(made).parent)}{place})'

    linked = _LINK.sub(relink, markdown)
    if made == 'index.md':
        page.meta['hide'] = ['navigation', 'toc']
    return f'{linked}\n{_commands()}' if made == 'commands.md' else linked


def _set_boost(page: Page) -> None:
    found = (boost for start, boost in _BOOSTS.items() if page.file.src_uri.startswith(start))
    page.meta['search'] = {'boost': next(found, 1)}


def on_page_content(html: str, page: Page, config: Any, files: Files) -> str:
    """Show the roles of docstrings, such as ``:func:`.train```, as the name alone."""
    return _ROLE.sub(r'<code>\1</code>', html)


def on_post_template(output: str, template_name: str, config: Any) -> str:
    """Make links of the page for missing addresses relative to its ``<base>``, the site's root."""
    if template_name != '404.html':
        return output
    root = re.escape(urlsplit(config['site_url'] or '').path or '/')
    linked = re.sub(rf'((?:href|src)="|"search": ")(?!//){root}', r'\1', output)
    linked = re.sub(rf'new URL\("{root}",location\)', 'new URL(".",document.baseURI)', linked)
    return linked.replace('href="#', 'href="404.html#')


def _commands() -> str:
    """A section for each command: its arguments, as its parser has them."""
    from mmpose_lite.cli.main import COMMANDS, PROGRAM

    parts = []
    for name, command in COMMANDS.items():
        module = import_module(f'mmpose_lite.cli.{command.module}')
        parser = module.make_parser(*command.words)
        parts.append(f'## {name}\n\n{command.summary[:1].upper()}{command.summary[1:]}.\n')
        parts += _arguments(parser, f'{PROGRAM} {name}')
    return '\n'.join(parts)


def _arguments(parser: argparse.ArgumentParser, program: str) -> list[str]:
    parser.prog = program
    formatter = argparse.HelpFormatter(program, width=100)
    formatter.add_usage(None, parser._actions, parser._mutually_exclusive_groups, prefix='')
    parts = [f'```text\n{formatter.format_help().strip()}\n```\n']
    rows, nested = [], []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            nested += action.choices.items()
        elif action.help is not argparse.SUPPRESS and action.dest != 'help':
            rows.append(f'| {_name(action)} | {_text(parser, action)} |')
    if rows:
        parts.append('\n'.join(['| Argument | |', '| :-- | :-- |', *rows]) + '\n')
    for word, subparser in nested:
        parts += [
            f'### {program.split()[-1]} {word}\n',
            *_arguments(subparser, f'{program} {word}'),
        ]
    return parts


def _name(action: argparse.Action) -> str:
    names = action.option_strings or [str(action.metavar or action.dest)]
    return ', '.join(f'`{each}`' for each in names)


def _text(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    text = parser._get_formatter()._expand_help(action) if action.help else ''
    if action.choices is not None:
        text += f' ({", ".join(map(str, action.choices))})'
    return re.sub(r'\s+', ' ', text).replace('|', '\\|').replace('<', '&lt;')
