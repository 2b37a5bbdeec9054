"""Labels of photographs with an EXIF orientation: converted sets have upright faces."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from helpers.label_files import write_json
from helpers.seeding import wavy_image
from helpers.turned import STORED, stored_places, write_turned
from mmpose_lite.apis.config import load_config
from mmpose_lite.cli.convert import main
from mmpose_lite.data_tools.browsing import load_browsers
from mmpose_lite.data_tools.checks import check_splits, find_splits
from mmpose_lite.data_tools.converters import convert_labels, write_coco
from mmpose_lite.data_tools.converters.labelled import ReadOptions
from mmpose_lite.datasets import build_dataset
from mmpose_lite.datasets.samplers import SampleIndex
from mmpose_lite.errors import InputError
from mmpose_lite.export.faces import photograph_of
from mmpose_lite.inference.annotated import annotated_photographs

NAMES = ['left_eye', 'right_eye', 'nose', 'left_mouth', 'right_mouth']
FACE = np.array([[60, 45], [31, 48], [44, 60], [58, 76], [33, 74]])
WIDTH, HEIGHT = 90, 120
BOX = [20, 30, 50, 60]  # x, y, width, height
ORIENTATIONS = range(1, 9)


def make_photos(root, orientations=ORIENTATIONS, upright=False):
    """A photograph of each orientation, or the same ones stored upright."""
    for number, orientation in enumerate(orientations):
        picture = wavy_image(number, HEIGHT, WIDTH)
        write_turned(root / f'{number}.png', picture, 1 if upright else orientation)
    return root


def labels_of(number, orientation, as_stored):
    """Size, points and box of a face, as shown or as stored."""
    size_wh, points = (WIDTH, HEIGHT), FACE + np.array([number, number % 3])
    x, y, width, height = BOX
    corners = np.array([[x, y], [x + width, y + height]])
    if as_stored:
        edges = stored_places(
            np.array([[x, y], [x + width - 1, y + height - 1]]), orientation, size_wh
        )
        points = stored_places(points, orientation, size_wh)
        size_wh = size_wh[::-1] if orientation >= 5 else size_wh
        corners = np.array([edges.min(axis=0), edges.max(axis=0) + 1])
    return size_wh, points, corners


def labelme(root, frames):
    for number, frame in enumerate(frames):
        size_wh, points, corners = labels_of(number, *frame)
        # Tools measure from the corner of the first pixel.
        shapes = [
            {'label': name, 'points': [xy], 'shape_type': 'point'}
            for name, xy in zip(NAMES, (points + 0.5).tolist(), strict=True)
        ]
        shapes.append({'label': 'face', 'points': corners.tolist(), 'shape_type': 'rectangle'})
        size = {'imageWidth': size_wh[0], 'imageHeight': size_wh[1]}
        write_json(
            root / f'{number}.json', {'shapes': shapes, 'imagePath': f'{number}.png', **size}
        )
    return root


def pts(root, frames):
    root.mkdir(parents=True)
    for number, frame in enumerate(frames):
        rows = ''.join(f'{x + 1} {y + 1}\n' for x, y in labels_of(number, *frame)[1])
        (root / f'{number}.pts').write_text(f'version: 1\nn_points: 5\n{{\n{rows}}}\n')
    return root


def table(root, frames):
    root.mkdir(parents=True)
    with open(root / 'a.csv', 'w', newline='') as file:
        writer = csv.writer(file)
        box = [f'bbox_{side}' for side in 'xywh']
        writer.writerow(['filename', *box, *(f'{name}_{axis}' for name in NAMES for axis in 'xy')])
        for number, frame in enumerate(frames):
            _, points, corners = labels_of(number, *frame)
            sides = [*corners[0], *(corners[1] - corners[0])]
            writer.writerow([f'{number}.png', *sides, *points.ravel()])
    return root / 'a.csv'


def imglab(root, frames, has_size=False):
    root.mkdir(parents=True)
    rows = []
    for number, frame in enumerate(frames):
        size_wh, points, (low, high) = labels_of(number, *frame)
        parts = ''.join(
            f"<part name='{name}' x='{x}' y='{y}'/>"
            for name, (x, y) in zip(NAMES, points, strict=True)
        )
        edges = (
            f"left='{low[0]}' top='{low[1]}' width='{high[0] - low[0]}' height='{high[1] - low[1]}'"
        )
        size = f" width='{size_wh[0]}' height='{size_wh[1]}'" if has_size else ''
        rows.append(f"<image file='{number}.png'{size}><box {edges}>{parts}</box></image>")
    (root / 'a.xml').write_text(f'<dataset><images>{"".join(rows)}</images></dataset>')
    return root / 'a.xml'


def imglab_with_sizes(root, frames):
    return imglab(root, frames, has_size=True)


WRITERS = {
    'labelme': ('labelme', labelme),
    'pts': ('pts', pts),
    'csv': ('csv', table),
    'dlib': ('dlib', imglab),
    'dlib with sizes': ('dlib', imglab_with_sizes),
}


def convert(root, form, frames, photos, **options):
    tool, write = WRITERS[form]
    labels = write(root / 'labels', frames)
    origin = 1 if tool == 'pts' else None
    options = ReadOptions(origin=origin, **options)
    return convert_labels(tool, labels, photos, root / 'set', NAMES, options)


def config_of(root):
    return load_config(root / 'set' / 'hrnetv2_set.py')


def dataset_of(root, role, **changes):
    settings = config_of(root)[f'{role}_dataloader'].dataset
    return build_dataset({**settings, **changes})


def compare(turned, upright):
    """Crops, as training and validation get them, are those of the photographs stored upright."""
    for role in ('train', 'val'):
        plain, cached = (dataset_of(turned, role, cache=cache) for cache in (None, True))
        wanted = dataset_of(upright, role)
        assert len(plain) == len(wanted) > 0
        for i in range(len(wanted)):
            crop = wanted[SampleIndex(i, 0, 0)]['inputs']
            assert (plain[SampleIndex(i, 0, 0)]['inputs'] == crop).all()
            difference = cached[SampleIndex(i, 0, 0)]['inputs'].int() - crop.int()
            assert difference.abs().max() <= 1


@pytest.fixture(scope='module')
def upright_set(tmp_path_factory):
    """For each form of labels the set of the photographs stored upright."""
    made = {}

    def of(form):
        if form not in made:
            root = tmp_path_factory.mktemp('upright')
            photos = make_photos(root / 'photos', upright=True)
            convert(root, form, [(1, False)] * len(ORIENTATIONS), photos)
            made[form] = root
        return made[form]

    return of


@pytest.mark.parametrize(
    ('form', 'as_stored'),
    [
        *((form, as_stored) for form in ('labelme', 'pts', 'csv', 'dlib with sizes')
          for as_stored in (False, True)),
        ('dlib', True),
    ],
)  # fmt: skip
def test_faces_of_turned_photographs_are_upright(tmp_path, upright_set, form, as_stored):
    photos = make_photos(tmp_path / 'photos')
    frames = [(orientation, as_stored) for orientation in ORIENTATIONS]
    report = convert(tmp_path, form, frames, photos)
    assert report.is_complete
    compare(tmp_path, upright_set(form))
    content, wanted = (
        json.loads((root / 'set' / 'faces.json').read_text())
        for root in (tmp_path, upright_set(form))
    )
    assert content['annotations'] == wanted['annotations']
    applied = [image.get('exif_orientation_applied', 1) for image in content['images']]
    assert applied == list(ORIENTATIONS)
    assert {(image['width'], image['height']) for image in content['images']} == {(WIDTH, HEIGHT)}


def test_all_tools_agree_on_the_frame(tmp_path):
    """Nothing is a fault or a note, and what is looked at is upright."""
    photos = make_photos(tmp_path / 'photos')
    frames = [(orientation, False) for orientation in ORIENTATIONS]
    convert(tmp_path, 'labelme', frames, photos)
    found = check_splits(find_splits(config_of(tmp_path)), workers=1).findings
    assert [each for each in found if each.kind in ('image', 'size')] == []
    (browser,), _ = load_browsers(config_of(tmp_path), 'train', 0)
    for i in range(len(browser.dataset)):
        view = browser.original(i)
        number = int(view.img_path[-5])
        np.testing.assert_array_equal(view.image_bgr, wavy_image(number, HEIGHT, WIDTH))
        np.testing.assert_allclose(view.points, FACE + np.array([number, number % 3]) + 0.5)
    cfg = config_of(tmp_path)
    for photograph in annotated_photographs(cfg, 'train'):
        number = int(photograph.path[-5])
        np.testing.assert_array_equal(photograph.read(), wavy_image(number, HEIGHT, WIDTH))
    sample = dataset_of(tmp_path, 'val')[0]['data_samples']
    pixels, _ = photograph_of(SimpleNamespace(cfg=cfg), sample)
    number = int(sample.img_path[-5])
    np.testing.assert_array_equal(pixels, wavy_image(number, HEIGHT, WIDTH))
    write_coco(browser.dataset, tmp_path / 'coco.json')
    images = json.loads((tmp_path / 'coco.json').read_text())['images']
    applied = {each['file_name']: each.get('exif_orientation_applied', 1) for each in images}
    assert applied == {f'{o - 1}.png': o for o in ORIENTATIONS if f'{o - 1}.png' in applied}


def count_as_stored(root):
    """Count a converted set's points and boxes in the pixels as stored, without a mark."""
    path = root / 'set' / 'faces.json'
    content = json.loads(path.read_text())
    for image, face in zip(content['images'], content['annotations'], strict=True):
        orientation = image.pop('exif_orientation_applied', 1)
        image['width'], image['height'] = (WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH)
        points = np.reshape(face['keypoints'], (-1, 3))
        x, y, width, height = BOX
        places = [*points[:, :2].astype(int), (x, y), (x + width, y + height)]
        places = stored_places(places, orientation, (WIDTH, HEIGHT))
        points[:, :2] = places[:-2]
        low, high = places[-2:].min(axis=0), places[-2:].max(axis=0)
        face['keypoints'] = points.ravel().tolist()
        face['bbox'] = [*low.tolist(), *(high - low).tolist()]
    path.write_text(json.dumps(content))


