"""WFLW's 98 points: jaw, brows, nose, eyes, outer and inner lips, pupils.

Left and right are those of the image. In a group, points are counted from the left of the image
and around brows, eyes and lips clockwise from the left corner.
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
LeftNostrilOuter LeftNostrilInner NoseBase RightNostrilInner RightNostrilOuter
LeftEyeOuter LeftEyeUpperOuter LeftEyeUpper LeftEyeUpperInner
LeftEyeInner LeftEyeLowerInner LeftEyeLower LeftEyeLowerOuter
RightEyeInner RightEyeUpperInner RightEyeUpper RightEyeUpperOuter
RightEyeOuter RightEyeLowerOuter RightEyeLower RightEyeLowerInner
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


dataset_info = dict(
    dataset_name='wflw',
    paper_info=dict(
        author='Wu, Wayne and Qian, Chen and Yang, Shuo and Wang, Quan and Cai, Yici and Zhou, Qiang',
        title='Look at Boundary: A Boundary-Aware Face Alignment Algorithm',
        container='IEEE Conference on Computer Vision and Pattern Recognition',
        year='2018',
        homepage='https://wywu.github.io/projects/LAB/WFLW.html',
    ),
    keypoint_info={i: _point(i, name) for i, name in enumerate(names.split())},
    skeleton_info={},
    joint_weights=[1.0] * 98,
    sigmas=[],
)
