"""Files of results: each is read back by what reads such files."""

import csv
import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers.turned import write_turned
from mmpose_lite.data_tools.converters import convert_labels
from mmpose_lite.data_tools.converters.labelled import ReadOptions
from mmpose_lite.datasets.datasets import AFLWDataset
from mmpose_lite.inference import Landmarks, Photograph
from mmpose_lite.inference.label_writers import WRITERS
from mmpose_lite.inference.writers import Layout
from mmpose_lite.structures import parse_pose_metainfo

META = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/aflw.py'})
NAMES = [META['keypoint_id2name'][i] for i in range(19)]


@pytest.fixture
def results(tmp_path):
    """Two faces in one photograph, none in the next, one in a third below another folder."""
    rng = np.random.default_rng(0)
    found = []
    for name, count in (('a/x.png', 2), ('a/y.png', 0), ('b/x.png', 1)):
        path = tmp_path / 'photos' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image = rng.integers(0, 255, (90, 120, 3), dtype=np.uint8)
        cv2.imwrite(str(path), image)
        boxes = np.array([[60, 10, 100.5, 50], [10, 20, 40, 55.25]], np.float32)[:count]
        points = boxes[:, None, :2] + rng.uniform(0, 30, (count, 19, 2)).astype(np.float32)
        scores = rng.uniform(0, 1, (count, 19)).astype(np.float32)
        photograph = Photograph(str(path), image, str(path))
        box_scores = np.full(count, 0.9, np.float32)
        found.append(Landmarks(photograph, points, scores, boxes, box_scores, META))
    return found


def written(form, results, folder, least_score=0.0):
    layout = Layout(folder / 'out', [each.name for each in results], META, least_score)
    writer = WRITERS[form](layout)
    for each in results:
        writer.write(each)
    writer.fail('c.png', 'is not an image')
    writer.close()
    return writer.path


def all_points(results):
    return np.concatenate([each.points for each in results])


def converted(tool, path, folder, **options):
    """The faces that a converter makes of files, by their points; and its report."""
    report = convert_labels(
        tool, path, folder / 'photos', folder / 'back', NAMES, ReadOptions(**options)
    )
    content = json.loads((folder / 'back' / 'faces.json').read_text(encoding='utf-8'))
    faces = [np.reshape(each['keypoints'], (19, 3)) for each in content['annotations']]
    return np.stack(faces), content, report


def test_coco_is_read_by_our_own_data_set(results, tmp_path):
    path = written('coco', results, tmp_path, least_score=0.5)
    dataset = AFLWDataset(
        ann_file=str(path), data_prefix={'img': str(tmp_path / 'photos')}, test_mode=True
    )
    faces = [dataset.get_data_info(i) for i in range(len(dataset))]
    names = [Path(face['img_path']).relative_to(tmp_path / 'photos').as_posix() for face in faces]
    assert names == ['a/x.png', 'a/x.png', 'b/x.png']
    points = np.concatenate([face['keypoints'] for face in faces])
    np.testing.assert_allclose(points, all_points(results), atol=1e-3)
    # AFLW's box is the square of the longer side about the same middle.
    np.testing.assert_allclose(faces[0]['bbox'], [[60, 9.75, 100.5, 50.25]])
    raw = json.loads(path.read_text(encoding='utf-8'))
    flags = np.array([np.reshape(each['keypoints'], (-1, 3))[:, 2] for each in raw['annotations']])
    scores = np.concatenate([each.scores for each in results])
    np.testing.assert_array_equal(flags, np.where(scores < 0.5, 1, 2))
    assert raw['categories'][0]['keypoints'] == NAMES
    assert [each['file_name'] for each in raw['images']] == ['a/x.png', 'a/y.png', 'b/x.png']


