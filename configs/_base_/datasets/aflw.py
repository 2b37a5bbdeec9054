"""AFLW's 19 points: the data set's 21 without the ears, which it seldom annotates.

Left and right are the image's: a point on the left of a frontal photograph is named "Left".
"""

_LEFT, _MIDDLE, _RIGHT = [0, 170, 255], [80, 220, 100], [255, 110, 0]


def _point(index, name, swap=''):
    side = _LEFT if name.startswith('Left') or name.endswith(('Left', 'LeftCorner')) else _RIGHT
    color = side if swap else _MIDDLE
    return dict(name=name, id=index, color=color, type='', swap=swap)
