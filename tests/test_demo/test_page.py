"""The page in a real browser: Python's points, corrections, files, keys, narrow and dark."""

import csv
import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_model import BOX_MAP, NAMES, write_model
from PIL import Image

from helpers import browser as browsers
from helpers.in_process import run_main
from mmpose_lite.cli import demo as command
from mmpose_lite.data_tools.converters import convert_labels
from mmpose_lite.data_tools.converters.labelled import ReadOptions
from mmpose_lite.datasets.datasets import AFLWDataset
from mmpose_lite.demo import find_points, write_site
from mmpose_lite.inference import BoxMap, OneEuro, RetinaFace
from mmpose_lite.synthetic import render_scene


@pytest.fixture(scope='module')
def chromium(processes, video):
    flags = ('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream')
    with browsers.started(*flags, f'--use-file-for-fake-video-capture={video}') as browser:
        yield browser


@pytest.fixture(scope='module')
def folder(model_file, runtime, tmp_path_factory):
    path = tmp_path_factory.mktemp('page')
    write_site(path, model_file, runtime)
    return path


@pytest.fixture(scope='module')
def address(folder, serve):
    return serve(folder)


def opened(chromium, address, **settings):
    """Open a page whose networks are loaded, and which is cut off from then on."""
    return browsers.visited(chromium, f'{address}?engine=wasm', **settings)


def ready(page):
    page.wait_for_selector('html[data-ready], #problems p')
    assert page.locator('#problems').text_content() == ''
    page.context.set_offline(True)
    return page


@pytest.fixture(scope='module')
def loaded(chromium, address):
    """The page, from which all tests but those of other pages take their photographs away."""
    with opened(chromium, address) as page:
        yield ready(page)


@pytest.fixture
def page(loaded):
    yield loaded
    if loaded.locator('#clear').is_visible():
        loaded.locator('#clear').click()
    loaded.wait_for_selector('.work[data-empty]')
    assert loaded.locator('#strip li').count() == 0


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


def by_python(model_file, image):
    """The points of each face of an image, BGR, as Python finds them."""
    boxes = BoxMap(**BOX_MAP)(RetinaFace()(image))
    return [find_points(model_file, image, box) for box in boxes[:, :4]]


def cells(page):
    """The numbers of the table, by the point's name."""
    rows = page.locator('#points tr').all()
    texts = [row.locator('th, td').all_inner_texts() for row in rows]
    return {name: (float(x), float(y), score) for name, x, y, score, *_ in texts}


def test_points_are_those_of_python(page, photographs, model_file):
    choose(page, *photographs)
    found = saved_points(page)
    assert list(found) == [path.name for path in photographs]
    for path in photographs:
        wanted = by_python(model_file, cv2.imread(str(path)))
        assert len(found[path.name]) == len(wanted) == 1
        distance = np.linalg.norm(np.subtract(found[path.name], wanted), axis=-1)
        assert distance.max() < 0.5, path.name
        # They are not all the middle of the box.
        assert np.ptp(wanted[0], axis=0).min() > 2


def test_several_faces_and_none(page, model_file, tmp_path):
    picture, _ = render_scene(1, 'test', 0, 3)
    Image.fromarray(picture).save(tmp_path / 'three.png')
    Image.new('RGB', (200, 150), 'gray').save(tmp_path / 'none.png')
    choose(page, tmp_path / 'three.png', tmp_path / 'none.png')
    found = saved_points(page)
    wanted = by_python(model_file, np.ascontiguousarray(picture[..., ::-1]))
    assert len(wanted) > 1
    np.testing.assert_allclose(found['three.png'], wanted, atol=0.5)
    assert found['none.png'] == []
    page.get_by_role('button', name='none.png, 0 faces').click()
    page.locator('#points-panel').wait_for(state='hidden')


