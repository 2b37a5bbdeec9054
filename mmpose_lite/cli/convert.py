"""Converting data sets from what they are released as to MMPose's annotation files."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmpose_lite.data_tools import converters
from mmpose_lite.errors import MissingFileError
from mmpose_lite.utils.paths import check_file, check_folder

from .command_line import errors_in_one_line

if TYPE_CHECKING:  # a command line is read without what converts
    from mmpose_lite.data_tools.converters import ConversionReport

# The module of each set; it has the published numbers of faces.
_MODULES = {'aflw': 'aflw', '300w': 'face_300w', 'cofw': 'cofw', 'wflw': 'wflw'}
# Arguments that name what is read.
_SOURCES = ('images', 'source', 'lists', 'mat', 'csv', 'sqlite', 'test_list')


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command; its first word is the data set."""
    parser = argparse.ArgumentParser(
        prog='mmpose-lite convert', description="Write a data set's annotations as MMPose has them."
    )
    sets = parser.add_subparsers(dest='set', required=True, metavar='SET')
    for name in _MODULES:
        one = sets.add_parser(name, help=f'convert {name.upper()}')
        _ADD_ARGUMENTS[name](one)
        one.add_argument('--out', help=f'folder to write to (default data/{name})')
        one.add_argument(
            '--expect',
            nargs='+',
            default=[],
            metavar='SET=FACES',
            help='numbers of faces there must be, such as train=90; the published ones by default',
        )
        one.add_argument('--report', metavar='FILE', help='write all that was noticed as JSON')
    return parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser()
    args = parser.parse_args(argv)
    args.out = args.out or f'data/{args.set}'
    args.expect = _counts(parser, args) if args.expect else {}
    return args


def _published(name: str) -> Mapping[str, int]:
    return import_module(f'{converters.__name__}.{_MODULES[name]}').PUBLISHED


def _add_aflw(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--images', required=True, metavar='DIR', help='folder above 0/, 2/, 3/')
    parser.add_argument('--mat', metavar='FILE', help="Zhu et al.'s AFLWinfo_release.mat")
    parser.add_argument('--csv', metavar='DIR', help="folder of HRNet's three lists")
    parser.add_argument(
        '--sqlite',
        metavar='FILE',
        help='aflw.sqlite; with --mat for pose and attributes, alone for visible points only',
    )
    parser.add_argument(
        '--test-list',
        metavar='FILE',
        help='for --sqlite alone: the test faces, lines of face_id or filepath,x,y',
    )


def _add_300w(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--images', required=True, metavar='DIR', help='folder of afw/, helen/, ibug/, lfpw/, Test/'
    )


def _add_cofw(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--source', required=True, metavar='DIR', help='folder of COFW_{train,test}_color.mat'
    )


def _add_wflw(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--images', required=True, metavar='DIR', help='WFLW_images')
    parser.add_argument('--lists', required=True, metavar='DIR', help='WFLW_annotations')


_ADD_ARGUMENTS = {'aflw': _add_aflw, '300w': _add_300w, 'cofw': _add_cofw, 'wflw': _add_wflw}


def _counts(parser: argparse.ArgumentParser, args: argparse.Namespace) -> dict[str, int]:
    found, published = {}, _published(args.set)
    for text in args.expect:
        name, _, count = text.partition('=')
        if name not in published or not count.isdecimal():
            known = ', '.join(published)
            parser.error(f'--expect {text}: SET=FACES with a set of {known}')
        found[name] = int(count)
    return found


def convert(args: argparse.Namespace) -> ConversionReport:
    """Convert what the arguments of :func:`parse_args` name."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)

    def progress(each: Iterable, total: int) -> Iterable:
        return track(each, 'photographs', total, console=console)

    expected = {**_published(args.set), **args.expect}
    shared: dict[str, Any] = {'out': args.out, 'expected': expected, 'progress': progress}
    if args.set == 'aflw':
        sources = {key: getattr(args, key) for key in ('mat', 'csv', 'sqlite', 'test_list')}
        return converters.convert_aflw(args.images, **sources, **shared)
    if args.set == '300w':
        return converters.convert_300w(args.images, **shared)
    if args.set == 'cofw':
        return converters.convert_cofw(args.source, **shared)
    return converters.convert_wflw(args.images, args.lists, **shared)


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Convert a data set; the exit code is 1 if a face has no place or a number is another."""
    args = parse_args(argv)
    for name in ('annotations', 'images') if args.set == 'cofw' else ('annotations',):
        check_folder(Path(args.out, name))
    if args.report:
        check_file(args.report)
    for name in _SOURCES:
        source = getattr(args, name, None)
        if source is not None and not Path(source).exists():
            raise MissingFileError(f"--{name.replace('_', '-')} '{source}' does not exist")
    report = convert(args)
    for line in report.lines():
        print(line.encode(errors='backslashreplace').decode())  # file names may be no UTF-8
    if args.report:
        Path(args.report).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(report.to_dict(), indent=1)
        Path(args.report).write_text(f'{text}\n', encoding='utf-8')
    if not report.is_complete:
        sys.exit(1)