def test_labelme_is_read_by_our_converter(results, tmp_path):
    path = written('labelme', results, tmp_path, least_score=0.5)
    faces, content, _ = converted('labelme', path / 'a', tmp_path)
    np.testing.assert_allclose(faces[..., :2], all_points(results[:1]), atol=1e-3)
    np.testing.assert_array_equal(faces[..., 2], np.where(results[0].scores < 0.5, 1, 2))
    np.testing.assert_allclose(content['annotations'][1]['bbox'], [10, 20, 30, 35.25])
    shown = json.loads((path / 'a' / 'x.json').read_text(encoding='utf-8'))
    assert (path / 'a' / shown['imagePath']).resolve() == Path(results[0].name)
    empty = json.loads((path / 'a' / 'y.json').read_text(encoding='utf-8'))
    assert empty['shapes'] == []


def test_pts_are_read_by_our_converter(results, tmp_path):
    path = written('pts', results[1:], tmp_path)
    faces, _, _ = converted('pts', path, tmp_path, origin=1)
    np.testing.assert_allclose(faces[..., :2], all_points(results[1:]), atol=1e-3)


def test_pts_of_several_faces_are_numbered_from_left_to_right(results, tmp_path):
    path = written('pts', results, tmp_path)
    assert sorted(each.name for each in (path / 'a').iterdir()) == ['x_1.pts', 'x_2.pts']
    first = (path / 'a' / 'x_1.pts').read_text(encoding='utf-8').splitlines()
    assert first[:3] == ['version: 1', 'n_points: 19', '{']
    x, y = map(float, first[3].split())
    np.testing.assert_allclose([x, y], results[0].points[1, 0] + 1, atol=1e-3)