def test_photographs_are_upright(page, photographs, model_file, tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # is to be turned clockwise
    file = tmp_path / 'turned.jpg'
    with Image.open(photographs[2]) as upright:
        upright.rotate(90, expand=True).save(file, exif=exif, quality=100, subsampling=0)
    choose(page, file)
    (points,) = saved_points(page)['turned.jpg']
    (wanted,) = by_python(model_file, cv2.imread(str(photographs[2])))
    # What JPEG has changed is all that is between them.
    assert np.linalg.norm(points - wanted, axis=-1).max() < 1


def test_on_a_server_that_knows_nothing_of_threads(chromium, folder, serve, photographs):
    with opened(chromium, serve(folder, isolated=False)) as page:
        ready(page)
        assert page.evaluate('crossOriginIsolated') is False
        assert '1 thread' in page.locator('#engine').text_content()
        choose(page, photographs[2])
        assert len(saved_points(page)[photographs[2].name]) == 1


def test_a_checkpoint_is_exported_on_the_way(chromium, runtime, serve, trained, tmp_path):
    printed = run_main(command.main, trained.checkpoint, '--out', 'page', cwd=tmp_path)
    assert 'of the points the same' in printed
    assert 'written: page (' in printed
    with opened(chromium, serve(tmp_path / 'page')) as page:
        ready(page)  # it has compared its points with Python's
        assert "px of Python's" in page.locator('#check').text_content()
        page.get_by_role('button', name='Try a rendered face').click()
        page.wait_for_selector('#status:text("rendered_face.png: 1 face in")')
        assert len(saved_points(page)['rendered_face.png']) == 1


def test_points_that_are_not_python_s_are_told(chromium, folder, serve, tmp_path):
    for path in folder.rglob('*'):
        target = tmp_path / path.relative_to(folder)
        target.mkdir() if path.is_dir() else target.symlink_to(path)
    facts = json.loads((folder / 'model.json').read_text(encoding='utf-8'))
    facts['check']['points'][3][0] += 2
    (tmp_path / 'model.json').unlink()
    (tmp_path / 'model.json').write_text(json.dumps(facts))
    with opened(chromium, serve(tmp_path)) as page:
        page.wait_for_selector('#problems p')
        assert 'differ by 2.0 px' in page.locator('#problems').text_content()


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


def test_a_point_is_dragged_and_its_correction_undone(page, photographs):
    choose(page, photographs[2])
    size_wh = size_of(photographs[2])
    before = cells(page)
    point, place = farthest_point(page)  # so that it is the one that is hit
    target = place + by(40, 25)
    drag(page, on_stage(page, size_wh, place), on_stage(page, size_wh, target))
    after = cells(page)
    changed = [name for name in NAMES if after[name] != before[name]]
    assert changed == [NAMES[point]]
    np.testing.assert_allclose(after[NAMES[point]][:2], target, atol=1)
    assert after[NAMES[point]][2] == 'yours'
    assert f'{NAMES[point]}: ' in page.locator('#status').text_content()
    record = json.loads(saved(page, 'coco')[1])['annotations'][0]
    assert record['corrected'] == [point]
    assert record['keypoint_scores'][point] == 1
    page.get_by_role('button', name='Undo this correction').click()
    page.wait_for_selector('#restore:disabled')
    assert cells(page) == before


def test_points_are_corrected_by_keys(page, photographs):
    choose(page, photographs[2])
    before = cells(page)
    page.locator('#stage').focus()
    page.keyboard.press('n')
    page.keyboard.press('ArrowRight')
    page.keyboard.press('Shift+ArrowUp')
    x, y, _ = before[NAMES[1]]
    page.wait_for_selector('#points tr[aria-current] td:text-is("yours")')
    np.testing.assert_allclose(cells(page)[NAMES[1]][:2], [x + 1, y - 10], atol=0.06)
    status = page.locator('#status')
    assert status.get_attribute('role') == 'status'
    assert status.text_content().startswith(f'{NAMES[1]}: {x + 1:.1f}')
    page.keyboard.press('Delete')
    page.wait_for_selector('#restore:disabled')
    assert cells(page) == before
    page.keyboard.press('p')
    page.keyboard.press('p')
    assert NAMES[-1] in status.text_content()


def test_the_tab_key_goes_through_the_page_in_order(page, photographs):
    choose(page, photographs[2])
    page.locator('.skip').focus()
    stops = []
    for _ in range(26):
        page.keyboard.press('Tab')
        stops.append(
            page.evaluate(
                """() => {
                    const own = document.activeElement;
                    const { outlineStyle, outlineWidth } = getComputedStyle(own);
                    const name = own.getAttribute('aria-label') || own.textContent.trim()
                        || own.labels?.[0]?.textContent.trim();
                    return [own.id || own.dataset.zoom || own.dataset.save || own.tagName, name,
                        outlineStyle, outlineWidth];
                }"""
            )
        )
        if stops[-1][0] == 'coco':
            break
    names = [stop[0] for stop in stops]
    wanted = ['choose', 'webcam', 'example', 'stage', 'out', 'in', 'face', 'all', 'clear', 'least']
    wanted += ['draw', 'remove', 'csv', 'pts', 'coco']
    assert [name for name in names if name in wanted] == wanted
    for name, label, style, width in stops:
        assert label, name
        assert (style, width) == ('solid', '2px'), name


def test_the_status_is_that_of_the_photograph_that_is_shown(page, photographs):
    choose(page, *photographs[:3])
    status = page.locator('#status')
    assert status.text_content().startswith(f'{photographs[0].name}: 1 face in')
    assert 'waiting' not in status.text_content()
    page.locator('#strip button').nth(2).click()
    page.wait_for_selector(f'#status:text("{photographs[2].name}: 1 face in")')


def farthest_point(page):
    """The point that lies farthest from the others, and its place in the photograph."""
    places = np.array([[x, y] for x, y, *_ in cells(page).values()])
    apart = np.linalg.norm(places[:, None] - places, axis=-1) + 1e9 * np.eye(len(places))
    point = int(apart.min(axis=1).argmax())
    return point, places[point]


def by(x, y):
    return np.array([x, y])


def place_of(page, point):
    page.evaluate('new Promise((done) => requestAnimationFrame(() => setTimeout(done)))')
    return np.array(cells(page)[NAMES[point]][:2])


def zoom_of(page, size_wh):
    box = page.locator('#canvas').bounding_box()
    return min(box['width'] / size_wh[0], box['height'] / size_wh[1])


def test_the_wheel_zooms_where_the_pointer_is_and_a_drag_moves_the_photograph(page, photographs):
    choose(page, photographs[2])
    size_wh = size_of(photographs[2])
    point, before = farthest_point(page)
    at = on_stage(page, size_wh, before)
    box = page.locator('#canvas').bounding_box()
    page.mouse.move(box['x'] + at[0], box['y'] + at[1])
    page.mouse.wheel(0, -120)  # the stage has not been clicked: the page scrolls
    drag(page, at, at + by(40, 0))
    moved = place_of(page, point)
    np.testing.assert_allclose(moved - before, [40 / zoom_of(page, size_wh), 0], atol=1)
    at = on_stage(page, size_wh, moved)
    page.mouse.move(box['x'] + at[0], box['y'] + at[1])
    page.mouse.wheel(0, -300)
    zoom = np.e * zoom_of(page, size_wh)
    drag(page, at, at + by(40, 0))  # the point is where it was
    again = place_of(page, point)
    np.testing.assert_allclose(again - moved, [40 / zoom, 0], atol=1)
    at = at + by(40, 0)
    drag(page, (5, 5), (65, 35))  # beside the points: all of them are moved on the stage
    np.testing.assert_allclose(place_of(page, point), again)
    drag(page, at + by(60, 30), at + by(100, 30))
    np.testing.assert_allclose(place_of(page, point) - again, [40 / zoom, 0], atol=1)


def test_a_wheel_beyond_the_whole_photograph_scrolls_the_page(chromium, address, photographs):
    with opened(chromium, address) as page:
        ready(page)
        choose(page, photographs[2])
        page.set_viewport_size({'width': 1280, 'height': 500})
        page.locator('#stage').focus()
        page.locator('#canvas').hover()
        before = page.evaluate('scrollY')
        page.mouse.wheel(0, -300)
        page.mouse.wheel(0, 300)
        assert page.evaluate('scrollY') == before  # back to the whole photograph
        # A string to evaluate again and again is not allowed on this page.
        page.evaluate(
            'void (window.end = new Promise((done) => '
            'addEventListener("scroll", done, { once: true })))'
        )
        page.mouse.wheel(0, 100)
        page.evaluate('end.then(() => null)')
        assert page.evaluate('scrollY') > before


def test_keys_zoom_about_the_chosen_point(page, photographs):
    choose(page, photographs[2])
    size_wh = size_of(photographs[2])
    point, before = farthest_point(page)
    page.get_by_role('button', name=NAMES[point]).first.click()
    page.locator('#stage').focus()
    at = on_stage(page, size_wh, before)
    for keys, zoom in (('+++', 1.25**3), ('-', 1.25**2), ('0', 1)):
        for key in keys:
            page.keyboard.press(key)
        if keys == '0':
            at = on_stage(page, size_wh, before)
        drag(page, at, at + by(40, 0))
        moved = place_of(page, point)
        wanted = [40 / zoom / zoom_of(page, size_wh), 0]
        np.testing.assert_allclose(moved - before, wanted, atol=1)
        before, at = moved, at + by(40, 0)


@pytest.fixture
def narrow(chromium, address):
    """The page on a telephone, and a function that moves fingers on its stage."""
    with opened(chromium, address, width=360, has_touch=True) as page:
        ready(page)
        session = page.context.new_cdp_session(page)

        def touch(kind, *places):
            box = page.locator('#canvas').bounding_box()
            points = [{'x': box['x'] + x, 'y': box['y'] + y} for x, y in places]
            session.send(
                'Input.dispatchTouchEvent', {'type': f'touch{kind}', 'touchPoints': points}
            )

        yield page, touch


def test_two_fingers_zoom_and_take_back_what_one_has_done(narrow, photographs):
    page, touch = narrow
    choose(page, photographs[2])
    page.locator('#canvas').scroll_into_view_if_needed()
    size_wh = size_of(photographs[2])
    point, before = farthest_point(page)
    at = on_stage(page, size_wh, before)
    touch('Start', at)
    touch('Move', at + by(0, 12))
    page.wait_for_selector('#points td:text-is("yours")')
    touch('Start', at + by(0, 12), at + by(0, -28))
    touch('Move', at + by(0, 52), at + by(0, -28))  # twice as far apart: the middle moves by 20
    touch('End')
    page.wait_for_selector('#points td:text-is("yours")', state='detached')
    np.testing.assert_allclose(place_of(page, point), before)
    # The place that was between the fingers is where their middle is now.
    at = at + by(0, 12) + 2 * (at - (at + by(0, -8)))
    zoom = 2 * zoom_of(page, size_wh)
    scrolled = page.evaluate('scrollY')
    touch('Start', at)
    touch('Move', at + by(0, 20))
    touch('Move', at + by(0, 30))
    touch('End')
    page.wait_for_selector('#points td:text-is("yours")')
    np.testing.assert_allclose(place_of(page, point) - before, [0, 30 / zoom], atol=1)
    # A finger beside the points moves the photograph, and not the page.
    for kind, places in (('Start', [(9, 9)]), ('Move', [(19, -31)]), ('End', [])):
        touch(kind, *places)
    assert page.evaluate('scrollY') == scrolled
    assert page.evaluate('visualViewport.scale') == 1


def test_expected_errors_are_beside_the_scores(chromium, runtime, serve, photographs, tmp_path):
    file = write_model(tmp_path / 'a.onnx', expected_errors=True)
    write_site(tmp_path / 'page', file, runtime)
    with opened(chromium, serve(tmp_path / 'page'), width=360) as page:
        ready(page)
        choose(page, photographs[2])
        assert page.locator('#points-panel thead th').all_inner_texts()[-1] == 'Error'
        rows = [row.locator('td').all_inner_texts() for row in page.locator('#points tr').all()]
        np.testing.assert_allclose(
            [float(row[3]) for row in rows], [9 - float(row[2]) for row in rows], atol=0.06
        )
        page.locator('#stage').focus()
        page.keyboard.press('n')
        status = page.locator('#status')
        assert f'expected error {rows[1][3]} % of the box' in status.text_content()
        page.keyboard.press('ArrowRight')
        page.wait_for_selector('#points tr:nth-child(2) td:text-is("yours")')
        assert page.locator('#points tr:nth-child(2) td').all_inner_texts()[3] == ''
        assert 'error' not in status.text_content()
        assert page.evaluate('document.documentElement.scrollWidth') == 360


def test_rows_are_chosen_by_keys(page, photographs):
    choose(page, photographs[2])
    table = page.locator('#points')
    assert table.locator('button[tabindex="0"]').count() == 1
    table.locator('button[tabindex="0"]').focus()
    page.keyboard.press('ArrowDown')
    page.keyboard.press('ArrowDown')
    page.wait_for_selector('#points tr:nth-child(3)[aria-current]')
    assert page.evaluate('document.activeElement.textContent') == NAMES[2]


def test_points_below_the_least_score_are_saved_as_hidden(page, photographs):
    choose(page, photographs[2])
    scores = np.array(json.loads(saved(page, 'coco')[1])['annotations'][0]['keypoint_scores'])
    least = np.round(np.median(scores), 2)
    below = int((scores < least).sum())
    assert 0 < below < len(scores)
    page.locator('#least').fill(f'{least:.2f}')
    page.wait_for_selector(f'#least-about:text("{below} of {len(scores)} points are below it")')
    record = json.loads(saved(page, 'coco')[1])['annotations'][0]
    flags = np.reshape(record['keypoints'], (-1, 3))[:, 2]
    np.testing.assert_array_equal(flags, np.where(scores < least, 1, 2))


def test_a_box_is_drawn_by_hand(chromium, model_file, runtime, serve, photographs, tmp_path):
    write_site(tmp_path, model_file, runtime, detects=False)
    size_wh = size_of(photographs[2])
    with opened(chromium, serve(tmp_path)) as page:
        ready(page)
        assert 'no detector' in page.locator('#status').text_content()
        choose(page, photographs[2])
        page.get_by_role('button', name='Draw a box').click()
        corners = [(90, 40), (280, 260)]
        drag(page, *(on_stage(page, size_wh, corner) for corner in corners))
        page.wait_for_selector('#points tr')
        page.wait_for_selector('#status:text("the box that you drew")')
        record = json.loads(saved(page, 'coco')[1])['annotations'][0]
        x, y, width, height = record['bbox']
        np.testing.assert_allclose([x, y, x + width, y + height], np.ravel(corners), atol=1.5)
        points = find_points(
            model_file, cv2.imread(str(photographs[2])), np.array([x, y, x + width, y + height])
        )
        found = np.reshape(record['keypoints'], (-1, 3))[:, :2]
        np.testing.assert_allclose(found, points, atol=0.5)
        # The same by keys: a box in the middle, which Enter accepts.
        page.get_by_role('button', name='Draw a box').click()
        for key in ('ArrowLeft', '+', 'Enter'):
            page.keyboard.press(key)
        page.get_by_role('button', name='Face 2').wait_for()
        page.get_by_role('button', name='Remove this face').click()
        page.get_by_role('button', name='Face 2').wait_for(state='detached')


def test_saved_files_are_read_by_what_reads_such_files(page, photographs, tmp_path):
    choose(page, *photographs[1:3])
    found = saved_points(page)
    points = np.concatenate([found[path.name] for path in photographs[1:3]])
    name, content = saved(page, 'coco')
    assert name == 'points_coco.json'
    (tmp_path / name).write_bytes(content)
    dataset = AFLWDataset(
        ann_file=str(tmp_path / name),
        data_prefix={'img': str(photographs[0].parent)},
        test_mode=True,
    )
    faces = [dataset.get_data_info(i) for i in range(len(dataset))]
    assert [Path(face['img_path']).name for face in faces] == [p.name for p in photographs[1:3]]
    np.testing.assert_allclose([face['keypoints'][0] for face in faces], points, atol=1e-3)
    assert all(Path(face['img_path']).is_file() for face in faces)
    name, content = saved(page, 'csv')
    (tmp_path / name).write_bytes(content)
    np.testing.assert_allclose(
        converted('csv', tmp_path / name, photographs, tmp_path), points, atol=1e-3
    )
    row = next(csv.DictReader(io.StringIO(content.decode())))
    assert list(row)[:9] == ['filename', 'frame', 'time_s', 'id', 'box_score'] + [
        f'bbox_{side}' for side in 'xywh'
    ]
    name, content = saved(page, 'pts')
    assert name == 'points_pts.zip'
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / 'pts')
    back = converted('pts', tmp_path / 'pts', photographs, tmp_path, origin=1)
    np.testing.assert_allclose(back, points, atol=1e-3)