def test_labels_of_pixels_as_stored_are_turned_with_their_pixels(tmp_path):
    """A training on the file of ``to-coco`` gets the same crops, upright."""
    photos = make_photos(tmp_path / 'photos')
    convert(tmp_path, 'pts', [(orientation, False) for orientation in ORIENTATIONS], photos)
    count_as_stored(tmp_path)
    # With UDP a mirrored crop fits exactly.
    pipeline = config_of(tmp_path).val_dataloader.dataset.pipeline
    next(step for step in pipeline if step.type == 'TopdownAffine').use_udp = True
    options = {'train_val_split': None, 'on_implausible': 'warn', 'pipeline': pipeline}
    stored = dataset_of(tmp_path, 'val', **options)
    crops = [stored[i]['inputs'].numpy().transpose(1, 2, 0) for i in range(len(stored))]
    write_coco(stored, tmp_path / 'set' / 'faces.json')
    content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
    for number, face in enumerate(content['annotations']):
        points = np.reshape(face['keypoints'], (-1, 3))[:, :2]
        np.testing.assert_allclose(points, FACE + np.array([number, number % 3]))
        assert face['bbox'] == BOX
    upright = dataset_of(tmp_path, 'val', **options)
    for i, (orientation, crop) in enumerate(zip(ORIENTATIONS, crops, strict=True)):
        wanted = STORED[orientation](upright[i]['inputs'].numpy().transpose(1, 2, 0))
        assert np.abs(crop.astype(int) - wanted).max() <= 1, orientation


