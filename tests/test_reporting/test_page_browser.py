"""The page of a report in a real browser: switches, figures, the gallery, narrow and dark."""

from itertools import product

import pytest
from example_metrics import example_metrics, example_pictures
from hostile_metrics import HOSTILE, hostile_metrics

from helpers import browser as browsers
from mmpose_lite.reporting.page import render_page


@pytest.fixture(scope='module')
def chromium(processes):
    with browsers.started() as browser:
        yield browser


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    """A function that writes the page of some metrics and returns its path."""

    def write(metrics):
        path = tmp_path_factory.mktemp('report') / 'index.html'
        path.write_text(render_page(metrics, example_pictures(metrics)), encoding='utf-8')
        return path

    return write


@pytest.fixture(scope='module')
def metrics():
    return example_metrics(2)


@pytest.fixture(scope='module')
def file(metrics, written):
    return written(metrics)


@pytest.fixture
def page(chromium, file):
    with browsers.opened(chromium, file) as page:
        yield page


def switch(page, label):
    return page.get_by_role('combobox', name=label)


def plotted(page, kind):
    """The data of a figure."""
    return page.evaluate(
        """kind => document.querySelector(`[data-plot="${kind}"]`).data.map(
            ({name, x, y, marker, line}) => ({name, x, y, marker, line}))""",
        kind,
    )


def hover(page, kind, x):
    """Put the mouse on a value of a figure's horizontal axis, in the middle of its height."""
    figure = page.locator(f'[data-plot="{kind}"]')
    figure.scroll_into_view_if_needed()
    low, high = figure.evaluate('figure => figure.layout.xaxis.range')
    box = figure.locator('.nsewdrag').first.bounding_box()
    across = box['x'] + box['width'] * (x - low) / (high - low)
    page.mouse.move(across, box['y'] + box['height'] / 2)


def names_shown(page, part='worst'):
    """The images of a visible gallery, in order."""
    faces = page.locator(f'.gallery[data-part="{part}"]:visible > li:visible')
    return faces.evaluate_all('faces => faces.map(face => face.dataset.name)')


def test_a_missing_browser_is_a_failure_where_it_is_asked_for(monkeypatch):
    monkeypatch.setenv('MMPOSE_LITE_REQUIRE_BROWSER', '1')
    with pytest.raises(pytest.fail.Exception, match='Chromium is missing: apt-get'):
        browsers.require(None, 'Chromium', 'apt-get install chromium')
    monkeypatch.delenv('MMPOSE_LITE_REQUIRE_BROWSER')
    with pytest.raises(pytest.skip.Exception, match='Chromium is missing: apt-get'):
        browsers.require(None, 'Chromium', 'apt-get install chromium')


def test_every_figure_is_drawn(page):
    places = page.locator('[data-plot]').evaluate_all('all => all.map(each => each.dataset.plot)')
    assert len(places) == 7
    for kind in places:
        assert page.locator(f'[data-plot="{kind}"] .main-svg').count() > 0, kind
        assert plotted(page, kind), kind


def test_the_curve_tells_its_numbers_under_the_mouse(page, metrics):
    tip = page.locator('[data-plot="curves"] .hoverlayer')
    for at in (0.02, 0.03):
        hover(page, 'curves', at)
        tip.get_by_text(f'{at:.2%}').wait_for()
        for run in metrics['runs']:
            curve = run['curves']['box']['full']
            share = curve['share'][round(at / 0.005)]
            assert curve['error'][round(at / 0.005)] == pytest.approx(at)
            assert f'{share:.1%} of faces: {run["name"]}' in tip.text_content()


def test_switches_change_numbers_and_curves(page, metrics):
    seen = set()
    for subset, normaliser in product(('frontal', 'full'), ('interocular', 'box')):
        switch(page, 'Subset').select_option(subset)
        switch(page, 'Normalised by').select_option(normaliser)
        scores = [run['scores'][normaliser][subset] for run in metrics['runs']]
        big = page.locator('.big:visible').all_text_contents()
        assert big == [f'{100 * score["pooled"]:.2f}\xa0%' for score in scores]
        cells = page.locator('table.headline:visible td').all_text_contents()
        assert len(cells) == 16
        assert [cell.split('\xa0')[0] for cell in cells[6:8]] == [
            f'{100 * score["p90"]:.2f}' for score in scores
        ]
        for curve, run in zip(plotted(page, 'curves'), metrics['runs'], strict=True):
            assert curve['name'] == run['name']
            assert curve['y'] == run['curves'][normaliser][subset]['share']
        seen.add(tuple(big))
    assert len(seen) == 4


