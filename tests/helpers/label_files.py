"""Labels of three faces on two pictures, in the forms in which tools export them."""

import json
from xml.sax.saxutils import quoteattr

import cv2
import numpy as np

NAMES = ['left_eye', 'right_eye', 'nose', 'left_mouth', 'right_mouth']
WIDTH, HEIGHT = 200, 160
# x, y from the face's corner, and COCO's flag: a person's left is on the right of the picture.
FACE = np.array([[40.5, 20, 2], [15, 20.25, 2], [27, 33.75, 1], [37, 47, 2], [18, 47, 0]])
BOX_WH = (56, 62)
CORNERS = {'a.png': [(20, 30)], 'sub/b c.png': [(5, 8), (110, 70)]}
"""Where the faces of each picture are."""


def face(corner):
    """The points of a face, ``(5, 3)``."""
    points = FACE + np.array([*corner, 0])
    return points * (points[:, 2:] > 0)


def shown(corner):
    """The points that are labelled, with their names."""
    rows = zip(NAMES, face(corner).tolist(), strict=True)
    return [(name, *row) for name, row in rows if row[2]]


def box(corner):
    return [*corner, *BOX_WH]


def write_photos(root):
    for name in CORNERS:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(root / name), np.full((HEIGHT, WIDTH, 3), 128, np.uint8))
    return root


def write_json(path, content, encoding='utf-8'):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding=encoding)
    return path


def coco(image, annotation, categories):
    """A COCO file; the arguments add to, or change, each record."""
    images, annotations = [], []
    for i, (name, corners) in enumerate(CORNERS.items(), 1):
        size = {'width': WIDTH, 'height': HEIGHT}
        images.append({'id': i, 'file_name': name, **size, **image(name)})
        for corner in corners:
            record = {'id': len(annotations) + 1, 'image_id': i, 'category_id': 1, 'iscrowd': 0}
            record |= {'keypoints': face(corner).ravel().tolist(), 'bbox': box(corner)}
            annotations.append({**record, **annotation(corner)})
    return {'images': images, 'annotations': annotations, 'categories': categories}


CATEGORY = {'id': 1, 'name': 'face', 'supercategory': '', 'keypoints': NAMES, 'skeleton': [[1, 2]]}


def cvat_json(root):
    def extent(corner):  # CVAT's box is the extent of the points that are visible
        points = face(corner)
        low, high = points[points[:, 2] > 0, :2].min(0), points[points[:, 2] > 0, :2].max(0)
        attributes = {'occluded': False}
        return {'bbox': [*low, *(high - low)], 'segmentation': [], 'attributes': attributes}

    content = coco(lambda name: {'license': 0, 'flickr_url': ''}, extent, [CATEGORY])
    return write_json(root / 'annotations' / 'person_keypoints_default.json', content)


def coco_annotator(root):
    def image(name):
        return {
            'file_name': name.rpartition('/')[2], 'path': f'/datasets/faces/{name}',
            'dataset_id': 1, 'deleted': False, 'annotated': True, 'metadata': {},
        }  # fmt: skip

    def annotation(corner):
        values = face(corner).ravel().tolist()
        return {
            'bbox': [0, 0, 0, 0], 'area': 0, 'iscrowd': False, 'segmentation': [],
            'keypoints': values, 'isbbox': False, 'color': '#1f4f5a', 'metadata': {},
            'width': WIDTH, 'height': HEIGHT, 'num_keypoints': 4, 'id': float(corner[0]),
        }  # fmt: skip

    category = {**CATEGORY, 'keypoint_colors': ['#bf5c4d'] * 5, 'color': '#aa0000', 'metadata': {}}
    return write_json(root / 'faces-1.json', coco(image, annotation, [category]))


def roboflow(root):
    """Beside the photographs under their names before."""

    def image(name):
        stem = name.rpartition('/')[2].replace(' ', '-').replace('.png', '_png')
        hashed = f'{stem}.rf.0123abcd.png'
        photo = root.parent / 'photos' / name
        (root.parent / 'photos' / hashed).write_bytes(photo.read_bytes())
        extra = {'name': name.rpartition('/')[2]}
        return {'file_name': hashed, 'extra': extra, 'license': 1}

    above = {'id': 0, 'name': 'faces-abc', 'supercategory': 'none'}
    categories = [above, {**CATEGORY, 'supercategory': 'faces-abc'}]
    content = coco(image, lambda corner: {'area': 56 * 62, 'segmentation': []}, categories)
    return write_json(root / 'train' / '_annotations.coco.json', content, 'utf-8-sig')


def cvat_xml(root):
    labels = ''.join(
        f'<label><name>{name}</name><type>points</type><parent>face</parent></label>'
        for name in NAMES
    )
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>', '<annotations><version>1.1</version><meta><task>',
        f'<labels><label><name>face</name><type>skeleton</type></label>{labels}</labels>',
        '</task></meta>',
    ]  # fmt: skip
    for i, (name, corners) in enumerate(CORNERS.items()):
        lines.append(
            f'<image id="{i}" name={quoteattr(name)} width="{WIDTH}" height="{HEIGHT}">'
            '<tag label="good" source="manual"></tag>'
        )
        for x, y in corners:
            lines.append('<skeleton label="face" source="manual" z_order="0">')
            for point, (u, v, flag) in [*zip(NAMES, face((x, y)), strict=True)][::-1]:
                out, hidden = int(flag == 0), int(flag == 1)
                lines.append(
                    f'<points label="{point}" outside="{out}" occluded="{hidden}" source="manual" '
                    f'points="{u:.2f},{v:.2f}"></points>'
                )
            lines.append(
                f'</skeleton><box label="head" occluded="0" xtl="{x}" ytl="{y}" '
                f'xbr="{x + BOX_WH[0]}" ybr="{y + BOX_WH[1]}" z_order="0"></box>'
            )
        lines.append('</image>')
    path = root / 'annotations.xml'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\n'.join([*lines, '</annotations>']), encoding='utf-8')
    return path


