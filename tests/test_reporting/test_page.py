"""The page of a report as text: its contents, and that it loads nothing."""

import base64
import copy
import json
import re
from pathlib import Path

import pytest
from example_metrics import example_metrics, example_pictures
from hostile_metrics import HOSTILE, hostile_metrics
from page_reader import page_of
from report_checks import check_report

from mmpose_lite.errors import InputError
from mmpose_lite.reporting import page as module
from mmpose_lite.reporting.faces import drawn_sides
from mmpose_lite.reporting.page import render_page, without_folders
from mmpose_lite.reporting.reading import read
from mmpose_lite.reporting.schema import Report

FOLDER = Path(module.__file__).parent
OPTIONAL = {
    'visibility': 'points',
    'yaw': 'faces',
    'flip_test': 'robustness',
    'box_errors': 'robustness',
    'reliability': 'confidence',
}


@pytest.fixture(scope='module')
def html(metrics):
    return render_page(metrics, example_pictures(metrics))


def test_nothing_is_loaded_from_elsewhere(page):
    attributes = [pair for each in page.all() for pair in each.attributes.items()]
    loaded = [value for key, value in attributes if key in ('src', 'href', 'srcset', 'data')]
    assert loaded
    assert not [value for value in loaded if not value.startswith(('data:image/jpeg;', '#'))]
    assert not list(page.all('link'))
    assert not re.search(r'url\(|@import', page.one('style').text)


def test_the_page_forbids_itself_the_network_and_other_scripts(page):
    policy = page.one('meta', http_equiv='Content-Security-Policy').attributes['content']
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert 'http' not in policy
    assert policy.count('sha256-') == 2


def test_plotly_is_there_once(html, page):
    assert html.count('* plotly.js v') == 1
    kinds = [script.attributes.get('type') for script in page.all('script')]
    assert kinds == ['application/json', None, 'module']


def test_every_asset_and_template_is_used_and_short():
    assets = {path.name for path in (FOLDER / 'assets').iterdir()}
    assert assets == {*module._STYLES, *module._SCRIPTS}
    templates = {path.name: path.read_text('utf-8') for path in (FOLDER / 'templates').iterdir()}
    named = re.findall(r"(?:include|import) '([^']+)'", ''.join(templates.values()))
    assert {*named, 'page.html.j2'} == set(templates)
    files = [*(FOLDER / 'assets').iterdir(), *(FOLDER / 'templates').iterdir()]
    assert not [path for path in files if len(path.read_text('utf-8').splitlines()) > 300]


@pytest.mark.parametrize('normaliser', ['box', 'interocular'])
@pytest.mark.parametrize('subset', ['full', 'frontal'])
def test_every_headline_number_is_there(metrics, page, normaliser, subset):
    tiles, table = page.all(data_normaliser=normaliser, data_subset=subset)
    for run in metrics['runs']:
        score = run['scores'][normaliser][subset]
        assert f'{100 * score["pooled"]:.2f} %' in tiles.text
        assert f'{100 * score["mean"]:.2f} % mean of a face' in tiles.text
        assert ('10.00 % the mean shape' in tiles.text) == (normaliser == 'box')
        assert f'{score["faces"]} faces ({subset}), {score["points"]:,} points' in tiles.text
        assert f'normalised by {run["normalisers"][normaliser]["title"]}' in tiles.text
        assert f'{score["faces"]} faces' in table.one('thead').text
        numbers = [
            (score[key], score['interval'][key]) for key in ('mean', 'pooled', 'median', 'p90')
        ]
        for rate in ('failure_rate', 'auc'):
            numbers += [(score[rate][at], score['interval'][rate][at]) for at in score[rate]]
        assert len(numbers) == 8
        for value, (low, high) in numbers:
            wanted = f'{100 * value:.2f} % {100 * low:.2f} to {100 * high:.2f}'
            assert wanted in [cell.text for cell in table.all('td')]


def test_one_panel_is_shown_at_first(page):
    panels = list(page.all('div', **{'class': 'panel'}))
    shown = [panel.attributes for panel in panels if 'hidden' not in panel.attributes]
    assert len(panels) == 4
    assert [(one['data-normaliser'], one['data-subset']) for one in shown] == [('box', 'full')]


def test_figures_get_their_data(metrics, page):
    drawn = json.loads(page.one('script', id='drawn').inside[0])
    assert [run['curves'] for run in drawn['runs']] == [run['curves'] for run in metrics['runs']]
    assert drawn['normalisers'] == metrics['runs'][0]['normalisers']