def test_the_gallery_is_sorted(page, metrics):
    worst = metrics['runs'][0]['worst']
    assert len(worst) > 24  # with those of the other subset
    orders = {
        'nme-down': lambda face: -face['nme'],
        'nme-up': lambda face: face['nme'],
        'boxSize-up': lambda face: face['box_size'],
        'boxSize-down': lambda face: -face['box_size'],
        'turn-down': lambda face: -abs(face['yaw']),
        'turn-up': lambda face: abs(face['yaw']),
        'name-up': lambda face: face['image'],
    }
    offered = page.locator('#order option').evaluate_all('all => all.map(({value}) => value)')
    assert offered == list(orders)
    seen = set()
    for order, key in orders.items():
        switch(page, 'Order').select_option(order)
        wanted = [face['image'] for face in sorted(worst[:24], key=key)]
        assert names_shown(page) == wanted, order
        seen.add(tuple(wanted))
    assert len(seen) == len(orders)


def test_the_gallery_follows_subset_and_run(page, metrics):
    switch(page, 'Subset').select_option('frontal')
    switch(page, 'Details of').select_option('epoch_20')
    worst = metrics['runs'][1]['worst']
    frontal = [face['image'] for face in worst if 'frontal' in face['subsets']]
    assert len(frontal) == 24 < len(worst)
    assert names_shown(page) == frontal
    assert page.locator('#shown').text_content() == 'faces shown: 24, the worst of frontal'
    switch(page, 'Subset').select_option('full')
    assert names_shown(page) == [face['image'] for face in worst[:24]]


def test_typical_faces_and_differences_follow_the_subset(page, metrics):
    typical, differing = metrics['runs'][0]['typical'], metrics['comparisons'][0]['differing']
    for subset in ('frontal', 'full'):
        switch(page, 'Subset').select_option(subset)
        for part, faces in (('typical', typical), ('differing', differing)):
            wanted = [face['image'] for face in faces if subset in face['shown_for']]
            assert 0 < len(wanted) < len(faces)
            assert names_shown(page, part) == wanted


def test_both_predictions_of_a_face_are_enlarged_in_turn(page, metrics):
    first = metrics['comparisons'][0]['differing'][0]
    page.locator('.pairs button:visible').first.click()
    text = page.locator('dialog p')
    assert text.text_content().startswith('epoch_10, ')
    assert first['image'] in text.text_content()
    page.keyboard.press('ArrowRight')
    assert text.text_content().startswith('epoch_20, ')
    assert first['image'] in text.text_content()


def test_thresholds_of_the_normaliser_are_marked_on_the_curve(page, metrics):
    for normaliser in ('interocular', 'box'):
        switch(page, 'Normalised by').select_option(normaliser)
        figure = page.locator('[data-plot="curves"]')
        end = figure.evaluate('figure => figure.layout.xaxis.range[1]') / 1.02
        limits = metrics['runs'][0]['normalisers'][normaliser]['limits']
        marked = figure.evaluate('figure => figure.layout.shapes.map(({x0}) => x0)')
        assert marked == [limit for limit in limits if limit <= end]


def test_faces_are_enlarged_by_keyboard(page, metrics):
    worst = metrics['runs'][0]['worst']
    page.locator('.gallery[data-part="worst"]:visible button').first.focus()
    page.keyboard.press('Enter')
    dialog = page.locator('dialog')
    assert worst[0]['image'] in dialog.inner_text()
    page.keyboard.press('ArrowRight')
    assert worst[1]['image'] in dialog.inner_text()
    page.keyboard.press('Escape')
    assert not dialog.is_visible()


def test_points_are_sorted_by_their_headings_and_drawn_for_the_chosen_run(page, metrics):
    switch(page, 'Details of').select_option('epoch_20')
    points = metrics['runs'][1]['by_point']
    table = page.get_by_role('region', name='Error by point of epoch_20')
    heading = table.get_by_role('button', name='Mean')
    for sign, state in ((1, 'ascending'), (-1, 'descending')):
        heading.press('Enter')
        ordered = sorted(points, key=lambda point: sign * point['nme'])
        rows = table.locator('tbody th').all_text_contents()
        assert rows == [point['name'] for point in ordered]
        assert table.locator(f'th[aria-sort="{state}"]').all_text_contents() == ['Mean']
    marks = plotted(page, 'points')[1]
    assert marks['marker']['color'] == [point['nme'] for point in points]
    assert list(zip(marks['x'], marks['y'], strict=True)) == [
        tuple(point['position']) for point in points
    ]


