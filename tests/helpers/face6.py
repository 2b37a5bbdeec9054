"""MMPose's face6: six data sets whose points become LaPa's 106, in small."""

from pathlib import Path
from typing import Any

from .face_sets import FORMS, make_set

# 300W's points: jaw, both brows, nose, the eyes' corners and the middles of their lids, mouth.
IBUG = [
    *((i, 2 * i) for i in range(17)),
    *((i, i + 16) for i in range(17, 22)),
    *((i, i + 20) for i in range(22, 27)),
    *((i, i + 24) for i in range(27, 31)),
    *((i, i + 27) for i in range(31, 36)),
    (36, 66), (39, 70), ((37, 38), 68), ((40, 41), 72),
    (42, 75), (45, 79), ((43, 44), 77), ((46, 47), 81),
    *((i, i + 36) for i in range(48, 68)),
]  # fmt: skip
WFLW = [
    *((i, i) for i in range(55)),
    *((i, i + 3) for i in range(55, 60)),
    *((i, i + 6) for i in range(60, 68)),
    *((i, i + 7) for i in range(68, 76)),
    *((i, i + 8) for i in range(76, 98)),
]
# As MMPose has it: point 60 twice, and the eyes by WFLW's numbers.
COFW = [
    (0, 33), (2, 38), (4, 35), (5, 40), (1, 46), (3, 50), (6, 44), (7, 48), (8, 60), (10, 64),
    (12, 62), (13, 66), (9, 72), (11, 68), (14, 70), (15, 74), (18, 57), (19, 63), (20, 54),
    (21, 60), (22, 84), (23, 90), (24, 87), (25, 98), (26, 102), (27, 93), (28, 16),
]  # fmt: skip
# Halpe's face begins at its point 26.
HALPE = [
    ((first[0] + 26, first[1] + 26) if isinstance(first, tuple) else first + 26, target)
    for first, target in IBUG
]
MAPPINGS: dict[str, list[tuple[Any, int]]] = {
    'LapaDataset': [],
    'CocoWholeBodyFaceDataset': IBUG,
    'WFLWDataset': WFLW,
    'Face300WDataset': IBUG,
    'COFWDataset': COFW,
    'HalpeDataset': HALPE,
}
NAMES = ('lapa', 'coco_wholebody_face', 'wflw', '300w', 'cofw', 'halpe')


def make_six(root: Path) -> None:
    """Write the six sets, each in a folder of its class's name."""
    for kind in MAPPINGS:
        make_set(root / kind, kind)


def parts_of_six(root: Path, **arguments: Any) -> list[dict[str, Any]]:
    """The configs of the parts; the first annotation file of each."""
    return [
        {
            'type': kind,
            'data_root': str(root / kind),
            'ann_file': f'annotations/{next(iter(FORMS[kind]["files"]))}.json',
            'data_prefix': {'img': FORMS[kind]['images'][0]},
            'pipeline': [{'type': 'KeypointConverter', 'num_keypoints': 106, 'mapping': mapping}][
                : len(mapping)
            ],
            **arguments,
        }
        for kind, mapping in MAPPINGS.items()
    ]
