"""Reading a report's page without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from example_metrics import example_pictures

from mmpose_lite.reporting.page import render_page

_VOID = {'br', 'hr', 'img', 'input', 'link', 'meta'}


@dataclass
class Element:
    """An element of a page, with elements and text inside."""

    tag: str
    attributes: dict[str, str | None]
    inside: list[Element | str] = field(default_factory=list)

    def all(self, tag: str | None = None, **attributes: str) -> Iterator[Element]:
        """The elements below with a tag and attributes; ``data_run`` stands for ``data-run``."""
        wanted = {key.replace('_', '-'): value for key, value in attributes.items()}
        for each in self.inside:
            if isinstance(each, Element):
                if tag in (None, each.tag) and wanted.items() <= each.attributes.items():
                    yield each
                yield from each.all(tag, **attributes)

    def one(self, tag: str | None = None, **attributes: str) -> Element:
        """The only element below with a tag and attributes."""
        (found,) = self.all(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        """Its text, including that of inner elements, with single spaces."""
        parts = [each if isinstance(each, str) else each.text for each in self.inside]
        return ' '.join(' '.join(parts).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element('', {})]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, dict(attrs))
        self.open[-1].inside.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag, f'</{tag}> closes something else'

    def handle_data(self, data):
        self.open[-1].inside.append(data)


def read_page(html: str) -> Element:
    """Read a page, in which every element must be closed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    (page,) = reader.open
    return page


def page_of(metrics: dict) -> Element:
    """Render the page of a report and read it."""
    return read_page(render_page(metrics, example_pictures(metrics)))
