"""Converting data sets from what they are released or labelled as to MMPose's annotation files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from mmpose_lite.errors import InputError, MissingFileError
from mmpose_lite.utils.paths import check_apart, check_file, check_folder
from mmpose_lite.utils.progress import track

from .command_line import (
    CommandParser,
    add_options_argument,
    errors_in_one_line,
    load_libraries,
    write_results,
)

if TYPE_CHECKING:  # parsing a command line loads neither numpy nor OpenCV
    from mmpose_lite.data_tools.converters import ConversionReport

_CONVERTERS = 'mmpose_lite.data_tools.converters'
# The folders that a published set is read from, as its converter takes them.
_FOLDERS = {
    'aflw': {'images': 'folder above 0/, 2/, 3/'},
    '300w': {'images': 'folder of afw/, helen/, ibug/, lfpw/, Test/'},
    '300wlp': {'source': 'folder of AFW/, HELEN/, IBUG/, LFPW/ and landmarks/'},
    '300vw': {'source': 'folder of 001/vid.avi, 001/annot/, ...'},
    'cofw': {'source': 'folder of COFW_{train,test}_color.mat'},
    'lapa': {'source': 'folder of train/, val/ and test/'},
    'wflw': {'images': 'folder WFLW_images', 'lists': 'folder WFLW_annotations'},
}
# What else may be named.
_FURTHER = {
    'aflw': {
        'mat': ('FILE', "Zhu et al.'s AFLWinfo_release.mat"),
        'csv': ('DIR', "folder of HRNet's three lists"),
        'sqlite': (
            'FILE',
            'aflw.sqlite; with --mat for pose and attributes, alone for visible points only',
        ),
        'test_list': (
            'FILE',
            'for --sqlite alone: test faces, one face_id or filepath,x,y per line',
        ),
    },
    '300vw': {
        'broken': ('FILE', "file of frames to leave out, with lines such as 'VIDEO: 3 10-12'"),
    },
}
_TITLES = {'lapa': 'LaPa', '300wlp': '300W-LP'}  # those of the others are upper-case
_OUT = {'lapa': 'LaPa'}  # folders of other names than the set's
# Folders of photographs that are written.
_WRITTEN = {'cofw': ('images',), '300vw': ('images',), '300wlp': ('train', 'val', 'test')}
# Arguments that name what is read.
_SOURCES = ('images', 'source', 'lists', 'mat', 'csv', 'sqlite', 'test_list', 'broken')
# Arguments of a data set that are of no concern to its labels; a test needs more of these.
_NOT_OF_LABELS = ('cache', 'bbox_file', 'on_bad_image', 'data_mode', 'test_mode')
_PROGRESS = partial(track, label='photographs')
_TOOLS = {
    'cvat': 'COCO keypoints or "CVAT for images 1.1" of CVAT',
    'label-studio': 'JSON of Label Studio',
    'labelme': "labelme's JSON files",
    'via': 'JSON or CSV of the VGG Image Annotator 2',
    'coco': 'COCO keypoints, of whatever tool',
    'coco-annotator': 'COCO keypoints of COCO Annotator',
    'roboflow': 'COCO keypoints of Roboflow',
    'dlib': "XML of dlib's imglab",
    'pts': 'a folder of .pts files',
    'csv': "a table: Kaggle's, or a name and points in a row",
}


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command; its first word is the data set, or the tool of labels."""
    parser = CommandParser(
        prog='mmpose-lite convert',
        description='Convert the annotations of a data set or a labelling tool.',
    )
    sets = parser.add_subparsers(dest='set', required=True, metavar='SET')
    for name in _FOLDERS:
        one = sets.add_parser(name, help=f'convert {_TITLES.get(name, name.upper())}')
        for key, text in _FOLDERS[name].items():
            one.add_argument(f'--{key}', required=True, metavar='DIR', help=text)
        for key, (metavar, text) in _FURTHER.get(name, {}).items():
            one.add_argument(f'--{key.replace("_", "-")}', metavar=metavar, help=text)
        one.add_argument(
            '--expect',
            nargs='+',
            default=[],
            metavar='SET=FACES',
            help='expected numbers of faces, such as train=90 (default: the published ones)',
        )
    for name, text in _TOOLS.items():
        _add_tool(sets.add_parser(name, help=f'convert labels: {text}'), name)
    for name, one in sets.choices.items():
        folder = 'my_faces' if name in _TOOLS else _OUT.get(name, name)
        one.add_argument(
            '--out', default=f'data/{folder}', help=f'folder to write to (default data/{folder})'
        )
    _add_export(sets.add_parser('to-coco', help='write the data set of a config as COCO keypoints'))
    for one in sets.choices.values():
        one.add_argument('--report', metavar='FILE', help='write every finding to this JSON file')
    return parser


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = make_parser()
    args = parser.parse_args(argv)
    if args.set in _FOLDERS and args.expect:
        args.expect = _counts(parser, args)
    return args


