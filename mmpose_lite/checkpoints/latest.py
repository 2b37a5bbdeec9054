"""Finding the checkpoint that a run resumes from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from mmpose_lite.errors import InputError
from mmpose_lite.utils.paths import file_problem

from .archive import check_footer, read_footer
from .reading import read_checkpoint

POINTER = 'last_checkpoint'
BEST = 'best.pth'
_LONGEST_POINTER = 8192  # bytes


def find_latest(
    folder: str, warn: Callable[[str], None], is_own: Callable[[str], bool] = lambda name: True
) -> str | None:
    """Find the newest checkpoint of a folder that is sound and that a run can resume from.

    The files themselves decide, by the iterations that their footers name. Where none has one, as
    in a folder of MMPose's, it is the file that ``last_checkpoint`` names, or else the one of the
    highest number that can be read.

    Args:
        folder: The run's folder.
        warn: Is told of each file that is passed over.
        is_own: Tells by its name whether a file is one that the run saves to resume from. Where
            some have footers, one without is damaged if it is, and else of no concern.

    Returns:
        The file; None if the folder has none that was meant to be gone on from.

    Raises:
        InputError: If there are such files, but not one of them is sound.
    """
    passed_over = 0
    for path, check in _candidates(Path(folder), is_own):
        try:
            check(str(path))
            return str(path)
        except (InputError, OSError) as error:  # a disk may refuse to read a block
            warn(f'passed over: {error}')
            passed_over += 1
    if passed_over:
        raise InputError(f"'{folder}' has {passed_over} checkpoints, and none of them is sound")
    return None


def _candidates(folder: Path, is_own: Callable[[str], bool]) -> Iterator[tuple[Path, Callable]]:
    """Files to try, the best first, each with what finds out whether it is sound."""
    paths = sorted(folder.glob('*.pth'), key=_number, reverse=True)
    problems = {path: problem for path in paths if (problem := _problem(path))}
    # Names of others that lead to no file are of no concern, as their files are not.
    yield from ((path, partial(_refuse, problems[path])) for path in problems if is_own(path.name))
    footers = {path: read_footer(str(path)) for path in paths if path not in problems}
    found = [(footer.iter, path) for path, footer in footers.items() if footer and footer.resumable]
    others = [path for path, footer in footers.items() if footer is None and _is_of_a_run(path)]
    if any(footers.values()):
        # Of this package once: reading them says so, and they are never gone on from.
        refuse = partial(_refuse, 'is damaged: it has no checksum footer')
        yield from ((path, refuse) for path in others if is_own(path.name))
        yield from ((path, check_footer) for _, path in sorted(found, reverse=True))
        return
    named = [path for path in others if path.name == _pointed_at(folder)]
    yield from ((path, read_checkpoint) for path in dict.fromkeys([*named, *others]))


def _problem(path: Path) -> str | None:
    """The reason why a path is not a file that can be read; None if it is one."""
    problem = file_problem(path)
    if problem is None:
        try:
            read_footer(str(path))
        except OSError as error:
            problem = f'cannot be read: {error.strerror}'
    return problem


def _refuse(problem: str, path: str) -> None:
    raise InputError(f"checkpoint '{path}' {problem}")


def _is_of_a_run(path: Path) -> bool:
    """Tell whether a name is that of a checkpoint with an optimizer, not of best weights alone."""
    return not path.name.startswith('best_') and path.name != BEST


def _pointed_at(folder: Path) -> str:
    pointer = folder / POINTER
    if file_problem(pointer):
        return ''
    with pointer.open('rb') as file:
        return Path(file.read(_LONGEST_POINTER).decode(errors='replace').strip()).name


def _number(path: Path) -> int:
    numbers = re.findall(r'\d+', path.stem)
    return int(numbers[-1]) if numbers else -1