def test_pictures_are_in_the_page(metrics, page):
    pictures = example_pictures(metrics)
    shown = [each.attributes['src'] for each in page.all('img') if 'src' in each.attributes]
    contents = [base64.b64decode(source.partition(',')[2]) for source in shown]
    named = [side['picture'] for _, _, side in drawn_sides(metrics)]
    pairs, others = named[-len(metrics['comparisons'][0]['differing']) * 2 :], []
    for part in ('typical', 'worst'):
        others += [face['picture'] for run in metrics['runs'] for face in run[part]]
    assert contents == [pictures[name] for name in (*pairs, *others)]


def test_numbers_say_what_they_are_normalised_by_and_over_how_many_faces(page):
    for part in ('headline', 'comparison', 'points', 'faces', 'robustness', 'confidence'):
        text = page.one('section', id=part).text
        assert 'normalised by longer side of the box' in text, part
        assert '200 faces' in text or 'Faces' in text, part


def test_tables_and_pictures_are_described(page):
    for table in page.all('table'):
        assert all(each.attributes.get('scope') for each in table.all('th'))
        assert list(table.all('caption')) or list(page.all('details'))
    assert all('alt' in each.attributes for each in page.all('img'))
    assert all(each.attributes.get('aria-label') for each in page.all(role='img'))
    assert all(each.attributes.get('aria-label') for each in page.all(role='region'))
    ids = [each.attributes['id'] for each in page.all() if 'id' in each.attributes]
    assert len(set(ids)) == len(ids)
    links = [each.attributes['href'] for each in page.all('a')]
    named = [each.attributes.get('aria-labelledby') for each in page.all('section')]
    assert {link.removeprefix('#') for link in links} | set(named) <= set(ids)


@pytest.mark.parametrize(('part', 'section'), OPTIONAL.items())
def test_what_is_not_measured_is_said(part, section):
    metrics = example_metrics()
    metrics['runs'][0][part] = None
    page = page_of(metrics)
    (absent,) = page.one('section', id=section).all('p', **{'class': 'absent'})
    assert absent.text.startswith('Not measured : ')
    assert not list(page.all(data_plot=part))


def test_faces_without_boxes_have_no_sizes():
    metrics = example_metrics()
    metrics['runs'][0]['box_size']['bins'] = []
    section = page_of(metrics).one('section', id='faces')
    assert section.one('p', **{'class': 'absent'}).text == (
        'Not measured : these faces have no boxes.'
    )


def test_what_one_run_lacks_is_said_of_that_run():
    metrics = example_metrics(2)
    metrics['runs'][1]['yaw'] = None
    section = page_of(metrics).one('section', id='faces')
    assert section.one('p', **{'class': 'absent'}).text.startswith('Not measured for epoch_20:')
    assert list(section.all(data_plot='yaw'))


def test_a_subset_without_faces_has_no_numbers():
    metrics = example_metrics()
    score = metrics['runs'][0]['scores']['interocular']['frontal']
    score |= dict.fromkeys(('mean', 'pooled', 'median', 'p90')) | {'faces': 0, 'points': 0}
    score['interval'] |= dict.fromkeys(('mean', 'pooled', 'median', 'p90'))
    tiles, _ = page_of(metrics).all(data_normaliser='interocular', data_subset='frontal')
    assert '0 faces (frontal)' in tiles.text
    assert 'None' not in tiles.text


def test_a_run_without_a_subset_is_left_out_there():
    metrics = example_metrics(2)
    run = metrics['runs'][1]
    parts = [run['subsets'], *run['scores'].values(), *run['curves'].values()]
    for part in [*parts, *run['flip_test'].values()]:
        del part['frontal']
    tiles, _ = page_of(metrics).all(data_normaliser='box', data_subset='frontal')
    assert 'epoch_10' in tiles.text
    assert 'epoch_20' not in tiles.text


def test_text_from_outside_is_text():
    metrics = hostile_metrics()
    page = page_of(metrics)
    assert len(list(page.all('script'))) == 3
    assert not [each for each in page.all() if 'onerror' in each.attributes]
    assert not [each for each in page.all('img') if each.attributes.get('src') == 'x']
    assert page.one('h1').text == ' '.join(HOSTILE.split())
    drawn = json.loads(page.one('script', id='drawn').inside[0])
    assert drawn['runs'][0]['name'] == HOSTILE
    faces = [each.attributes for each in page.all('li')]
    assert {face['data-name'] for face in faces} == {HOSTILE}
    shown_for = {name for face in faces for name in json.loads(face['data-shown-for'])}
    assert shown_for == {'full', HOSTILE}


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        (('runs', 0, 'faces'), 'many', r"metrics\.runs\[0\]\.faces is 'many', not a whole number"),
        (('runs', 0, 'faces'), True, r'metrics\.runs\[0\]\.faces is True, not a whole number'),
        (('runs', 0, 'yaw'), {}, r'metrics\.runs\[0\]\.yaw\.\w+ is missing'),
        (('runs', 0, 'links', 1, 0), 'a', r"runs\[0\]\.links\[1\]\[0\] is 'a', not a whole number"),
        (
            ('runs', 0, 'worst', 2, 'id'),
            0.5,
            r'worst\[2\]\.id is 0\.5, not a whole number or string',
        ),
        (('runs', 0, 'provenance', 'flip_test'), 1, 'provenance.flip_test is 1, not a bool'),
        (('runs', 1, 'scores', 'box', 'full', 'auc'), None, 'scores.box.full.auc is None, not a'),
        (('runs', 0, 'scores', 'box', 'full', 'mean'), float('nan'), 'mean is nan, not a finite'),
        (('runs', 0, 'curves', 'box'), [], r'curves\.box is \[\], not a JSON object'),
        (('comparisons', 0, 'remark'), 3, r'comparisons\[0\]\.remark is 3, not a string'),
    ],
)
def test_metrics_that_do_not_fit_are_named(metrics, place, value, message):
    broken = copy.deepcopy(metrics)
    part = broken
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    with pytest.raises(InputError, match=message):
        read(Report, broken, 'metrics')


