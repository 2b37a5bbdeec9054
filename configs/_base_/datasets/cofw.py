"""COFW's 29 points: brows, eyes with pupils, nose, mouth and chin.

Left and right are those of the image.
"""

names = """
LeftBrowOuter RightBrowOuter LeftBrowInner RightBrowInner
LeftBrowUpper LeftBrowLower RightBrowUpper RightBrowLower
LeftEyeOuter RightEyeOuter LeftEyeInner RightEyeInner
LeftEyeUpper LeftEyeLower RightEyeUpper RightEyeLower LeftPupil RightPupil
LeftNostril RightNostril NoseTip NoseBase
LeftMouthCorner RightMouthCorner UpperLipUpper UpperLipLower LowerLipUpper LowerLipLower Chin
"""

# The left side is blue, the right side red, the middle green (RGB).
colors = dict(Left=[0, 150, 255], Right=[255, 80, 0])
mirror = dict(Left='Right', Right='Left')


def _point(index, name):
    side = next((side for side in mirror if name.startswith(side)), None)
    swap = name.replace(side, mirror[side]) if side else ''
    return dict(name=name, id=index, color=colors.get(side, [60, 200, 60]), type='', swap=swap)


dataset_info = dict(
    dataset_name='cofw',
    paper_info=dict(
        author='Burgos-Artizzu, Xavier P. and Perona, Pietro and Dollar, Piotr',
        title='Robust face landmark estimation under occlusion',
        container='IEEE International Conference on Computer Vision',
        year='2013',
        homepage='http://www.vision.caltech.edu/xpburgos/ICCV13/',
    ),
    keypoint_info={i: _point(i, name) for i, name in enumerate(names.split())},
    skeleton_info={},
    joint_weights=[1.0] * 29,
    sigmas=[],
)
