"""300W's 68 points (iBUG's mark-up): jaw, brows, nose, eyes, outer and inner lips.

Left and right are those of the image. In a group, points are counted from the left of the image
and around eyes and lips clockwise from the left corner.
"""

names = """
LeftJaw1 LeftJaw2 LeftJaw3 LeftJaw4 LeftJaw5 LeftJaw6 LeftJaw7 LeftJaw8 Chin
RightJaw8 RightJaw7 RightJaw6 RightJaw5 RightJaw4 RightJaw3 RightJaw2 RightJaw1
LeftBrowOuter LeftBrow2 LeftBrow3 LeftBrow4 LeftBrowInner
RightBrowInner RightBrow4 RightBrow3 RightBrow2 RightBrowOuter
NoseBridge1 NoseBridge2 NoseBridge3 NoseTip
LeftNostrilOuter LeftNostrilInner NoseBase RightNostrilInner RightNostrilOuter
LeftEyeOuter LeftEyeUpperOuter LeftEyeUpperInner LeftEyeInner LeftEyeLowerInner LeftEyeLowerOuter
RightEyeInner RightEyeUpperInner RightEyeUpperOuter
RightEyeOuter RightEyeLowerOuter RightEyeLowerInner
LeftMouthCorner LeftUpperLip1 LeftUpperLip2 UpperLip RightUpperLip2 RightUpperLip1 RightMouthCorner
RightLowerLip1 RightLowerLip2 LowerLip LeftLowerLip2 LeftLowerLip1
LeftInnerMouthCorner LeftInnerUpperLip InnerUpperLip RightInnerUpperLip RightInnerMouthCorner
RightInnerLowerLip InnerLowerLip LeftInnerLowerLip
"""

# The left side is blue, the right side red, the middle green (RGB).
colors = dict(Left=[0, 150, 255], Right=[255, 80, 0])
mirror = dict(Left='Right', Right='Left')


def _point(index, name):
    side = next((side for side in mirror if name.startswith(side)), None)
    swap = name.replace(side, mirror[side]) if side else ''
    return dict(name=name, id=index, color=colors.get(side, [60, 200, 60]), type='', swap=swap)


dataset_info = dict(
    dataset_name='300w',
    paper_info=dict(
        author='Sagonas, Christos and Antonakos, Epameinondas and Tzimiropoulos, Georgios and '
        'Zafeiriou, Stefanos and Pantic, Maja',
        title='300 Faces In-The-Wild Challenge: database and results',
        container='Image and Vision Computing',
        year='2016',
        homepage='https://ibug.doc.ic.ac.uk/resources/300-W/',
    ),
    keypoint_info={i: _point(i, name) for i, name in enumerate(names.split())},
    skeleton_info={},
    joint_weights=[1.0] * 68,
    sigmas=[],
)