def test_the_metrics_of_these_tests_follow_the_schema(metrics):
    check_report(metrics)
    check_report(hostile_metrics())


def test_a_picture_that_is_not_given_is_named(metrics):
    broken = copy.deepcopy(metrics)
    broken['runs'][0]['worst'][2]['picture'] = 'gone.jpg'
    with pytest.raises(InputError, match=r"epoch_10: picture 'gone\.jpg' of a face"):
        render_page(broken, example_pictures(metrics))


def test_metrics_stay_as_they_are(metrics):
    before = copy.deepcopy(metrics)
    first = render_page(metrics, example_pictures(metrics))
    assert metrics == before
    assert render_page(metrics, example_pictures(metrics)) == first


@pytest.mark.parametrize(
    ('written', 'wanted'),
    [
        (module.percent(0.0141), '1.41\xa0%'),
        (module.percent(None), '\N{EN DASH}'),
        (module.signed_percent(-0.00041), '\N{MINUS SIGN}0.04'),
        (module.signed_percent(0.00041, 3), '+0.041'),
        (module.signed_percent(-0.000004), '0.00'),
        (module.interval([0.0138, 0.0144]), '1.38 to 1.44'),
        (module.interval([0.0138, None]), '\N{EN DASH}'),
        (module.signed_interval([-0.001, 0.002]), '\N{MINUS SIGN}0.10 to +0.20'),
        (module.count(4386), '4,386'),
        (
            module.between({'low': -90, 'high': -60}, '°'),
            '\N{MINUS SIGN}90 to \N{MINUS SIGN}60°',
        ),
        (module.between({'low': None, 'high': 32}, ' px'), 'under 32 px'),
        (module.between({'low': 256, 'high': None}, ' px'), 'from 256 px'),
        (module.probability(0.0004), 'under 0.001'),
        (module.probability(0.0499), '0.050'),
        (module.thresholds({'0.10': 1, '0.07': 2}), ['0.07', '0.10']),
        (module.moment('2026-11-22T23:00:05+00:00'), '2026-11-22 23:00 UTC'),
        (module.moment('in spring'), 'in spring'),
        (module.base_name('C:\\faces\\a/b.jpg'), 'b.jpg'),
    ],
)
def test_numbers_are_written_so(written, wanted):
    assert written == wanted


def test_a_page_that_is_shared_tells_no_folders(metrics):
    run = {**metrics['runs'][0], 'worst': [dict(each) for each in metrics['runs'][0]['worst']]}
    run['provenance'] = {
        **run['provenance'],
        'command': r"mmpose-lite test /srv/ann/a.py 'C:\Users\Ann B\x\b.pth' --out=/mnt/q/d/e",
        'checkpoint': '/srv/ann/my runs/a/best.pth',
        'data': [{'file': '/srv/ann/sets/faces/test.json', 'sha256': 'ab'}],
    }
    run['worst'][0]['image'] = '/srv/ann/photos/1.jpg'
    text = render_page({**metrics, 'runs': [run], 'comparisons': []}, example_pictures(metrics))
    assert not [word for word in ('/srv', 'Ann B', '/mnt', 'my runs') if word in text]
    for shown in ('ann/a.py', 'x/b.pth', 'a/best.pth', 'faces/test.json', 'photos/1.jpg'):
        assert shown in text


@pytest.mark.parametrize(
    ('path', 'shown'),
    [
        ('a/b/c.py', 'a/b/c.py'),
        ('/c.py', '/c.py'),
        ('/a/b/c.py', 'b/c.py'),
        ('C:\\a\\b\\c.py', 'b/c.py'),
        (None, None),
    ],
)
def test_an_absolute_path_keeps_its_last_two_parts(path, shown):
    assert without_folders(path) == shown
