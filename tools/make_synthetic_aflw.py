"""Write a set of synthetic faces in the form of AFLW.

python tools/make_synthetic_aflw.py data/synthetic --train 1500 --test 500 --seed 0 --workers 2
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run from a source checkout


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('out', help='folder to write; absent, empty, or holding the same set')
    parser.add_argument('--train', type=int, default=1500, help='number of training faces')
    parser.add_argument('--test', type=int, default=500, help='number of test faces')
    parser.add_argument('--seed', type=int, default=0, help='same seed, same bytes')
    parser.add_argument(
        '--workers', type=int, default=os.cpu_count() or 1, help='processes (default: all cores)'
    )
    parser.add_argument(
        '--forms',
        action='store_true',
        help='write the faces to OUT/forms too: as aflw.sqlite, AFLWinfo_release.mat and lists, '
        'for tools/dataset_converters/aflw.py',
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the set; return the exit status."""
    args = parse_args(argv)
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from mmpose_lite.synthetic import DatasetError, Recipe, make_dataset, write_forms

    columns = (TextColumn('faces'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        recipe = Recipe(args.train, args.test, args.seed)
        with Progress(*columns) as progress:
            # Shown with the first face, so not above an error and not when nothing is to do.
            bar = progress.add_task('faces', total=args.train + args.test, visible=False)
            made = make_dataset(
                args.out,
                recipe,
                args.workers,
                lambda faces: progress.update(bar, advance=faces, visible=True),
            )
        forms = write_forms(args.out) if args.forms else None
    except (DatasetError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    print(f'wrote {args.out}' if made else f'{args.out} already holds this set: nothing to do')
    if forms is not None:
        print(f'wrote {forms}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