def test_tables_are_read_by_our_converter(results, tmp_path):
    path = written('csv', results, tmp_path)
    faces, content, _ = converted('csv', path, tmp_path)
    np.testing.assert_allclose(faces[..., :2], all_points(results), atol=1e-3)
    np.testing.assert_allclose(content['annotations'][0]['bbox'], [60, 10, 40.5, 40])
    with open(path, encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    scores = [float(row[f'{NAMES[3]}_score']) for row in rows]
    expected = [face[3] for each in results for face in each.scores]
    np.testing.assert_allclose(scores, expected, atol=1e-4)
    assert {row['frame'] for row in rows} == {''}
    assert {(row['width'], row['height']) for row in rows} == {('120', '90')}


@pytest.mark.parametrize('orientation', [1, 3])
def test_coco_of_an_upside_down_photograph_says_so(results, tmp_path, orientation):
    (face,) = results[2:]
    exif = Image.Exif()
    exif[274] = orientation
    pixels = face.photograph.image[..., ::-1].copy()
    Image.fromarray(pixels).save(face.photograph.path, exif=exif)
    turned = replace(face, photograph=replace(face.photograph, is_turned=True))
    content = json.loads(written('coco', [turned], tmp_path).read_text(encoding='utf-8'))
    (image,) = content['images']
    assert image.get('exif_orientation_applied', 1) == orientation


@pytest.mark.parametrize('form', ['csv', 'coco', 'labelme'])
@pytest.mark.parametrize('orientation', [3, 6])
def test_points_of_a_turned_photograph_stay_upright(results, tmp_path, form, orientation):
    (face,) = results[2:]
    write_turned(Path(face.photograph.path), face.photograph.image, orientation)
    turned = replace(face, photograph=replace(face.photograph, is_turned=True))
    path = written(form, [*results[:2], turned], tmp_path)
    faces, content, report = converted(form, path, tmp_path)
    assert min(np.abs(each[:, :2] - face.points[0]).max() for each in faces) < 2e-3
    applied = {image.get('exif_orientation_applied') for image in content['images']}
    assert applied == {None, orientation}
    assert any(kind.endswith('labelled as shown, upright') for kind in report.notes)


@pytest.mark.skipif(not find_spec('pyarrow'), reason='needs pyarrow')
def test_parquet_has_the_same_table(results, tmp_path):
    import pyarrow.parquet

    path = written('parquet', results, tmp_path)
    rows = pyarrow.parquet.read_table(path).to_pylist()
    assert [row['filename'] for row in rows] == ['a/x.png', 'a/x.png', 'b/x.png']
    points = [[[row[f'{name}_x'], row[f'{name}_y']] for name in NAMES] for row in rows]
    np.testing.assert_allclose(points, all_points(results), atol=1e-3)
    assert rows[0]['frame'] is None
    assert (rows[0]['width'], rows[0]['height']) == (120, 90)
    assert [each.name for each in path.parent.iterdir()] == ['predictions.parquet']


def test_lines_are_there_before_the_next_photograph(results, tmp_path):
    layout = Layout(tmp_path / 'out', [each.name for each in results], META)
    writer = WRITERS['jsonl'](layout)
    for count, each in enumerate(results, 1):
        writer.write(each)
        lines = writer.path.read_text(encoding='utf-8').splitlines()
        assert len(lines) == count
    writer.fail('c.png', 'is not an image')
    first, second, _, last = map(json.loads, writer.path.read_text(encoding='utf-8').splitlines())
    writer.close()
    assert last == {'image': 'c.png', 'error': 'is not an image'}
    assert second == {'image': 'a/y.png', 'width': 120, 'height': 90, 'faces': []}
    for face, points, scores in zip(
        first['faces'], results[0].points, results[0].scores, strict=True
    ):
        assert list(face['points']) == NAMES
        rows = np.array(list(face['points'].values()))
        np.testing.assert_allclose(rows, np.column_stack([points, scores]), atol=1e-3)
        assert 'id' not in face


def test_ids_frames_and_expected_errors_are_written_where_they_are_known(results, tmp_path):
    result = results[2]
    result.ids, result.errors = np.array([7]), np.full((1, 19), 1.5)
    result.photograph.frame, result.photograph.time_s = 12, 0.48
    line = json.loads(written('jsonl', [result], tmp_path).read_text().splitlines()[0])
    assert (line['frame'], line['time_s'], line['faces'][0]['id']) == (12, 0.48, 7)
    assert line['faces'][0]['expected_errors'] == [1.5] * 19
    table = written('csv', [result], tmp_path).read_text().splitlines()
    assert table[1].split(',')[1:7] == ['120', '90', '1', '12', '0.48', '7']
    record = json.loads(written('coco', [result], tmp_path).read_text())
    assert (record['annotations'][0]['track_id'], record['images'][0]['frame']) == (7, 12)
    assert (written('labelme', [result], tmp_path) / 'x_000012.json').is_file()


def test_pictures_and_crops(results, tmp_path):
    pictures, crops = (written(form, results, tmp_path) for form in ('pictures', 'crops'))
    found = sorted(each.relative_to(pictures).as_posix() for each in pictures.rglob('*.jpg'))
    assert found == ['a/x.jpg', 'a/y.jpg', 'b/x.jpg']
    crop = cv2.imread(str(crops / 'a' / 'x_2.png'))
    np.testing.assert_array_equal(crop, results[0].photograph.image[20:56, 10:40])


def test_files_that_differ_in_their_suffix_do_not_meet(results, tmp_path):
    photographs = tmp_path / 'photos' / 'a'
    layout = Layout(
        tmp_path / 'out', [str(photographs / name) for name in ('x.png', 'x.jpg', 'y.png')], META
    )
    stems = [layout.stem_of(each) for each in results[:2]]
    assert stems == ['x.png', 'y']


def test_nothing_is_written_outside_of_the_folder(results, tmp_path):
    result = results[0]
    result.photograph.frame, result.photograph.time_s = 3, 0.1
    layout = Layout(tmp_path / 'out', [], META)  # as of a video, which is no photograph
    WRITERS['pictures'](layout).write(result)
    assert (tmp_path / 'out' / 'pictures' / 'x_000003.jpg').is_file()
