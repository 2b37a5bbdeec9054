"""Bottom-up samples: one an image, with all of its instances."""

from __future__ import annotations

from typing import Any

import numpy as np


def group_by_image(instances: list[dict]) -> list[dict]:
    """One sample an image: what differs by face is joined along the first axis."""
    of_image = ('img_path', 'image_wh')
    joined = ('bbox', 'bbox_score', 'keypoints', 'keypoints_visible')
    groups: dict[Any, list[dict]] = {}
    for instance in instances:
        groups.setdefault(instance['img_id'], []).append(instance)
    return [
        {
            'img_id': img_id,
            **{key: members[0][key] for key in of_image if key in members[0]},
            'id': [member['id'] for member in members],
            **{key: np.concatenate([member[key] for member in members]) for key in joined},
        }
        for img_id, members in groups.items()
    ]