def test_marked_labels_stay_upright_where_exif_is_ignored(tmp_path):
    """A training refuses the pixels; the labels are of upright photographs in any case."""
    photos = make_photos(tmp_path / 'photos')
    convert(tmp_path, 'pts', [(orientation, False) for orientation in ORIENTATIONS], photos)
    for step in ({'exif': 'ignore'}, {'color_type': 'color_ignore_orientation'}):
        pipeline = [{'type': 'LoadImage', **step}]
        dataset = dataset_of(tmp_path, 'val', train_val_split=None, pipeline=pipeline)
        report = write_coco(dataset, tmp_path / 'coco.json')
        assert not any('EXIF' in kind for kind in report.notes)
        content = json.loads((tmp_path / 'coco.json').read_text())
        for number, face in enumerate(content['annotations']):
            points = np.reshape(face['keypoints'], (-1, 3))[:, :2]
            np.testing.assert_allclose(points, FACE + np.array([number, number % 3]))


@pytest.mark.parametrize('form', ['labelme', 'dlib with sizes'])
def test_each_picture_tells_for_itself(tmp_path, upright_set, form):
    photos = make_photos(tmp_path / 'photos', [5, 6, 7, 8] * 2)
    frames = [(orientation, i < 4) for i, orientation in enumerate([5, 6, 7, 8] * 2)]
    convert(tmp_path, form, frames, photos)
    compare(tmp_path, upright_set(form))


