"""Files of a set: same bytes again, MMPose's fields, and no harm to what is already there."""

import hashlib
import json
import sys
from pathlib import Path

import cv2
import pytest

from mmpose_lite.synthetic import DatasetError, Recipe, make_dataset

ROOT = Path(__file__).resolve().parents[2]
RECIPE = Recipe(train=5, test=10, seed=7)
KEYS = {
    'id',
    'image_id',
    'keypoints',
    'num_keypoints',
    'bbox',
    'area',
    'iscrowd',
    'category_id',
    'center',
    'scale',
    'box_size',
    'visibility',
    'yaw',
    'pitch',
    'roll',
}


def digests(folder):
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def load(folder, name):
    path = folder / 'annotations' / f'face_landmarks_aflw_{name}.json'
    return json.loads(path.read_text(encoding='utf-8'))


@pytest.fixture(scope='module')
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp('synthetic') / 'set'
    assert make_dataset(out, RECIPE)
    return out


@pytest.fixture
def copy(made, tmp_path):
    """A second folder with the same files."""
    for path in made.rglob('*'):
        target = tmp_path / 'copy' / path.relative_to(made)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    return tmp_path / 'copy'


def test_two_workers_write_the_same_bytes_as_one(made, tmp_path):
    seen = []
    make_dataset(tmp_path / 'again', RECIPE, workers=2, on_progress=seen.append)
    assert digests(tmp_path / 'again') == digests(made)
    assert sum(seen) == RECIPE.train + RECIPE.test


def test_another_seed_writes_other_faces(made, tmp_path):
    make_dataset(tmp_path, Recipe(train=1, test=1, seed=5))
    mine, other = load(made, 'train')['annotations'][0], load(tmp_path, 'train')['annotations'][0]
    assert mine['keypoints'] != other['keypoints']


def test_more_faces_leave_the_first_ones_as_they_are(made, tmp_path):
    make_dataset(tmp_path, Recipe(train=2, test=1, seed=RECIPE.seed))
    first = load(made, 'train')['annotations'][0]
    assert load(tmp_path, 'train')['annotations'][0] == first


@pytest.mark.parametrize(('name', 'count'), [('train', 5), ('test', 10)])
def test_annotations_have_mmposes_fields(made, name, count):
    content = load(made, name)
    assert len(content['annotations']) == count
    assert content['categories'] == [
        {'supercategory': 'person', 'id': 1, 'name': 'face', 'keypoints': [], 'skeleton': []}
    ]
    images = {image['id']: image for image in content['images']}
    for annotation in content['annotations']:
        assert set(annotation) == KEYS
        assert annotation['image_id'] in images
        assert annotation['num_keypoints'] == 19
        assert len(annotation['keypoints']) == 57
        assert annotation['keypoints'][2::3] == [1] * 19
        assert (annotation['iscrowd'], annotation['category_id']) == (0, 1)
        assert len(annotation['visibility']) == 19
        assert set(annotation['visibility']) <= {0, 1}


@pytest.mark.parametrize('name', ['train', 'test'])
def test_face_box_is_a_whole_numbered_square(made, name):
    for annotation in load(made, name)['annotations']:
        side = annotation['box_size']
        corner = [value - side / 2 for value in annotation['center']]
        assert all(float(value).is_integer() for value in (side, *corner))
        assert annotation['scale'] * 200 == pytest.approx(side)


@pytest.mark.parametrize('name', ['train', 'test'])
def test_keypoint_box_is_a_tenth_wider_on_each_side_and_inside_the_image(made, name):
    content = load(made, name)
    images = {image['id']: image for image in content['images']}
    for annotation in content['annotations']:
        image, (x, y, w, h) = images[annotation['image_id']], annotation['bbox']
        xs, ys = annotation['keypoints'][0::3], annotation['keypoints'][1::3]
        for low, high, start, size, limit in (
            (min(xs), max(xs), x, w, image['width']),
            (min(ys), max(ys), y, h, image['height']),
        ):
            margin = 0.1 * (high - low)
            assert start == pytest.approx(max(0.0, low - margin), abs=2e-3)
            assert start + size == pytest.approx(min(limit, high + margin), abs=2e-3)
        assert annotation['area'] == pytest.approx(w * h, abs=1e-2)