def test_two_runs_are_compared(page, metrics):
    (pair,) = metrics['comparisons']
    table = page.get_by_role('region', name='epoch_20 against epoch_10')
    rows = table.locator('tbody tr').all_inner_texts()
    assert len(rows) == 2
    for row, (subset, paired) in zip(rows, pair['subsets'].items(), strict=True):
        difference = f'{100 * paired["difference"]:.3f}'.replace('-', '\N{MINUS SIGN}')
        assert row.split()[:3] == [subset, str(paired['faces']), difference]
        assert f'epoch_10 {paired["a_wins"]}, ties 0, epoch_20 {paired["b_wins"]}' in row
    switch(page, 'Subset').select_option('frontal')
    assert table.locator('[aria-current]').inner_text().split()[0] == 'frontal'


def test_one_run_has_no_comparison(chromium, written):
    with browsers.opened(chromium, written(example_metrics())) as page:
        assert page.locator('#comparison').count() == 0
        assert switch(page, 'Details of').count() == 0
        hover(page, 'curves', 0.03)
        page.locator('.hoverlayer').get_by_text('of faces').wait_for()


def long_names():
    """Metrics with names that cannot be broken into lines."""
    metrics = example_metrics(2)
    for run in metrics['runs']:
        run['name'] += 'x' * 120
        run['provenance']['checkpoint'] = 'w' * 200
        run['normalisers']['box']['title'] = 't' * 90
        run['worst'][0]['image'] = 'i' * 150
        run['by_point'][0]['name'] = 'p' * 80
    pair = metrics['comparisons'][0]
    pair['a'], pair['b'] = (run['name'] for run in metrics['runs'])
    return metrics


@pytest.mark.parametrize('make', [lambda: example_metrics(2), long_names], ids=['plain', 'long'])
def test_a_narrow_window_does_not_scroll_sideways(chromium, written, make):
    with browsers.opened(chromium, written(make()), width=360) as page:
        page.evaluate('document.querySelectorAll("details").forEach(each => each.open = true)')
        page.locator('[data-plot="reliability"]').scroll_into_view_if_needed()
        width, inner = page.evaluate('[document.documentElement.scrollWidth, innerWidth]')
        assert inner == 360
        assert width <= inner
        widths = page.locator('.plot').evaluate_all('all => all.map(each => each.clientWidth)')
        drawn = page.locator('.plot .main-svg').evaluate_all(
            'all => all.map(each => each.getBoundingClientRect().width)'
        )
        assert max(drawn) <= max(widths) <= 360


def test_colours_follow_the_screen_and_paper_is_light(chromium, file):
    ink = 'getComputedStyle(document.body).color'
    with browsers.opened(chromium, file, color_scheme='dark') as page:
        dark = page.evaluate(ink), plotted(page, 'curves')[0]['line']['color']
        page.evaluate('dispatchEvent(new Event("beforeprint"))')
        paper = page.evaluate(ink), plotted(page, 'curves')[0]['line']['color']
        widths = page.locator('.plot .main-svg').evaluate_all('all => all.map(e => e.clientWidth)')
        page.evaluate('dispatchEvent(new Event("afterprint"))')
        assert plotted(page, 'curves')[0]['line']['color'] == dark[1]
        page.emulate_media(color_scheme='light')
        page.wait_for_function(f'{ink} !== "{dark[0]}"')
        light = page.evaluate(ink), plotted(page, 'curves')[0]['line']['color']
    assert light == paper
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    assert max(widths) <= 640


def test_markup_in_names_does_no_harm(chromium, written):
    with browsers.opened(chromium, written(hostile_metrics())) as page:
        assert page.locator('h1').text_content() == HOSTILE
        switch(page, 'Subset').select_option(HOSTILE)
        assert names_shown(page) == [HOSTILE] * 24
        page.locator('.gallery button:visible').first.click()
        assert HOSTILE in page.locator('dialog p').text_content()
        page.keyboard.press('Escape')
        axis = page.locator('[data-plot="curves"] .xtitle').text_content()
        assert HOSTILE in axis
        place = page.locator('[data-plot="points"] path.point').first
        place.scroll_into_view_if_needed()
        place.hover(force=True)
        tip = page.locator('[data-plot="points"] .hoverlayer .hovertext')
        tip.wait_for()
        assert HOSTILE in tip.text_content()
        assert page.evaluate('window.hacked') is None
        assert page.locator('[onerror]').count() == 0