def converted(tool, path, photographs, folder, **options):
    """The points of faces that a converter makes of files, ``(N, K, 2)``."""
    out = folder / f'back_{tool}'
    convert_labels(tool, path, photographs[0].parent, out, NAMES, ReadOptions(**options))
    content = json.loads((out / 'faces.json').read_text(encoding='utf-8'))
    return [np.reshape(each['keypoints'], (-1, 3))[:, :2] for each in content['annotations']]


def test_one_file_of_points_needs_no_archive(page, photographs):
    choose(page, photographs[2])
    name, content = saved(page, 'pts')
    assert name == 'face7.pts'
    lines = content.decode().splitlines()
    assert lines[:3] == ['version: 1', f'n_points: {len(NAMES)}', '{']
    x, y, _ = cells(page)[NAMES[0]]
    np.testing.assert_allclose(
        [float(each) for each in lines[3].split()], [x + 1, y + 1], atol=0.06
    )


def test_the_webcam_s_faces_are_followed_and_a_frame_is_kept(page):
    page.get_by_role('button', name='Use the webcam').click()
    page.wait_for_selector('#status:text("1 face, ")')
    assert page.get_by_role('checkbox', name='Smooth the points').is_checked()
    page.get_by_role('button', name='Keep this frame').click()
    page.wait_for_selector('#status:text("webcam_001.png: kept from the webcam")')
    assert page.locator('#webcam').get_attribute('aria-pressed') == 'false'
    name, content = saved(page, 'coco')
    assert name == 'points_coco.zip'
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        record = json.loads(archive.read('points_coco.json'))
        with Image.open(io.BytesIO(archive.read('images/webcam_001.png'))) as frame:
            assert frame.size == (640, 480)
    assert [each['file_name'] for each in record['images']] == ['webcam_001.png']
    assert len(record['annotations']) == 1


