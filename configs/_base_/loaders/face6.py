"""Six sets of faces as one, with LaPa's 106 points; a config adds the pipelines.

Each set but LaPa has a mapping of pairs (its point, LaPa's point). Where its point is a pair, the mean of both counts.
"""

dataset_type = 'LapaDataset'
data_mode = 'topdown'
data_root = 'data/'

# From the 68 points of 300W and COCO-WholeBody: outline, brows, nose, eyes, mouth.
kpt_68_to_106 = [
    *[(i, 2 * i) for i in range(17)],
    *[(17 + i, 33 + i) for i in range(5)],
    *[(22 + i, 42 + i) for i in range(5)],
    *[(27 + i, 51 + i) for i in range(4)],
    *[(31 + i, 58 + i) for i in range(5)],
    *[(36, 66), (39, 70), ((37, 38), 68), ((40, 41), 72)],
    *[(42, 75), (45, 79), ((43, 44), 77), ((46, 47), 81)],
    *[(48 + i, 84 + i) for i in range(20)],
]
# The same points, behind 26 of the body.
mapping_halpe = [
    ((a[0] + 26, a[1] + 26) if isinstance(a, tuple) else a + 26, b) for a, b in kpt_68_to_106
]
mapping_wflw = [
    *[(i, i) for i in range(55)],
    *[(55 + i, 58 + i) for i in range(5)],
    *[(60 + i, 66 + i) for i in range(8)],
    *[(68 + i, 75 + i) for i in range(8)],
    *[(76 + i, 84 + i) for i in range(22)],
]
# As in MMPose, the eyes (8 to 15) have WFLW's numbers; the config with `cofw-eyes` in its name has LaPa's.
mapping_cofw = [
    *[(0, 33), (2, 38), (4, 35), (5, 40), (1, 46), (3, 50), (6, 44), (7, 48)],
    *[(8, 60), (10, 64), (12, 62), (13, 66), (9, 72), (11, 68), (14, 70), (15, 74)],
    *[(18, 57), (19, 63), (20, 54), (21, 60)],
    *[(22, 84), (23, 90), (24, 87), (25, 98), (26, 102), (27, 93), (28, 16)],
]

dataset_lapa = dict(
    type=dataset_type,
    data_root=data_root,
    data_mode=data_mode,
    ann_file='LaPa/annotations/lapa_trainval.json',
    data_prefix=dict(img='pose/LaPa/'),
    pipeline=[],
)
dataset_coco = dict(
    type='CocoWholeBodyFaceDataset',
    data_root=data_root,
    data_mode=data_mode,
    ann_file='coco/annotations/coco_wholebody_train_v1.0.json',
    data_prefix=dict(img='detection/coco/train2017/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=106, mapping=kpt_68_to_106)],
)
dataset_wflw = dict(
    type='WFLWDataset',
    data_root=data_root,
    data_mode=data_mode,
    ann_file='wflw/annotations/face_landmarks_wflw_train.json',
    data_prefix=dict(img='pose/WFLW/images/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=106, mapping=mapping_wflw)],
)
dataset_300w = dict(
    type='Face300WDataset',
    data_root=data_root,
    data_mode=data_mode,
    ann_file='300w/annotations/face_landmarks_300w_train.json',
    data_prefix=dict(img='pose/300w/images/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=106, mapping=kpt_68_to_106)],
)
dataset_cofw = dict(
    type='COFWDataset',
    data_root=data_root,
    data_mode=data_mode,
    ann_file='cofw/annotations/cofw_train.json',
    data_prefix=dict(img='pose/COFW/images/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=106, mapping=mapping_cofw)],
)
dataset_halpe = dict(
    type='HalpeDataset',
    data_root=data_root,
    data_mode=data_mode,
    ann_file='halpe/annotations/halpe_train_133kpt.json',
    data_prefix=dict(img='pose/Halpe/hico_20160224_det/images/train2015/'),
    pipeline=[dict(type='KeypointConverter', num_keypoints=106, mapping=mapping_halpe)],
)

val_lapa = dict(dataset_lapa, ann_file='LaPa/annotations/lapa_test.json')
val_coco = dict(
    dataset_coco,
    ann_file='coco/annotations/coco_wholebody_val_v1.0.json',
    data_prefix=dict(img='detection/coco/val2017/'),
)
val_wflw = dict(dataset_wflw, ann_file='wflw/annotations/face_landmarks_wflw_test.json')
val_300w = dict(dataset_300w, ann_file='300w/annotations/face_landmarks_300w_test.json')
val_cofw = dict(dataset_cofw, ann_file='cofw/annotations/cofw_test.json')
val_halpe = dict(
    dataset_halpe,
    ann_file='halpe/annotations/halpe_val_v1.json',
    data_prefix=dict(img='detection/coco/val2017/'),
)

train_dataloader = dict(
    batch_size=256,
    num_workers=10,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/lapa.py'),
        datasets=[
            dataset_lapa,
            dataset_coco,
            dataset_wflw,
            dataset_300w,
            dataset_cofw,
            dataset_halpe,
        ],
        test_mode=False,
    ),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=10,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type=dataset_type,
        data_root=data_root,
        data_mode=data_mode,
        ann_file='LaPa/annotations/lapa_test.json',
        data_prefix=dict(img='pose/LaPa/'),
        test_mode=True,
    ),
)
test_dataloader = dict(
    batch_size=32,
    num_workers=10,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='CombinedDataset',
        metainfo=dict(from_file='configs/_base_/datasets/lapa.py'),
        datasets=[val_lapa, val_coco, val_wflw, val_300w, val_cofw, val_halpe],
        test_mode=True,
    ),
)

val_evaluator = dict(type='NME', norm_mode='keypoint_distance')
test_evaluator = val_evaluator