def test_every_image_is_there_with_its_declared_size_and_no_other(made):
    listed = set()
    for name in ('train', 'test'):
        for image in load(made, name)['images']:
            path = made / 'images' / image['file_name']
            assert cv2.imread(str(path)).shape == (image['height'], image['width'], 3)
            listed.add(path)
    assert listed == set((made / 'images').rglob('*.jpg'))


def test_ids_are_unique_over_train_and_test(made):
    faces = [face for name in ('train', 'test') for face in load(made, name)['annotations']]
    assert sorted(face['id'] for face in faces) == list(range(15))
    # As in MMPose, an image bears the number of the first face in it.
    assert {face['image_id'] for face in faces} <= {face['id'] for face in faces}


def test_frontal_faces_are_the_test_faces_with_all_points_visible(made):
    test, front = load(made, 'test'), load(made, 'test_frontal')
    expected = [face for face in test['annotations'] if all(face['visibility'])]
    assert front['annotations'] == expected
    assert 0 < len(expected) < len(test['annotations'])
    used = {face['image_id'] for face in expected}
    assert front['images'] == [image for image in test['images'] if image['id'] in used]


def test_finished_set_is_left_alone(copy):
    before = {path: path.stat().st_mtime_ns for path in copy.rglob('*') if path.is_file()}
    assert not make_dataset(copy, RECIPE)
    after = {path: path.stat().st_mtime_ns for path in copy.rglob('*') if path.is_file()}
    assert after == before


def test_set_with_a_missing_image_is_completed(copy, made):
    next((copy / 'images').rglob('*.jpg')).unlink()
    assert make_dataset(copy, RECIPE)
    assert digests(copy) == digests(made)


def test_interrupted_set_is_taken_up(copy, made):
    manifest = copy / 'manifest.json'
    content = json.loads(manifest.read_text(encoding='utf-8'))
    manifest.write_text(json.dumps({**content, 'complete': False}), encoding='utf-8')
    assert make_dataset(copy, RECIPE)
    assert digests(copy) == digests(made)


def test_other_recipe_does_not_overwrite(copy, made):
    with pytest.raises(DatasetError, match='holds another set'):
        make_dataset(copy, Recipe(train=5, test=10, seed=99))
    assert digests(copy) == digests(made)


@pytest.mark.parametrize('content', ['', '[]', '{"generator": "other"}'])
def test_foreign_manifest_is_refused(tmp_path, content):
    (tmp_path / 'manifest.json').write_text(content, encoding='utf-8')
    with pytest.raises(DatasetError, match=r'manifest|another set'):
        make_dataset(tmp_path, RECIPE)
    assert digests(tmp_path).keys() == {'manifest.json'}


def test_file_in_place_of_the_folder_is_refused(tmp_path):
    path = tmp_path / 'file'
    path.write_text('mine', encoding='utf-8')
    with pytest.raises(DatasetError, match='not a folder'):
        make_dataset(path, RECIPE)


@pytest.mark.parametrize(
    ('arguments', 'word'), [((0, 1, 0), 'train'), ((1, 0, 0), 'test'), ((1, 1, -1), 'seed')]
)
def test_recipe_names_the_argument_that_makes_no_sense(arguments, word):
    with pytest.raises(DatasetError, match=word):
        Recipe(*arguments)


def test_too_few_workers_are_refused(tmp_path):
    with pytest.raises(DatasetError, match='workers'):
        make_dataset(tmp_path / 'set', RECIPE, workers=0)
    assert not (tmp_path / 'set').exists()


def test_tool_refuses_a_foreign_folder_in_one_line(processes, tmp_path):
    (tmp_path / 'precious.txt').write_text('mine', encoding='utf-8')
    tool = (sys.executable, ROOT / 'tools' / 'make_synthetic_aflw.py', tmp_path)
    done = processes.run(*tool, '--train', '1', '--test', '1', cwd=tmp_path)
    assert done.status == 1
    (line,) = done.printed.strip().splitlines()
    assert str(tmp_path) in line
    assert digests(tmp_path).keys() == {'precious.txt'}