def region(number, kind, value, **more):
    common = {'original_width': WIDTH, 'original_height': HEIGHT, 'image_rotation': 0}
    ids = {
        'id': f'r{number}',
        'type': kind,
        'from_name': 'kp',
        'to_name': 'img',
        'origin': 'manual',
    }
    return {**common, **ids, 'value': value, **more}


def label_studio(root):
    addresses = ['/data/upload/7/0a1b2c3d-a.png', '/data/local-files/?d=faces/sub/b%20c.png']
    tasks = []
    for i, (corners, address) in enumerate(zip(CORNERS.values(), addresses, strict=True)):
        result = []
        for x, y in corners:
            parent = len(result)
            place = {'x': x / 2, 'y': y / 1.6, 'rotation': 0, 'rectanglelabels': ['Face']}
            size = {'width': BOX_WH[0] / 2, 'height': BOX_WH[1] / 1.6}
            result.append(region(parent, 'rectanglelabels', {**place, **size}))
            for name, u, v, flag in shown((x, y)):
                number, value = len(result), {'x': u / 2, 'y': v / 1.6, 'width': 0.4}
                named = {**value, 'keypointlabels': [name]}
                result.append(region(number, 'keypointlabels', named, parentID=f'r{parent}'))
                if flag == 1:
                    choice = {**value, 'choices': ['occluded']}
                    result.append(region(number, 'choices', choice, from_name='seen'))
        annotation = {'id': i, 'result': result, 'was_cancelled': False, 'ground_truth': False}
        tasks.append({'id': i, 'data': {'image': address}, 'annotations': [annotation]})
    return write_json(root / 'project-1-at-2024.json', tasks)


def labelme(root):
    for name, corners in CORNERS.items():
        shapes = []
        for group, (x, y) in enumerate(corners):
            ends = [[x + BOX_WH[0], y + BOX_WH[1]], [x, y]]  # as it was dragged
            shapes.append({'label': 'face', 'points': ends, 'shape_type': 'rectangle'})
            for point, u, v, flag in shown((x, y)):
                flags = {'occluded': flag == 1}
                shapes.append({'label': point, 'points': [[u, v]], 'shape_type': 'point'})
                shapes[-1] |= {'flags': flags, 'description': '', 'mask': None}
            for shape in shapes:
                shape.setdefault('group_id', group)
        content = {'version': '5.4.1', 'flags': {}, 'shapes': shapes, 'imageData': None}
        content |= {'imagePath': '..\\photos\\' + name.replace('/', '\\')}
        content |= {'imageHeight': HEIGHT, 'imageWidth': WIDTH}
        write_json(root / f'{name.rpartition("/")[2][:-4]}.json', content)
    return root


def via_entries():
    for name, corners in CORNERS.items():
        regions = []
        for group, (x, y) in enumerate(corners):
            rect = {'name': 'rect', 'x': x, 'y': y, 'width': BOX_WH[0], 'height': BOX_WH[1]}
            regions.append((rect, {'group': str(group)}))
            for point, u, v, flag in shown((x, y)):
                more = {'occluded': {'yes': True}} if flag == 1 else {}
                place = {'name': 'point', 'cx': u, 'cy': v}
                regions.append((place, {'landmark': point, 'group': str(group), **more}))
        for _, attributes in regions:
            if 'occluded' in attributes:
                attributes['occluded'] = 'yes'
        yield name.rpartition('/')[2], regions


def via_json(root):
    content = {}
    for name, regions in via_entries():
        size = next(root.parent.rglob(name)).stat().st_size
        listed = [{'shape_attributes': s, 'region_attributes': r} for s, r in regions]
        entry = {'filename': name, 'size': size, 'regions': listed, 'file_attributes': {}}
        content[f'{name}{size}'] = entry
    project = {'_via_settings': {}, '_via_img_metadata': content, '_via_attributes': {}}
    return write_json(root / 'via_project.json', project)


def quoted(record):
    return '"' + json.dumps(record).replace('"', '""') + '"'


def via_csv(root):
    columns = 'filename,file_size,file_attributes,region_count,region_id'
    lines = [f'{columns},region_shape_attributes,region_attributes']
    for name, regions in via_entries():
        size = next(root.parent.rglob(name)).stat().st_size
        for i, (shape, attributes) in enumerate(regions):
            numbers = f'{name},{size},"{{}}",{len(regions)},{i}'
            lines.append(f'{numbers},{quoted(shape)},{quoted(attributes)}')
    path = root / 'via.csv'
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('\r\n'.join(lines), encoding='utf-8')
    return path


# Tool, its form, and whether it has boxes.
TOOLS = [
    ('cvat', cvat_json, False),
    ('cvat', cvat_xml, True),
    ('coco-annotator', coco_annotator, False),
    ('roboflow', roboflow, True),
    ('label-studio', label_studio, True),
    ('labelme', labelme, True),
    ('via', via_json, True),
    ('via', via_csv, True),
]
