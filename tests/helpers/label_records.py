"""Records of labelling tools, as small as they can be, about a photograph ``a.png``."""

import cv2
import numpy as np


def photo(path, width=60, height=40):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((height, width, 3), 99, np.uint8))
    return path


def points(*places):
    """labelme's shapes of points."""
    return [
        {'label': label, 'points': [[x, y]], 'shape_type': 'point', **more}
        for label, x, y, more in places
    ]


def labelme(*shapes, **more):
    return {'shapes': list(shapes), 'imagePath': 'a.png', **more}


def rectangle(*corners, **more):
    return {'label': 'face', 'points': corners, 'shape_type': 'rectangle', **more}


def region(kind, value, **more):
    return {'id': f'{kind}{value}', 'type': kind, 'value': value, **more}


def keypoint(label, x, y, **more):
    return region('keypointlabels', {'x': x, 'y': y, 'keypointlabels': [label]}, **more)


def task(*result, data=None, **more):
    return [
        {
            'id': 7,
            'data': data or {'image': 'a.png'},
            'annotations': [{'result': [*result]}],
            **more,
        }
    ]


def xml(inner, labels=''):
    return (
        f'<annotations><meta><job><labels>{labels}</labels></job></meta>'
        f'<image id="0" name="a.png" width="60" height="40">{inner}</image></annotations>'
    )


def skeleton(label, text='1,2'):
    return f'<skeleton label="{label}"><points label="p" points="{text}"></points></skeleton>'


def coco(keypoints, **more):
    category = {'id': 1, 'name': 'face', 'keypoints': ['a', 'b']}
    annotation = {'id': 4, 'image_id': 1, 'category_id': 1, 'keypoints': keypoints}
    image = {'id': 1, 'file_name': 'a.png', 'width': 60, 'height': 40}
    return {'images': [image], 'annotations': [annotation], 'categories': [category], **more}


def via(*regions, **more):
    entry = {'filename': 'a.png', 'size': -1, 'regions': list(regions), 'file_attributes': {}}
    return {'a.png-1': {**entry, **more}}


def via_point(x, y, **attributes):
    place = {'name': 'point', 'cx': x, 'cy': y}
    return {'shape_attributes': place, 'region_attributes': attributes}


def unplaced(report):
    return {kind: len(which) for kind, which in report.unplaced.items()}


THREE = points(('a', 10, 10, {}), ('b', 30, 12, {}), ('c', 20, 30, {}))
