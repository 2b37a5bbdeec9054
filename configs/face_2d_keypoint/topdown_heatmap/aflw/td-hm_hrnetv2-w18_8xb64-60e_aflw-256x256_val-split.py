"""HRNetV2-W18 on AFLW, with its best epoch chosen on a tenth of the training photographs.

    python tools/train.py configs/face_2d_keypoint/topdown_heatmap/aflw/td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256_val-split.py

Which photographs are held out is a hash of their names (see TrainValSplit); tests are on the test set, as always. The
config that it varies chooses its epoch on the test set, as MMPose's does.
"""

_base_ = ['./td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256.py']

held_out = 0.1
train_dataloader = dict(dataset=dict(train_val_split=dict(part='train', val_share=held_out)))
val_dataloader = dict(
    dataset=dict(
        ann_file=_base_.train_dataloader.dataset.ann_file,
        subsets=None,
        train_val_split=dict(part='val', val_share=held_out),
    ),
)
