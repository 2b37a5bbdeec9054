"""LaPa's 106 points: jaw, brows, nose, eyes with their centres, outer and inner lips, pupils.

Left and right are those of the image. In a group, points are counted from the left of the image
and around brows, eyes and lips clockwise from the left corner. The weights count eyes twice and
the jaw less.
"""

names = """
LeftJaw1 LeftJaw2 LeftJaw3 LeftJaw4 LeftJaw5 LeftJaw6 LeftJaw7 LeftJaw8
LeftJaw9 LeftJaw10 LeftJaw11 LeftJaw12 LeftJaw13 LeftJaw14 LeftJaw15 LeftJaw16 Chin
RightJaw16 RightJaw15 RightJaw14 RightJaw13 RightJaw12 RightJaw11 RightJaw10 RightJaw9
RightJaw8 RightJaw7 RightJaw6 RightJaw5 RightJaw4 RightJaw3 RightJaw2 RightJaw1
LeftBrowOuter LeftBrowUpper1 LeftBrowUpper2 LeftBrowUpper3 LeftBrowUpperInner
LeftBrowLowerInner LeftBrowLower3 LeftBrowLower2 LeftBrowLower1
RightBrowUpperInner RightBrowUpper3 RightBrowUpper2 RightBrowUpper1 RightBrowOuter
RightBrowLower1 RightBrowLower2 RightBrowLower3 RightBrowLowerInner
NoseBridge1 NoseBridge2 NoseBridge3 NoseTip
LeftNose1 LeftNose2 LeftNose3 LeftNose4 LeftNose5 NoseBase
RightNose5 RightNose4 RightNose3 RightNose2 RightNose1
LeftEyeOuter LeftEyeUpperOuter LeftEyeUpper LeftEyeUpperInner
LeftEyeInner LeftEyeLowerInner LeftEyeLower LeftEyeLowerOuter LeftEyeCenter
RightEyeInner RightEyeUpperInner RightEyeUpper RightEyeUpperOuter
RightEyeOuter RightEyeLowerOuter RightEyeLower RightEyeLowerInner RightEyeCenter
LeftMouthCorner LeftUpperLip1 LeftUpperLip2 UpperLip RightUpperLip2 RightUpperLip1 RightMouthCorner
RightLowerLip1 RightLowerLip2 LowerLip LeftLowerLip2 LeftLowerLip1
LeftInnerMouthCorner LeftInnerUpperLip InnerUpperLip RightInnerUpperLip RightInnerMouthCorner
RightInnerLowerLip InnerLowerLip LeftInnerLowerLip
LeftPupil RightPupil
"""

# The left side is blue, the right side red, the middle green (RGB).
colors = dict(Left=[0, 150, 255], Right=[255, 80, 0])
mirror = dict(Left='Right', Right='Left')


def _point(index, name):
    side = next((side for side in mirror if name.startswith(side)), None)
    swap = name.replace(side, mirror[side]) if side else ''
    return dict(name=name, id=index, color=colors.get(side, [60, 200, 60]), type='', swap=swap)


# Jaw; brows and nose; both eyes with their centres; lips; pupils.
weights = [0.8] * 33 + [1.0] * 33 + 2 * ([2.0] * 8 + [1.0]) + [1.5] * 20 + [1.0] * 2

dataset_info = dict(
    dataset_name='lapa',
    paper_info=dict(
        author='Liu, Yinglu and Shi, Hailin and Shen, Hao and Si, Yue and Wang, Xiaobo and Mei, Tao',
        title='A New Dataset and Boundary-Attention Semantic Segmentation for Face Parsing',
        container='AAAI Conference on Artificial Intelligence',
        year='2020',
        homepage='https://github.com/JDAI-CV/lapa-dataset',
    ),
    keypoint_info={i: _point(i, name) for i, name in enumerate(names.split())},
    skeleton_info={},
    joint_weights=weights,
    sigmas=[],
)
