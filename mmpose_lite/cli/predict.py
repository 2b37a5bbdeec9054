"""Points of the faces of photographs and videos, from the command line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from mmpose_lite.errors import InputError, counted
from mmpose_lite.utils.paths import (
    CHECKPOINTS,
    check_apart,
    check_folder,
    check_model,
    is_config,
    packaged_weights,
)

from .command_line import CommandParser, errors_in_one_line, load_libraries

if TYPE_CHECKING:  # a command line is read without what predicts
    from mmpose_lite.inference.landmarker import Landmarker
    from mmpose_lite.inference.results import Landmarks
    from mmpose_lite.inference.sources import Source
    from mmpose_lite.inference.video import VideoReader
    from mmpose_lite.inference.writers import Layout, Writer
    from mmpose_lite.utils.progress import Progress

FORMS = ('pictures', 'jsonl', 'csv', 'parquet', 'coco', 'pts', 'labelme', 'crops', 'video')
"""The values of --save: the names of :data:`mmpose_lite.inference.label_writers.WRITERS`."""


def make_parser() -> argparse.ArgumentParser:
    """Make the parser of the command."""
    parser = CommandParser(
        prog='mmpose-lite predict',
        usage='%(prog)s MODEL SOURCE ... [--help]',
        description='Find faces and their landmarks in photographs and videos. MODEL is faces19, '
        'a checkpoint of a training here, CONFIG CKPT, or an exported file.',
    )
    parser.add_argument(
        'model',
        metavar='MODEL',
        help='faces19, checkpoint, CONFIG and CKPT, or exported file',
    )
    parser.add_argument(
        'sources',
        nargs='+',
        metavar='SOURCE',
        help='file, folder or pattern; video, address of a stream, or number of a camera',
    )
    _add_boxes(parser)
    _add_computing(parser)
    _add_results(parser)
    _add_video_arguments(parser)
    parser.add_argument(
        '--trust-checkpoint',
        action='store_true',
        help='read the checkpoint even if it holds more than plain '
        'data, which may run code: only for files that you trust',
    )
    return parser


def _add_computing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--device', metavar='NAME', default='auto', help='device, such as cuda:0 or cpu'
    )
    parser.add_argument(
        '--batch',
        type=int,
        metavar='N',
        default=16,
        help='faces that the network takes at once (default 16)',
    )
    parser.add_argument(
        '--flip',
        action='store_true',
        help='predict mirrored crops too, which doubles the time; off by default, whatever the '
        'config says',
    )
    parser.add_argument(
        '--amp',
        action='store_true',
        help='compute in bfloat16: faster on GPUs and on CPUs with AVX512-BF16 or AMX, many times '
        'slower on other CPUs',
    )


def _add_video_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--track',
        action='store_true',
        help='videos: track faces and give them ids; the detector runs on every n-th frame',
    )
    parser.add_argument(
        '--smooth',
        action='store_true',
        help='videos: track faces and smooth their points; in files forward and backward',
    )
    parser.add_argument(
        '--every',
        type=int,
        metavar='N',
        default=10,
        help='videos: run the detector on every n-th frame (default 10)',
    )
    parser.add_argument('--show', action='store_true', help='videos: show a window; q ends')


def _add_results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--out',
        metavar='DIR',
        default='predictions',
        help='folder of the results (default predictions)',
    )
    parser.add_argument(
        '--save',
        nargs='+',
        type=_form,
        choices=FORMS,
        help='output formats (default: pictures jsonl; for videos: video jsonl)',
    )
    parser.add_argument(
        '--conf',
        type=float,
        metavar='N',
        default=0.0,
        help='do not draw points with a lower score, and mark them as hidden in coco and labelme '
        '(default 0: all points are drawn)',
    )


def _form(word: str) -> str:
    """Take a word of --save, which is one of several, for a format, and nothing else."""
    if word in FORMS:
        return word
    about = ', a source: name the sources before --save' if Path(word).exists() else ''
    raise argparse.ArgumentTypeError(f"'{word}' is no format{about} ({', '.join(FORMS)})")


def _add_boxes(parser: argparse.ArgumentParser) -> None:
    boxes = parser.add_mutually_exclusive_group()
    boxes.add_argument(
        '--detector',
        metavar='NAME',
        default='retinaface',
        help='face detector: retinaface (default), retinaface:SIDE for small faces (such as '
        'retinaface:1280), yunet:FILE or python:MODULE:FUNCTION',
    )
    boxes.add_argument(
        '--boxes',
        metavar='FILE',
        help='read the boxes from a file: COCO annotations, or JSON with boxes by photograph',
    )
    boxes.add_argument(
        '--whole-image', action='store_true', help='treat each photograph as one face'
    )


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line; ``checkpoint`` is None where the model holds its config."""
    parser = make_parser()
    args = parser.parse_args(argv)
    args.checkpoint = None
    is_pair = args.model in packaged_weights() and args.sources[0].endswith(CHECKPOINTS)
    if is_config(args.model) or is_pair:
        args.checkpoint, *args.sources = args.sources
        if not args.sources:
            parser.error(f'{args.model} is a config: name its checkpoint, and then the photographs')
    for name in ('batch', 'every'):
        if getattr(args, name) < 1:
            parser.error(f'--{name} {getattr(args, name)}: must be at least 1')
    if args.boxes:
        args.detector = f'file:{args.boxes}'
    elif args.whole_image:
        args.detector = 'whole-image'
    return args


