"""Correcting points on the page in a real browser: dragging, keys, zooming, the table."""

import json

import numpy as np
import pytest
from made_model import NAMES, write_model
from pages import cells, choose, drag, on_stage, opened, ready, saved, size_of

from mmpose_lite.demo import write_site


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