def test_smoothing_is_ours(page):
    rng = np.random.default_rng(0)
    points = np.cumsum(rng.normal(0, 2, (12, 3, 2)), axis=0) + 100
    times = np.cumsum(rng.uniform(0.02, 0.2, 12))
    one_euro = OneEuro()
    wanted = [one_euro(each, time, 80) for each, time in zip(points, times, strict=True)]
    found = page.evaluate(
        """async ([points, times]) => {
            const { makeOneEuro } = await import('./smoothing.js');
            const smooth = makeOneEuro();
            return points.map((each, place) => smooth(each, times[place], 80));
        }""",
        [points.tolist(), times.tolist()],
    )
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    assert np.abs(np.subtract(found, points)).max() > 0.5


def test_files_that_are_no_photographs_and_names_that_are_taken(page, photographs, tmp_path):
    (tmp_path / 'text.png').write_text('no image')
    Image.new('RGB', (60, 60)).save(tmp_path / photographs[2].name)
    choose(page, photographs[2])
    page.set_input_files('#files', str(tmp_path / 'text.png'))
    problems = page.locator('#problems')
    page.wait_for_selector('#problems p:text("text.png: this browser cannot read it")')
    page.set_input_files('#files', str(tmp_path / photographs[2].name))
    page.wait_for_selector('#problems p:text("another photograph has this name")')
    assert problems.get_attribute('role') == 'alert'
    assert len(saved_points(page)) == 1


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_a_narrow_window_does_not_scroll_sideways(chromium, address, photographs, scheme):
    with opened(chromium, address, width=360, color_scheme=scheme, has_touch=True) as page:
        ready(page)
        choose(page, *photographs[:3])
        page.evaluate('document.querySelectorAll("details").forEach(each => each.open = true)')
        width, inner = page.evaluate('[document.documentElement.scrollWidth, innerWidth]')
        assert width <= inner == 360
        style = 'getComputedStyle(document.body)'
        ground, ink = page.evaluate(f'[{style}.backgroundColor, {style}.color]')
    levels = [sum(map(int, value.strip('rgb()').split(','))) for value in (ground, ink)]
    assert (levels[0] < levels[1]) == (scheme == 'dark')