@errors_in_one_line
def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; it ends with 1 if a photograph could not be used."""
    args = parse_args(argv)
    check_model(args.model, args.checkpoint)
    check_folder(args.out)
    load_libraries('mmpose_lite.inference.landmarker')
    from mmengine.logging import MMLogger

    from mmpose_lite.inference import Landmarker, find_photographs

    MMLogger.get_current_instance().setLevel('WARNING')  # the last lines say what matters
    videos, others, failed = _split(args.sources, args.out)
    sources = _without_results(find_photographs(others), others, args.out)
    _tell_of_others(args.sources)
    args.save = args.save or ['pictures' if sources else 'video', 'jsonl']
    _check_video_arguments(args, videos)
    _check_outputs(args, sources, videos)
    landmarker = Landmarker(
        args.model,
        args.checkpoint,
        args.detector,
        device=args.device,
        batch=args.batch,
        flip=args.flip,
        amp=args.amp,
        trust_checkpoint=args.trust_checkpoint,
    )
    _ = landmarker.detector  # an error before anything is written
    try:
        bad = _predict(landmarker, sources, videos, failed, args)
    except KeyboardInterrupt:
        print(f'stopped; what was done is in {args.out}', file=sys.stderr)
        sys.exit(130)
    if bad:
        sys.exit(1)


def _tell_of_others(sources: Sequence[str]) -> None:
    """Say which files of folders are neither photographs nor videos."""
    from mmpose_lite.inference.sources import about_others

    for each in filter(os.path.isdir, sources):
        if remark := about_others(each):
            print(remark, file=sys.stderr)


def _without_results(found: list, given: Sequence[str], out: str) -> list:
    """Leave out what an earlier run has put below a folder that is to be predicted."""
    results = Path(out).absolute()
    if not any(Path(each).is_dir() and Path(each).absolute() in results.parents for each in given):
        return found
    return [each for each in found if results not in Path(str(each)).absolute().parents]


def _split(
    sources: Sequence[str], out: str
) -> tuple[list[VideoReader], list[str], list[tuple[str, InputError]]]:
    """Open what is a video, a stream or a camera; the others are photographs.

    Returns:
        The videos, the sources of photographs, and the files that are no videos, with reasons.

    Raises:
        InputError: If one of the former cannot be opened, and there is nothing else.
    """
    from mmpose_lite.inference.video_results import open_videos, split_videos

    found, others = split_videos(list(sources))
    failed: list[tuple[str, InputError]] = []
    named = _without_results(found, sources, out)
    videos = open_videos(named, on_error=lambda *each: failed.append(each))
    if failed and not (videos or others):
        raise failed[0][1]
    return videos, others, failed


def _check_video_arguments(args: argparse.Namespace, videos: Sequence[VideoReader]) -> None:
    """Refuse what has no meaning before the model is loaded.

    Raises:
        InputError: If there is no display for ``--show``, or no video for an option of videos.
    """
    from mmpose_lite.inference.video import about_display

    asked = [name for name in ('track', 'smooth', 'show') if getattr(args, name)]
    if asked and not videos:
        raise InputError(f'--{asked[0]} applies to videos, and no source is a video')
    if args.show and (fault := about_display()):
        raise InputError(fault)


def _check_outputs(
    args: argparse.Namespace, sources: Sequence[Source], videos: Sequence[VideoReader]
) -> None:
    """Check that no result takes the place of what is read.

    Raises:
        InputError: If one would.
    """
    from mmpose_lite.inference.detectors import file_of
    from mmpose_lite.inference.video_results import video_file, video_stem
    from mmpose_lite.inference.writers import PLACES

    folder = Path(args.out)
    written = [folder / PLACES[form] for form in args.save if form in PLACES]
    for each in videos if 'video' in args.save else ():
        written.append(video_file(folder, video_stem(each.name, each.path), written))
    files = [each for each in sources if isinstance(each, str)]
    others = (each.path for each in videos)
    inputs = [*files, *others, file_of(args.detector), args.model, args.checkpoint]
    check_apart('--out', written, inputs)


def _frames(
    landmarker: Landmarker,
    videos: Sequence[VideoReader],
    args: argparse.Namespace,
    progress: Progress,
    report: Callable[[str, InputError], None],
) -> Iterator[Landmarks]:
    """The results of all frames of all videos, in a window if that is asked for."""
    from mmpose_lite.inference.video import Window
    from mmpose_lite.inference.video_results import video_results

    calibration = landmarker.calibration
    points_map = None if calibration is None else calibration.points_map
    window = Window('mmpose-lite') if args.show else None
    for reader in videos:
        progress.pause()  # smoothing has a bar of its own, of the frames that it reads first
        results = video_results(
            landmarker, reader, args.track, args.smooth, args.every, points_map, report
        )
        for number, result in enumerate(results):
            if number == 0 and args.smooth:
                progress.restart_clock()
            yield result
            if window and not window.show(result.draw(args.conf)):
                return


@dataclass
class _Found:
    """Counts of faces, of the photographs and frames that they are in, and of unusable sources."""

    faces: int = 0
    results: int = 0
    without: int = 0
    bad: int = 0

    def add(self, faces: int) -> None:
        """Count the faces of a photograph or a frame."""
        self.faces += faces
        self.results += 1
        self.without += not faces


def _predict(
    landmarker: Landmarker,
    sources: list[Source],
    videos: list[VideoReader],
    failed: Sequence[tuple[str, InputError]],
    args: argparse.Namespace,
) -> int:
    """Predict all photographs, and write what was found; returns how many could not be used.

    Those that have failed before are only written down.
    """
    from mmpose_lite.inference.writers import Layout
    from mmpose_lite.utils.progress import Progress

    layout = Layout(args.out, sources, landmarker.meta, args.conf)
    found = _Found()
    counts = [reader.count for reader in videos]
    total = None if None in counts else len(failed) + len(sources) + sum(filter(None, counts))
    label = 'frames written' if args.smooth else 'frames' if videos else 'photographs'
    with Progress(label, total) as progress, ExitStack() as stack:
        writers = list(_open(layout, args.save, stack))

        def report(name: str, error: InputError) -> None:
            found.bad += 1
            progress.pause()
            print(f'error: {_with_name(name, error)}', file=sys.stderr)
            for writer in writers:
                writer.fail(name, str(error))
            progress.advance()

        for each in failed:
            report(*each)
        photographs = landmarker(sources, stream=True, on_error=report) if sources else ()
        for result in chain(photographs, _frames(landmarker, videos, args, progress, report)):
            for writer in writers:
                writer.write(result)
            found.add(len(result))
            progress.note = counted(found.faces, 'face')
            progress.advance()
    kind = 'photographs and frames' if videos and sources else 'frame' if videos else 'photograph'
    print(*_about_faces(found, kind, args), sep='\n')
    print(_about_settings(landmarker, args))
    for writer in writers:
        print(f'{writer.path}')
    if found.bad:
        kind = 'photographs and videos' if videos or failed else 'photographs'
        total = len(sources) + len(videos) + len(failed)
        print(f'{found.bad} of {total} {kind} could not be used', file=sys.stderr)
    return found.bad


def _about_faces(found: _Found, kind: str, args: argparse.Namespace) -> Iterator[str]:
    """Say how many faces there are, and if there are none, what can be done."""
    where = f'{found.results:,} {kind}' if kind.endswith('s') else counted(found.results, kind)
    less = f', {found.without:,} of them without a face' if found.without else ''
    yield f'{counted(found.faces, "face")} in {where}{less}'
    if found.results and not found.faces and not args.boxes:
        yield (
            'no face was found: are faces upright, and not tiny? --detector retinaface:1280 finds '
            'smaller ones, --whole-image takes each photograph for one face, --boxes FILE reads '
            'boxes'
        )


def _about_settings(landmarker: Landmarker, args: argparse.Namespace) -> str:
    """Say where the boxes come from, and what else points depend on."""
    boxes = f'boxes {landmarker.detector_name}'
    if landmarker.box_map is not None:
        boxes += ', fitted to those of the training'
    elif not (args.boxes or args.whole_image):
        boxes += " as they are: mmpose-lite calibrate CONFIG CKPT fits them to the training's"
    precision = '; half precision' if args.amp else ''
    engine = '' if landmarker.engine == 'torch' else f'; computed by {landmarker.engine}'
    return f'{boxes}; flip test {"on" if landmarker.flip else "off"}{precision}{engine}'


def _open(layout: Layout, forms: Sequence[str], stack: ExitStack) -> Iterator[Writer]:
    """Open the writers; what they have when the stack ends, also by an error, is finished."""
    from mmpose_lite.inference.label_writers import WRITERS

    for form in dict.fromkeys(forms):
        writer = WRITERS[form](layout)
        stack.callback(writer.close)
        yield writer


def _with_name(name: str, error: InputError) -> str:
    return str(error) if name in str(error) else f'{name}: {error}'
