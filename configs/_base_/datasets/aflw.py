"""AFLW's 19 points: the data set's 21 without the ears.

Left and right are those of the image, so the left brow is the brow on the left of the photograph.
"""

# The left side is blue, the right side red, the middle green (RGB).
blue, green, red = [0, 150, 255], [60, 200, 60], [255, 80, 0]

dataset_info = dict(
    dataset_name='aflw',
    paper_info=dict(
        author='Koestinger, Martin and Wohlhart, Paul and Roth, Peter M. and Bischof, Horst',
        title='Annotated Facial Landmarks in the Wild: A large-scale, real-world database for '
        'facial landmark localization',
        container='2011 IEEE International Conference on Computer Vision Workshops',
        year='2011',
        homepage='https://www.tugraz.at/institute/icg/research/team-bischof/lrs/downloads/aflw/',
    ),
    keypoint_info={
        0: dict(name='LeftBrowLeftCorner', id=0, color=blue, type='', swap='RightBrowRightCorner'),
        1: dict(name='LeftBrowCenter', id=1, color=blue, type='', swap='RightBrowCenter'),
        2: dict(name='LeftBrowRightCorner', id=2, color=blue, type='', swap='RightBrowLeftCorner'),
        3: dict(name='RightBrowLeftCorner', id=3, color=red, type='', swap='LeftBrowRightCorner'),
        4: dict(name='RightBrowCenter', id=4, color=red, type='', swap='LeftBrowCenter'),
        5: dict(name='RightBrowRightCorner', id=5, color=red, type='', swap='LeftBrowLeftCorner'),
        6: dict(name='LeftEyeLeftCorner', id=6, color=blue, type='', swap='RightEyeRightCorner'),
        7: dict(name='LeftEyeCenter', id=7, color=blue, type='', swap='RightEyeCenter'),
        8: dict(name='LeftEyeRightCorner', id=8, color=blue, type='', swap='RightEyeLeftCorner'),
        9: dict(name='RightEyeLeftCorner', id=9, color=red, type='', swap='LeftEyeRightCorner'),
        10: dict(name='RightEyeCenter', id=10, color=red, type='', swap='LeftEyeCenter'),
        11: dict(name='RightEyeRightCorner', id=11, color=red, type='', swap='LeftEyeLeftCorner'),
        12: dict(name='NoseLeft', id=12, color=blue, type='', swap='NoseRight'),
        13: dict(name='NoseCenter', id=13, color=green, type='', swap=''),
        14: dict(name='NoseRight', id=14, color=red, type='', swap='NoseLeft'),
        15: dict(name='MouthLeftCorner', id=15, color=blue, type='', swap='MouthRightCorner'),
        16: dict(name='MouthCenter', id=16, color=green, type='', swap=''),
        17: dict(name='MouthRightCorner', id=17, color=red, type='', swap='MouthLeftCorner'),
        18: dict(name='ChinCenter', id=18, color=green, type='', swap=''),
    },
    skeleton_info={},
    joint_weights=[1.0] * 19,
    sigmas=[],
)
