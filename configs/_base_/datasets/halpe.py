"""Halpe's 136 points: the body, the feet, 300W's 68 of the face, and 21 of each hand.

Left and right of body, feet and hands are the person's; of the face they are those of the image,
as in 300W. MMPose has two points of the name ``left_wrist``; here those of the hands are
``LeftHandWrist`` and ``RightHandWrist``.
"""

upper = """
Nose LeftEye RightEye LeftEar RightEar LeftShoulder RightShoulder LeftElbow RightElbow
LeftWrist RightWrist
"""
lower = 'LeftHip RightHip LeftKnee RightKnee LeftAnkle RightAnkle'
torso = dict(Head='upper', Neck='upper', Hip='lower')
feet = 'LeftBigToe RightBigToe LeftSmallToe RightSmallToe LeftHeel RightHeel'
face = """
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
fingers = ['Thumb', 'Forefinger', 'MiddleFinger', 'RingFinger', 'Pinky']
hand = ['HandWrist'] + [finger + str(joint) for finger in fingers for joint in (1, 2, 3, 4)]

parts = dict.fromkeys(upper.split(), 'upper')
parts.update(dict.fromkeys(lower.split(), 'lower'))
parts.update(torso)
parts.update(dict.fromkeys(feet.split(), 'lower'))
parts.update(dict.fromkeys(face.split(), ''))
parts.update(dict.fromkeys([side + name for side in ('Left', 'Right') for name in hand], ''))

# The left side is blue, the right side red, the middle green (RGB).
colors = dict(Left=[0, 150, 255], Right=[255, 80, 0])
middle = [60, 200, 60]
mirror = dict(Left='Right', Right='Left')


def _side(name):
    return next((side for side in mirror if name.startswith(side)), None)


def _point(index, name):
    side = _side(name)
    swap = name.replace(side, mirror[side]) if side else ''
    return dict(name=name, id=index, color=colors.get(side, middle), type=parts[name], swap=swap)


def _finger(finger):
    joints = ['HandWrist'] + [finger + str(joint) for joint in (1, 2, 3, 4)]
    return [(joints[i], joints[i + 1]) for i in range(4)]


# Links of both sides, then those of the middle.
limbs = [
    ('Ankle', 'Knee'),
    ('Knee', 'Hip'),
    ('Shoulder', 'Elbow'),
    ('Elbow', 'Wrist'),
    ('Eye', 'Ear'),
    ('Ear', 'Shoulder'),
    ('Ankle', 'BigToe'),
    ('Ankle', 'SmallToe'),
    ('Ankle', 'Heel'),
] + [link for finger in fingers for link in _finger(finger)]
links = [(side + one, side + other) for side in ('Left', 'Right') for one, other in limbs]
links += [
    ('LeftHip', 'Hip'),
    ('RightHip', 'Hip'),
    ('Head', 'Neck'),
    ('Neck', 'Hip'),
    ('Neck', 'LeftShoulder'),
    ('Neck', 'RightShoulder'),
    ('LeftEye', 'RightEye'),
    ('Nose', 'LeftEye'),
    ('Nose', 'RightEye'),
]

# Of both sides' points but the nose; the last is of the face and the hands.
_sigmas = [0.025, 0.035, 0.079, 0.072, 0.062, 0.107, 0.087, 0.089]
body_sigmas = [0.026] + [sigma for sigma in _sigmas for _ in range(2)] + [0.08] * 3 + [0.089] * 6

dataset_info = dict(
    dataset_name='halpe',
    paper_info=dict(
        author='Li, Yong-Lu and Xu, Liang and Liu, Xinpeng and Huang, Xijie and Xu, Yue and '
        'Wang, Shiyi and Fang, Hao-Shu and Ma, Ze and Chen, Mingyang and Lu, Cewu',
        title='PaStaNet: Toward Human Activity Knowledge Engine',
        container='IEEE Conference on Computer Vision and Pattern Recognition',
        year='2020',
        homepage='https://github.com/Fang-Haoshu/Halpe-FullBody/',
    ),
    keypoint_info={i: _point(i, name) for i, name in enumerate(parts)},
    skeleton_info={
        i: dict(link=link, id=i, color=colors.get(_side(link[0]), middle))
        for i, link in enumerate(links)
    },
    joint_weights=[1.0] * 136,
    sigmas=body_sigmas + [0.015] * 110,
)
