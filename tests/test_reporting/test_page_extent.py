"""Counts on the page of a report, and the origin of its numbers."""

from example_metrics import example_metrics
from page_reader import page_of

ABSENT = {'class': 'absent'}


def test_runs_that_share_all_faces_need_no_word(page):
    assert not list(page.one('section', id='comparison').all(**ABSENT))


def test_runs_that_share_no_or_not_all_faces_say_so():
    metrics = example_metrics(3)
    partly, none = metrics['comparisons']
    partly |= {'left_out': {'a': 4, 'b': 0}, 'remark': '4 of 200 are left out'}
    none |= {'subsets': {}, 'left_out': {'a': 200, 'b': 200}, 'remark': 'no face is in both'}
    section = page_of(metrics).one('section', id='comparison')
    assert [table.one('caption').text for table in section.all('table')] == [
        'epoch_20 minus epoch_10 , percentage points, normalised by longer side of the box'
    ]
    assert 'Below zero, the second run is better.' in section.text
    assert [each.text for each in section.all('p', **ABSENT)] == [
        'Not all compared : 4 of 200 are left out.',
        'Not compared : no face is in both.',
    ]


def test_p_is_what_the_documents_say(page):
    title = page.one('section', id='comparison').one('abbr').attributes['title']
    assert title == 'two-sided, how often draws of faces are as far off as no difference'


def test_faces_without_an_error_are_not_counted():
    metrics = example_metrics()
    (run,) = metrics['runs']
    run['faces'] = 203
    run['reliability']['faces'] = 198
    page = page_of(metrics)
    (caption,) = page.one('section', id='points').one('table', data_sortable=None).all('caption')
    assert 'over 200 faces' in caption.text
    assert 'points of 198 faces' in page.one('section', id='confidence').one('figcaption').text


def test_without_scripts_the_gallery_has_the_worst_of_all(metrics, page):
    faces = list(page.one('ol', data_run='epoch_10', data_part='worst').all('li'))
    assert len(faces) == len(metrics['runs'][0]['worst']) > 24
    assert ['hidden' in face.attributes for face in faces] == [i >= 24 for i in range(len(faces))]


def test_hashes_are_there(page):
    text = page.one('section', id='provenance').text
    for name, digest in (('Config config.py', 'c0'), ('bases and options', 'c1')):
        assert f'{name} sha256 {digest * 32}' in text


def test_runs_by_different_sizes_say_so():
    metrics = example_metrics(2)
    second = metrics['runs'][1]
    second['primary'] = 'interocular'
    second['normalisers'] = {'interocular': second['normalisers']['interocular']}
    for part in ('scores', 'curves'):
        second[part] = {'interocular': second[part]['interocular']}
    page = page_of(metrics)
    said = 'by longer side of the box (epoch_10), distance of the eyes (epoch_20)'
    for part in ('points', 'faces', 'robustness', 'confidence', 'worst'):
        assert f'normalised {said}' in page.one('section', id=part).text, part
    box, eyes = page.one('section', id='provenance').all('dd')
    assert box.text == 'The longer side of the box. 200 faces of epoch_10 have it.'
    assert 'faces of epoch_10, ' in eyes.text
    assert eyes.text.endswith('faces of epoch_20 have it.')
