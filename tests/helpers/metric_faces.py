"""Faces of three points for tests of metrics."""

import numpy as np

META = {
    'dataset_name': 'three',
    'keypoint_id2name': {0: 'LeftEye', 1: 'RightEye', 2: 'Chin'},
}
# Eyes 6 and 8 px apart (10 px), a chin.
TRUTH = np.array([[10.0, 20.0], [16.0, 28.0], [50.0, 60.0]])


def face(face_id, error=(0.0, 0.0), visible=(1, 1, 1), bbox=(0, 0, 100, 80), **truth):
    """A face whose first point is off by ``error`` px."""
    pred = TRUTH.copy()
    pred[0] += error
    return {
        'id': face_id,
        'img_path': f'photo{face_id}.jpg',
        'subsets': truth.pop('subsets', ()),
        'dataset_name': truth.pop('dataset_name', 'three'),
        'gt_instances': {
            'keypoints': TRUTH[None],
            'keypoints_visible': np.array([visible], dtype=np.float32),
            'bboxes': np.array([bbox], dtype=np.float32),
            **truth,
        },
        'pred_instances': {'keypoints': pred[None], 'keypoint_scores': np.full((1, 3), 0.5)},
    }


def evaluate(metric, *faces):
    metric.dataset_meta = META
    metric.process(None, faces)
    return metric.evaluate(len(faces))