def test_points_beyond_a_photograph_tell_for_all(tmp_path):
    """No photograph is upright, and names say nothing."""
    photos = make_photos(tmp_path / 'photos', [6, 3])
    low = (FACE + np.array([0, 40])).tolist()
    (tmp_path / 'labels').mkdir()
    for number in range(2):
        rows = ''.join(f'{x} {y}\n' for x, y in low)
        (tmp_path / 'labels' / f'{number}.pts').write_text(f'n_points: 5\n{{\n{rows}}}\n')
    options = ReadOptions(origin=0)
    report = convert_labels('pts', tmp_path / 'labels', photos, tmp_path / 'set', None, options)
    (guessed,) = [kind for kind in report.notes if 'no size tells' in kind]
    assert guessed.endswith('taken as labelled as shown, upright')
    content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
    for annotation in content['annotations']:
        points = np.reshape(annotation['keypoints'], (-1, 3))[:, :2]
        assert points.tolist() == low


@pytest.mark.parametrize('as_stored', [False, True])
def test_eyes_are_above_the_mouth(tmp_path, upright_set, as_stored):
    """No photograph is upright, and all points lie in both frames."""
    photos = make_photos(tmp_path / 'photos', [6] * 8)
    report = convert(tmp_path, 'pts', [(6, as_stored)] * 8, photos)
    compare(tmp_path, upright_set('pts'))
    assert any('no size tells' in kind for kind in report.notes)


def test_what_nothing_tells_is_asked(tmp_path):
    photos = make_photos(tmp_path / 'photos', [2, 2])
    labels = pts(tmp_path / 'labels', [(2, True)] * 2)
    arguments = ['pts', '--labels', str(labels), '--images', str(photos), '--origin', '1']
    arguments += ['--out', str(tmp_path / 'set')]
    message = (
        r'0\.pts: .*/0\.png \(2\) has an EXIF orientation, and nothing tells whether its labels'
    )
    with pytest.raises(SystemExit, match=f'{message}.*--exif upright or --exif stored'):
        main(arguments)
    assert not (tmp_path / 'set').exists()
    for answer, wanted in (('upright', labels_of(0, 2, True)[1]), ('stored', FACE)):
        main([*arguments, '--exif', answer])
        content = json.loads((tmp_path / 'set' / 'faces.json').read_text())
        found = np.reshape(content['annotations'][0]['keypoints'], (-1, 3))[:, :2]
        assert found.tolist() == wanted.tolist()


def test_pictures_that_contradict_each_other_are_named(tmp_path):
    """Of the last nothing tells, and the others are of both kinds."""
    photos = make_photos(tmp_path / 'photos', [6, 8, 3])
    frames = [(6, False), (8, True), (3, False)]
    message = (
        rf'2\.json: {photos}/0\.png \(6\) was labelled as shown, upright, {photos}/1\.png \(8\) as '
        'stored, and nothing tells whether all labels without a size are of photographs as shown'
    )
    with pytest.raises(InputError, match=message):
        convert(tmp_path, 'labelme', frames, photos)


def test_faces_that_contradict_each_other_are_named(tmp_path):
    photos = make_photos(tmp_path / 'photos', [1, 6, 6])
    with pytest.raises(InputError, match=r'1\.png \(6\) looks labelled .*2\.png \(6\) as stored'):
        convert(tmp_path, 'csv', [(1, False), (6, False), (6, True)], photos)
