"""How many faces there are, against what AFLW has."""

from __future__ import annotations

import os.path as osp
import re

from .findings import Finding
from .records import SplitContent
from .splits import Split

# MMPose's annotation files of AFLW.
AFLW_FACES = {
    'face_landmarks_aflw_train.json': 20000,
    'face_landmarks_aflw_test.json': 4386,
    'face_landmarks_aflw_test_frontal.json': 1314,
}
_AFLW_IMAGE = re.compile(r'(^|/)image\d{5}\.(jpg|png)$')
# Of a set that claims to be AFLW, this share of the images bears AFLW's names.
_SHARE = 0.9


def aflw_count(split: Split, content: SplitContent, file: str | None, claimed: bool | None) -> int:
    """How many faces AFLW has in a file; 0 if the file does not claim to be AFLW's.

    It claims so by its name together with the names of its images; either alone is common among
    sets that only have AFLW's form, and parts of AFLW have names of their own.

    Args:
        split: The split that the file belongs to.
        content: The split's content.
        file: The annotation file.
        claimed: Whether the user says that the set is AFLW; None leaves it to the names.
    """
    count = AFLW_FACES.get(osp.basename(file or ''), 0)
    if claimed is not None or split.dataset.metainfo['dataset_name'] != 'aflw':
        return count if claimed else 0
    named = sum(bool(_AFLW_IMAGE.search(image['file_name'])) for image in content.images)
    return count if named and named >= _SHARE * len(content.images) else 0


def check_count(split: str, file: str, count: int, expected: int) -> list[Finding]:
    """Compare a number of faces with AFLW's."""
    if not expected or count == expected:
        return []
    problem = f'has {count} faces, AFLW has {expected} there'
    return [Finding(split, 'counts', osp.basename(file), problem)]
