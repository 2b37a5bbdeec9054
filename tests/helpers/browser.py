"""Headless Chromium for tests; pages may use no network and log nothing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
# Of these, the first is what Chromium needs as root; the rest keep it from the network.
_FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run']
_FLAGS += ['--disable-background-networking', '--disable-component-update', '--disable-sync']


def require(condition: Any, missing: str, command: str) -> None:
    """Skip if something is missing; fail if CI requires it."""
    if condition:
        return
    reason = f'{missing} is missing: {command}'
    if os.environ.get('MMPOSE_LITE_REQUIRE_BROWSER'):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def started(*flags: str) -> Iterator[Any]:
    """Start the system's Chromium, with a profile of its own, and further flags."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        sync_playwright = None
    require(sync_playwright, 'playwright', "pip install --editable '.[dev]'")
    found = next(filter(None, map(shutil.which, NAMES)), None)
    require(found, 'Chromium', 'apt-get install chromium')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[*_FLAGS, *flags])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, file: Path, width: int = 1280, **settings: Any) -> Iterator[Any]:
    """Open a file without a network; the page may request nothing else and log nothing.

    ``settings`` are those of Playwright's ``new_context``.
    """
    context = browser.new_context(
        offline=True, viewport={'width': width, 'height': 800}, **settings
    )
    page = context.new_page()
    page.set_default_timeout(20_000)
    requests, complaints = [], []
    page.on('request', lambda request: requests.append(request.url))
    page.on('console', lambda message: complaints.append(message.text))
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.on('dialog', lambda dialog: complaints.append(dialog.message))
    page.goto(file.as_uri())
    page.wait_for_selector('[data-plot="reliability"] .main-svg')
    yield page
    context.close()
    assert [url for url in requests if not url.startswith('data:')] == [file.as_uri()]
    assert complaints == []


@contextmanager
def visited(browser: Any, address: str, width: int = 1280, **settings: Any) -> Iterator[Any]:
    """Open a page of a server; it may request nothing of another one, and log nothing.

    ``settings`` are those of Playwright's ``new_context``.
    """
    context = browser.new_context(viewport={'width': width, 'height': 800}, **settings)
    page = context.new_page()
    page.set_default_timeout(60_000)
    requests, complaints = [], []
    page.on('request', lambda request: requests.append(request.url))
    page.on('console', lambda message: complaints.append(message.text))
    page.on('pageerror', lambda error: complaints.append(str(error)))
    page.on('dialog', lambda dialog: complaints.append(dialog.message))
    page.goto(address)
    yield page
    context.close()
    own = (address.partition('?')[0], 'blob:', 'data:')
    assert [url for url in requests if not url.startswith(own)] == []
    assert len(requests) > 1
    assert complaints == []
