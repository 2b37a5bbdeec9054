"""The page in a real browser: Python's points, files, the webcam, narrow and dark."""

import csv
import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_model import BOX_MAP, NAMES
from pages import (
    altered,
    by_python,
    cells,
    check_against_python,
    choose,
    drag,
    on_stage,
    opened,
    ready,
    saved,
    saved_points,
    size_of,
)
from PIL import Image

from helpers.in_process import run_main
from mmpose_lite.cli import demo as command
from mmpose_lite.data_tools.converters import convert_labels
from mmpose_lite.data_tools.converters.labelled import ReadOptions
from mmpose_lite.datasets.datasets import AFLWDataset
from mmpose_lite.demo import find_points, write_site
from mmpose_lite.inference import OneEuro
from mmpose_lite.synthetic import render_scene


def test_points_are_those_of_python(page, photographs, model_file):
    choose(page, *photographs)
    check_against_python(page, photographs, model_file, BOX_MAP)


def test_several_faces_and_none(page, model_file, tmp_path):
    picture, _ = render_scene(1, 'test', 0, 3)
    Image.fromarray(picture).save(tmp_path / 'three.png')
    Image.new('RGB', (200, 150), 'gray').save(tmp_path / 'none.png')
    choose(page, tmp_path / 'three.png', tmp_path / 'none.png')
    found = saved_points(page)
    wanted = by_python(model_file, np.ascontiguousarray(picture[..., ::-1]), BOX_MAP)
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
    (wanted,) = by_python(model_file, cv2.imread(str(photographs[2])), BOX_MAP)
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
    def move(text):
        facts = json.loads(text)
        facts['check']['points'][3][0] += 2
        return json.dumps(facts)

    with opened(chromium, serve(altered(folder, tmp_path, 'model.json', move))) as page:
        page.wait_for_selector('#problems p')
        assert 'differ by 2.0 px' in page.locator('#problems').text_content()


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


def test_scores_that_pass_1_by_a_little_do_not_stretch_the_scale(page):
    found = page.evaluate(
        """async (scores) => {
            const { makeStore } = await import('./store.js');
            return scores.map((score) => {
                const store = makeStore();
                store.photographs.push({ faces: [{ scores: [0.4, score] }] });
                return store.largestScore;
            });
        }""",
        [0.9, 1.02, 1.4, 2.6],
    )
    assert found == [1, 1, 2, 3]


def test_a_label_hides_no_point_where_there_is_room(page):
    found = page.evaluate(
        """async (faces) => {
            const { makeView } = await import('./view.js');
            const view = Object.assign(makeView(), { width: 400, height: 300 });
            return faces.map((points) => view.placeLabel([200, 150], 15, [100, 24], points));
        }""",
        # The middle of a pixel lies at halves of the screen: points of the stage less 0.5.
        [[[199.5, 149.5], *others] for others in ([], [[260, 150]], [[260, 150], [120, 150]])],
    )
    assert found == [[215, 138], [85, 138], [150, 111]]


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
