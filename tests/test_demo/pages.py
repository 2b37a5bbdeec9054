"""Actions on the page in a browser: give photographs, drag, and read points."""

import json
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from helpers import browser as browsers
from mmpose_lite.demo import find_points
from mmpose_lite.inference import BoxMap, RetinaFace


def opened(chromium, address, engine='wasm', **settings):
    """Open a page; ``engine`` is the one that it is asked for, or None."""
    query = f'?engine={engine}' if engine else ''
    return browsers.visited(chromium, f'{address}{query}', **settings)


def altered(folder, target, name, alter):
    """Copy a page by links, but for a file, whose text ``alter`` changes."""
    for path in folder.rglob('*'):
        place = target / path.relative_to(folder)
        place.mkdir() if path.is_dir() else place.symlink_to(path)
    (target / name).unlink()
    text = (folder / name).read_text(encoding='utf-8')
    (target / name).write_text(alter(text), encoding='utf-8')
    return target


def ready(page):
    page.wait_for_selector('html[data-ready], #problems p')
    assert page.locator('#problems').text_content() == ''
    page.context.set_offline(True)
    return page


def choose(page, *paths):
    """Give photographs, and wait until all have been looked at."""
    page.set_input_files('#files', [str(path) for path in paths])
    for path in paths if len(paths) > 1 else ():
        page.wait_for_selector(
            f'#strip button[aria-label*="{path.name}, "]:not([aria-label$="waiting"])'
        )
    page.wait_for_selector('#status:text-matches(" in .* s|no face")')


def saved(page, form):
    """Press a button to save; the name and the content of what is downloaded."""
    with page.expect_download() as download:
        page.locator(f'[data-save={form}]').click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def saved_points(page):
    """The points of all faces by photograph, ``(N, K, 2)``."""
    _, content = saved(page, 'coco')
    record = json.loads(content)
    names = {image['id']: image['file_name'] for image in record['images']}
    found = {name: [] for name in names.values()}
    for each in record['annotations']:
        found[names[each['image_id']]].append(np.reshape(each['keypoints'], (-1, 3))[:, :2])
    return found


def by_python(model_file, image, box_map):
    """The points of each face of an image, BGR, as Python finds them."""
    boxes = BoxMap(**box_map)(RetinaFace()(image))
    return [find_points(model_file, image, box) for box in boxes[:, :4]]


def check_against_python(page, photographs, model_file, box_map):
    """Compare the points of faces, one in each photograph, with Python's."""
    found = saved_points(page)
    assert list(found) == [path.name for path in photographs]
    for path in photographs:
        wanted = by_python(model_file, cv2.imread(str(path)), box_map)
        assert len(found[path.name]) == len(wanted) == 1
        distance = np.linalg.norm(np.subtract(found[path.name], wanted), axis=-1)
        assert distance.max() < 0.5, path.name
        # They are not all the middle of the box.
        assert np.ptp(wanted[0], axis=0).min() > 2


def cells(page):
    """The numbers of the table, by the point's name."""
    rows = page.locator('#points tr').all()
    texts = [row.locator('th, td').all_inner_texts() for row in rows]
    return {name: (float(x), float(y), score) for name, x, y, score, *_ in texts}


def drag(page, start, end):
    """Drag on the stage, between places in pixels of the screen."""
    box = page.locator('#canvas').bounding_box()
    (x, y), (to_x, to_y) = ((box['x'] + x, box['y'] + y) for x, y in (start, end))
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move((x + to_x) / 2, (y + to_y) / 2)
    page.mouse.move(to_x, to_y)
    page.mouse.up()


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


def on_stage(page, size_wh, xy):
    """The place on the stage of a point of a photograph that is shown as a whole."""
    box = page.locator('#canvas').bounding_box()
    sides = np.array([box['width'], box['height']])
    zoom = (sides / size_wh).min()
    return (sides - zoom * np.array(size_wh)) / 2 + (np.array(xy) + 0.5) * zoom
