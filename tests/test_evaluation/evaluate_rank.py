"""One rank of a group that evaluates five faces; its arguments are a folder and its rank of three.

The faces are evaluated by two ranks, and then by three; the answers go to the standard output.
"""

import json
import sys

import torch.distributed as dist

from mmpose_lite.evaluation import NME

FACES = 5


def face(index: int, hidden: bool = False) -> dict:
    """Face ``index``: two points, a box of 100 px; the first point is off by ``index`` px."""
    points = [[[10.0 + index, 20.0], [50.0, 60.0]]]
    return {
        'id': 100 + index,
        'img_path': f'{index}.jpg',
        'subsets': ['hard'] if index > 2 else [],
        'gt_instances': {
            'keypoints': [[[10.0, 20.0], [50.0, 60.0]]],
            'keypoints_visible': [[0.0, 0.0]] if hidden else [[1.0, 1.0]],
            'bboxes': [[0.0, 0.0, 100.0, 90.0]],
        },
        'pred_instances': {'keypoints': points, 'keypoint_scores': [[0.5, 0.5]]},
    }


def evaluate(indices: list[int]) -> tuple[dict[str, float], list[int], dict[str, float]]:
    """Evaluate the faces with these numbers.

    Returns:
        The metrics, the rows' ids, and the metrics where every second face has no visible point:
        of two ranks one has no other.
    """
    metric = NME(norm_mode='use_norm_item', norm_item='bbox_size')
    for index in indices:
        metric.process(None, [face(index)])
    whole, ids = metric.evaluate(FACES), [row['id'] for row in metric.rows]
    for index in indices:
        metric.process(None, [face(index, hidden=index % 2 == 1)])
    return whole, ids, metric.evaluate(FACES)


def main() -> None:
    folder, rank = sys.argv[1], int(sys.argv[2])
    answers = {}
    for world in (2, 3):
        if rank >= world:
            continue
        store = dist.FileStore(f'{folder}/store{world}', world)
        dist.init_process_group('gloo', store=store, rank=rank, world_size=world)
        # Dealt as the sampler deals: in turn, and from the start again until all have as many.
        answers[world] = evaluate(
            [i % FACES for i in range(rank, -(-FACES // world) * world, world)]
        )
        dist.destroy_process_group()
    print(json.dumps(answers))


if __name__ == '__main__':
    main()
