"""The checkpoint that a run goes on from."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from mmpose_lite.utils import InputError

from .reader import read_checkpoint
from .seal import check_seal, read_seal

_POINTER = 'last_checkpoint'


def find_latest(
    folder: str, warn: Callable[[str], None], is_own: Callable[[str], bool] = lambda name: True
) -> str | None:
    """Find the newest checkpoint of a folder that is sound and that a run can go on from.

    The files themselves decide, by the iterations that their seals name. Where none is sealed, as
    in a folder of MMPose's, it is the file that ``last_checkpoint`` names, or else the one of the
    highest number that can be read.

    Args:
        folder: The run's folder.
        warn: Is told of each file that is passed over.
        is_own: Tells by its name whether a file is one that the run saves to go on from. Where
            some are sealed, an unsealed one is damaged if it is, and else of no concern.

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
    seals = {path: read_seal(str(path)) for path in paths}
    found = [(seal.iter, path) for path, seal in seals.items() if seal and seal.resumable]
    unsealed = [path for path, seal in seals.items() if seal is None and _is_of_a_run(path)]
    if any(seals.values()):
        # Of this package once: reading them says so, and they are never gone on from.
        yield from ((path, _refuse) for path in unsealed if is_own(path.name))
        yield from ((path, check_seal) for _, path in sorted(found, reverse=True))
        return
    named = [path for path in unsealed if path.name == _pointed_at(folder)]
    yield from ((path, read_checkpoint) for path in dict.fromkeys([*named, *unsealed]))


def _refuse(path: str) -> None:
    raise InputError(f"checkpoint '{path}' is damaged: it has no seal")


def _is_of_a_run(path: Path) -> bool:
    """Whether a name is that of a checkpoint with an optimizer, not of the best weights alone."""
    return not path.name.startswith('best_')


def _pointed_at(folder: Path) -> str:
    pointer = folder / _POINTER
    return Path(pointer.read_text(encoding='utf-8').strip()).name if pointer.is_file() else ''


def _number(path: Path) -> int:
    numbers = re.findall(r'\d+', path.stem)
    return int(numbers[-1]) if numbers else -1
