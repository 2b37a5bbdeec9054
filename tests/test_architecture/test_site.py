"""The hooks of the documentation's site: links that leave ``docs``, and the page of commands."""

import importlib.util
import re
from types import SimpleNamespace

import pytest

from helpers.processes import ROOT
from mmpose_lite.cli.main import COMMANDS


@pytest.fixture(scope='module')
def hooks():
    spec = importlib.util.spec_from_file_location('hooks', ROOT / 'docs' / '_site' / 'hooks.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Pages:
    """The pages of a site, by their paths."""

    def __init__(self, *paths):
        self.paths = paths

    def get_file_from_path(self, path):
        return path if path in self.paths else None


def page_of(path):
    return SimpleNamespace(file=SimpleNamespace(src_uri=path), meta={})


@pytest.mark.parametrize(
    ('page', 'link', 'becomes'),
    [
        ('report.md', '[a](results.md#x)', '[a](results.md#x)'),
        ('report.md', '[a](../CONTRIBUTING.md)', '[a](CONTRIBUTING.md)'),
        ('CONTRIBUTING.md', '[a](docs/report.md)', '[a](report.md)'),
        ('internals/one_step.md', '[a](../report.md)', '[a](../report.md)'),
        ('report.md', '[setup.py](../setup.py)', '`setup.py`'),
        ('report.md', '[landmarks.py](../examples/landmarks.py)', '`examples/landmarks.py`'),
        ('report.md', '[the setup](../setup.py)', 'the setup (`setup.py`)'),
        ('report.md', '[a](https://example.org/b.md)', '[a](https://example.org/b.md)'),
        ('report.md', '![a](images/growth.svg)', '![a](images/growth.svg)'),
    ],
)
def test_links_work_in_the_checkout_and_on_the_site(hooks, page, link, becomes):
    pages = Pages('report.md', 'results.md', 'CONTRIBUTING.md', 'internals/one_step.md')
    file = page_of(page)
    assert hooks.on_page_markdown(link, file, None, pages) == becomes


def test_a_link_that_leads_nowhere_is_a_warning(hooks, caplog):
    file = page_of('report.md')
    hooks.on_page_markdown('[a](gone.md)', file, None, Pages('report.md'))
    assert "'report.md' links to 'gone.md', which does not exist" in caplog.text


def test_every_command_and_its_arguments_are_on_the_page(hooks):
    file = page_of('commands.md')
    written = (ROOT / 'docs' / 'commands.md').read_text(encoding='utf-8')
    text = hooks.on_page_markdown(written, file, None, Pages('commands.md'))
    assert all(f'\n## {name}\n' in text for name in COMMANDS)
    assert all(f'[{name}](#{name})' in written for name in COMMANDS)
    assert '| `--auto-scale-lr` | scale the learning rate' in text
    assert '### convert aflw\n' in text


def test_roles_of_docstrings_are_names(hooks):
    text = '<p>See :func:<code>~.train</code> and :class:<code>.A</code>; <code>a:func</code></p>'
    shown = hooks.on_page_content(text, None, None, None)
    assert shown == '<p>See <code>train</code> and <code>A</code>; <code>a:func</code></p>'


@pytest.mark.parametrize('address', ['', 'https://example.org/faces/'])
def test_the_page_for_missing_addresses_links_from_its_base(hooks, address):
    root = '/faces/' if address else '/'
    page = (
        f'<a href="{root}start.html"></a><script src="{root}a.js"></script><a href="#x"></a>'
        f'"search": "{root}b.js" <a href="//c.org/"></a> new URL("{root}",location)'
    )
    shown = hooks.on_post_template(page, template_name='404.html', config={'site_url': address})
    assert shown == (
        '<a href="start.html"></a><script src="a.js"></script><a href="404.html#x"></a>'
        '"search": "b.js" <a href="//c.org/"></a> new URL(".",document.baseURI)'
    )
    other = hooks.on_post_template(page, template_name='sitemap.xml', config={'site_url': address})
    assert other == page


def test_the_page_for_missing_addresses_knows_the_folders_of_the_site():
    written = (ROOT / 'docs' / '_site' / 'overrides' / '404.html').read_text(encoding='utf-8')
    made = {'configs'} | {page.parent.name for page in ROOT.glob('docs/*/*.md')}
    named = re.search(r'\(\?:([a-z|]+)\)', written)[1].split('|')
    assert made <= set(named)


def test_a_search_looks_at_questions_first_and_at_the_interface_last(hooks):
    boosts = []
    for path in ('faq.md', 'own_points.md', 'api/apis.md'):
        page = page_of(path)
        hooks.on_page_markdown('', page, None, Pages(path))
        boosts.append(page.meta['search']['boost'])
    assert boosts == [3, 1, 0.3]
