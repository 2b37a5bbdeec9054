"""A web server for the page, on this machine alone."""

from __future__ import annotations

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import reason_of

HOST = '127.0.0.1'
# With these a page is isolated, and may compute with several threads.
ISOLATION = {
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Embedder-Policy': 'require-corp',
    'Cross-Origin-Resource-Policy': 'same-origin',
}


class _Handler(SimpleHTTPRequestHandler):
    # The system's own table may lack these, and browsers run no module of another type.
    extensions_map = {  # noqa: RUF012  (as in the base class)
        **SimpleHTTPRequestHandler.extensions_map,
        '.js': 'text/javascript',
        '.mjs': 'text/javascript',
        '.onnx': 'application/octet-stream',
    }
    isolated = True

    def end_headers(self) -> None:
        for name, value in ISOLATION.items() if self.isolated else ():
            self.send_header(name, value)
        self.send_header('Cache-Control', 'no-cache')
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _PlainHandler(_Handler):
    isolated = False


def make_server(folder: str | Path, port: int, isolated: bool = True) -> ThreadingHTTPServer:
    """Make a server of a folder, for this machine's browsers; ``serve_forever`` runs it.

    Args:
        folder: The page's folder.
        port: The port; 0: any that is free.
        isolated: Send the headers that several threads need. Other web servers mostly do not.

    Raises:
        InputError: If the port cannot be had.
    """
    handler = partial(_Handler if isolated else _PlainHandler, directory=str(folder))
    try:
        return _Server((HOST, port), handler)
    except (OSError, OverflowError) as error:
        raise InputError(f'--serve {port}: the port cannot be had: {reason_of(error)}') from error
