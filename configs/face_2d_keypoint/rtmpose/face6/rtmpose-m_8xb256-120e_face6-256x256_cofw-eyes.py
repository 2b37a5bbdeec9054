"""RTMPose-m on six sets of faces at once, with COFW's eyes where LaPa's are; MMPose trains them as other points.

    python tools/train.py configs/face_2d_keypoint/rtmpose/face6/rtmpose-m_8xb256-120e_face6-256x256_cofw-eyes.py

Meant for 8 GPUs with 256 faces each, like the config that it varies. Nobody has published a number for it.
"""

_base_ = ['./rtmpose-m_8xb256-120e_face6-256x256.py']

# Corners and lids of the left eye, then of the right one; a test then has an NME of COFW's faces, too.
mapping_cofw = [
    *[pair for pair in _base_.mapping_cofw if pair[0] not in range(8, 16)],
    *[(8, 66), (10, 70), (12, 68), (13, 72), (9, 79), (11, 75), (14, 77), (15, 81)],
]
dataset_cofw = dict(
    _base_.dataset_cofw, pipeline=[dict(_base_.dataset_cofw.pipeline[0], mapping=mapping_cofw)]
)
val_cofw = dict(_base_.val_cofw, pipeline=dataset_cofw['pipeline'])
train_dataloader = dict(
    dataset=dict(
        datasets=[
            *_base_.train_dataloader.dataset.datasets[:4],
            dataset_cofw,
            _base_.dataset_halpe,
        ]
    )
)
test_dataloader = dict(
    dataset=dict(
        datasets=[*_base_.test_dataloader.dataset.datasets[:4], val_cofw, _base_.val_halpe]
    )
)
