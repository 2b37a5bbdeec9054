"""The 68 points of COCO-WholeBody's faces, which are 300W's."""

_base_ = ['./300w.py']

# fmt: off
sigmas = [
    0.042, 0.043, 0.044, 0.043, 0.040, 0.035, 0.031, 0.025, 0.020, 0.023, 0.029, 0.032, 0.037,
    0.038, 0.043, 0.041, 0.045,  # jaw
    0.013, 0.012, 0.011, 0.011, 0.012, 0.012, 0.011, 0.011, 0.013, 0.015,  # brows
    0.009, 0.007, 0.007, 0.007, 0.012, 0.009, 0.008, 0.016, 0.010,  # nose
    0.017, 0.011, 0.009, 0.011, 0.009, 0.007, 0.013, 0.008, 0.011, 0.012, 0.010, 0.034,  # eyes
    0.008, 0.008, 0.009, 0.008, 0.008, 0.007, 0.010, 0.008, 0.009, 0.009, 0.009, 0.007,  # lips
    0.007, 0.008, 0.011, 0.008, 0.008, 0.008, 0.010, 0.008,  # inner lips
]
# fmt: on

dataset_info = dict(
    dataset_name='coco_wholebody_face',
    paper_info=dict(
        author='Jin, Sheng and Xu, Lumin and Xu, Jin and Wang, Can and Liu, Wentao and '
        'Qian, Chen and Ouyang, Wanli and Luo, Ping',
        title='Whole-Body Human Pose Estimation in the Wild',
        container='European Conference on Computer Vision',
        year='2020',
        homepage='https://github.com/jin-s13/COCO-WholeBody/',
    ),
    sigmas=sigmas,
)