def _add_tool(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(
        '--labels', required=True, metavar='PATH', help='exported file, or a folder of them'
    )
    parser.add_argument(
        '--images', metavar='DIR', help='folder of the images (default: that of the labels)'
    )
    parser.add_argument(
        '--names',
        metavar='A,B,...',
        help='points to keep, in this order; or a new name for every point; or a set whose names '
        'these are: faces19, aflw, 300w, wflw, cofw, lapa',
    )
    parser.add_argument(
        '--missing-box',
        choices=('points', 'picture'),
        default='points',
        help='box of a face without one: around its points (default), or the whole image',
    )
    parser.add_argument(
        '--margin',
        type=float,
        default=0.1,
        help='extend boxes around points on each side by this share of their longer side '
        '(default 0.1)',
    )
    if name in ('cvat', 'coco', 'coco-annotator', 'roboflow', 'dlib'):
        parser.add_argument(
            '--category', metavar='NAME', help='category, skeleton or box label of the faces'
        )
    if name in ('label-studio', 'via'):
        field = (
            "of `data` with the image's name" if name == 'label-studio' else 'that names a point'
        )
        parser.add_argument('--key', metavar='NAME', help=f'field {field}')
    parser.add_argument(
        '--exif',
        choices=('upright', 'stored'),
        help='photographs with an EXIF orientation were labelled as shown, or as stored '
        '(default: as their labels tell, or as the tool shows them)',
    )
    if name in ('pts', 'csv'):
        parser.add_argument(
            '--origin',
            type=int,
            choices=(0, 1),
            required=name == 'pts',
            help="coordinate of the first pixel: 1 for iBUG's files",
        )


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--config', required=True, help='config that names the data set')
    parser.add_argument(
        '--split',
        choices=('train', 'val', 'test'),
        default='train',
        help='the data loader of the config whose faces are written (default train)',
    )
    parser.add_argument('--out', required=True, metavar='FILE', help='file to write')
    add_options_argument(parser)


def _published(name: str) -> Mapping[str, int | None]:
    module = f'face_{name}' if name[0].isdecimal() else name  # no module's name begins so
    return import_module(f'{_CONVERTERS}.{module}').PUBLISHED


def _counts(parser: argparse.ArgumentParser, args: argparse.Namespace) -> dict[str, int]:
    found, published = {}, _published(args.set)
    for text in args.expect:
        name, _, count = text.partition('=')
        if name not in published or not count.isdecimal():
            parser.error(f'--expect {text}: SET=FACES with a set of {", ".join(published)}')
        found[name] = int(count)
    return found


def convert(args: argparse.Namespace) -> ConversionReport:
    """Convert what the arguments of :func:`parse_args` name."""
    from mmpose_lite.data_tools import converters

    if args.set in _TOOLS:
        return _convert_labels(args)
    if args.set == 'to-coco':
        return _export(args)
    expected = {**_published(args.set), **dict(args.expect)}
    shared = {'out': args.out, 'expected': expected, 'progress': _PROGRESS}
    folders = [getattr(args, key) for key in _FOLDERS[args.set]]
    further = {key: getattr(args, key) for key in _FURTHER.get(args.set, ())}
    return getattr(converters, f'convert_{args.set}')(*folders, **further, **shared)


def _convert_labels(args: argparse.Namespace) -> ConversionReport:
    from mmpose_lite.data_tools.converters import convert_labels
    from mmpose_lite.data_tools.converters.labelled import ReadOptions

    if not 0 <= args.margin <= 10:
        raise InputError(f'--margin {args.margin:g} is not a share from 0 to 10')
    names = None
    if args.names is not None:
        names = [name.strip() for name in args.names.split(',')]
        if not all(names):
            raise InputError(f'--names {args.names!r}: a name is empty')
    given = vars(args)
    return convert_labels(
        args.set,
        args.labels,
        args.images,
        args.out,
        names,
        ReadOptions(given.get('category'), given.get('key'), given.get('origin'), args.exif),
        args.missing_box,
        args.margin,
        _PROGRESS,
    )


def _export(args: argparse.Namespace) -> ConversionReport:
    from mmengine.registry import init_default_scope

    from mmpose_lite.apis.config import load_config
    from mmpose_lite.data_tools.converters import write_coco
    from mmpose_lite.datasets import build_dataset
    from mmpose_lite.engine.config_rewrites import files_read
    from mmpose_lite.utils.nested_datasets import walk_datasets

    cfg = load_config(args.config, args.cfg_options)
    check_apart('--out', [args.out], [cfg.filename, *files_read(cfg)])
    settings = (cfg.get(f'{args.split}_dataloader') or {}).get('dataset')
    if not settings:
        raise InputError(f'{args.config}: has no {args.split}_dataloader.dataset')
    for _, nest in walk_datasets(settings):
        for key in _NOT_OF_LABELS:
            nest[-1].pop(key, None)
    init_default_scope(cfg.get('default_scope', 'mmpose_lite'))
    return write_coco(build_dataset(settings), args.out, _PROGRESS)


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Convert a data set; the exit code is 1 if a face has no place or a number is another."""
    args = parse_args(argv)
    if args.set == 'to-coco':
        check_file(args.out)
    elif args.set in _TOOLS:
        check_folder(args.out)
        check_apart('--out', [Path(args.out, 'faces.json')], [args.labels])
    else:
        for name in ('annotations', *_WRITTEN.get(args.set, ())):
            check_folder(Path(args.out, name))
    if args.report:
        check_file(args.report)
        sources = (getattr(args, name, None) for name in ('labels', 'config', *_SOURCES))
        check_apart('--report', [args.report], sources)
    for name in _SOURCES:
        source = getattr(args, name, None)
        if source is not None and not Path(source).exists():
            raise MissingFileError(f"--{name.replace('_', '-')} '{source}' does not exist")
    load_libraries('mmpose_lite.structures')
    report = convert(args)
    for line in report.lines():
        print(line.encode(errors='backslashreplace').decode())  # file names may be no UTF-8
    if args.report:
        write_results(args.report, report.to_dict())
    if not report.is_complete:
        sys.exit(1)
