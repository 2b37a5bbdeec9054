"""The weights in the package: they are whole, and find points wherever they are named."""

import hashlib
import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmpose_lite import Landmarker
from mmpose_lite.apis import inference_topdown, init_model
from mmpose_lite.checkpoints.reading import read_checkpoint
from mmpose_lite.cli import adapt, info, predict
from mmpose_lite.registry import MODELS
from mmpose_lite.synthetic import Recipe, make_dataset
from mmpose_lite.utils.paths import find_weights, packaged_weights

WEIGHTS = packaged_weights()['faces19']


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    """Rendered portraits that the training had not: a list of image file, box and points."""
    folder = tmp_path_factory.mktemp('faces')
    make_dataset(folder, Recipe(train=12, test=1, seed=5, boxes='tight68', poses='portrait'))
    content = json.loads((folder / 'annotations/face_landmarks_aflw_train.json').read_text())
    names = {image['id']: image['file_name'] for image in content['images']}
    found = []
    for face in content['annotations']:
        center, half = np.array(face['center']), face['box_size'] / 2
        points = np.reshape(face['keypoints'], (-1, 3))[:, :2]
        file = str(folder / 'images' / names[face['image_id']])
        found.append((file, [*(center - half), *(center + half)], points))
    return found


def nme(predicted, points, box):
    return np.linalg.norm(predicted - points, axis=-1).mean() / (box[2] - box[0])


def test_the_file_is_the_one_of_its_name_and_its_card():
    content = WEIGHTS.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    assert WEIGHTS.stem == f'faces19-{digest[:8]}'
    assert digest in WEIGHTS.with_suffix('.md').read_text()
    assert len(content) <= 20_000_000


def test_the_page_has_its_points_in_their_order():
    page = (Path(__file__).parents[2] / 'docs' / 'faces19.md').read_text()
    names = list(read_checkpoint(str(WEIGHTS))['meta']['dataset_meta']['keypoint_id2name'].values())
    assert f'    {",".join(names)}\n' in page
    numbered = re.findall(r'\| (\d+) \| `(\w+)`', page)
    assert sorted((int(i), name) for i, name in numbered) == list(enumerate(names))


def test_model_by_name_finds_the_points_of_rendered_faces(faces):
    model = init_model('faces19', device='cpu')
    errors = []
    for file, box, points in faces:
        (sample,) = inference_topdown(model, file, [box])
        errors.append(nme(sample.pred_instances.keypoints[0], points, box))
    assert np.mean(errors) < 0.012


def test_landmarker_by_name_knows_where_a_detectors_boxes_lie(faces):
    landmarker = Landmarker('faces19', device='cpu')
    file, box, points = faces[0]
    (result,) = landmarker(cv2.imread(file), boxes=[box])
    assert nme(result.points[0], points, box) < 0.02
    assert landmarker.calibration.detectors['retinaface'].recall > 0.99


def test_adapted_weights_are_a_model_by_themselves(faces, tmp_path):
    file, box, points = faces[0]
    annotations = Path(file).parents[3] / 'annotations/face_landmarks_aflw_train.json'
    adapted = str(tmp_path / 'adapted.pth')
    adapt.main(['faces19', str(annotations), '--out', adapted])
    landmarker = Landmarker(adapted, device='cpu')
    assert landmarker.model.label_map is not None
    (result,) = landmarker(cv2.imread(file), boxes=[box])
    assert nme(result.points[0], points, box) < 0.02
    assert list(landmarker.calibration.detectors) == ['retinaface']
    assert landmarker.calibration.points_map is None  # it was of the former points


@pytest.mark.parametrize(
    ('pixel', 'option', 'is_told'),
    [
        (1, 0, True),
        pytest.param(0, 0, False, marks=pytest.mark.slow),
        pytest.param(1, 1, False, marks=pytest.mark.slow),
    ],
)
def test_adapt_tells_that_annotations_count_from_one(
    faces, tmp_path, capsys, pixel, option, is_told
):
    folder = Path(faces[0][0]).parents[3]
    content = json.loads((folder / 'annotations/face_landmarks_aflw_train.json').read_text())
    for face in content['annotations']:
        points = np.reshape(face['keypoints'], (-1, 3)) + np.array([pixel, pixel, 0])
        face['keypoints'] = points.ravel().tolist()
        face['center'] = [each + pixel for each in face['center']]
    annotations = tmp_path / 'mine.json'
    annotations.write_text(json.dumps(content))
    options = ['--images', str(folder / 'images'), '--first-pixel', str(option)]
    adapt.main(['faces19', str(annotations), '--out', str(tmp_path / 'out.pth'), *options])
    told = re.search(
        r'lie ([\d.]+) px to the right of and ([\d.]+) px below .* --first-pixel 1 takes',
        capsys.readouterr().out,
    )
    assert bool(told) == is_told
    if told:
        assert [float(each) for each in told.groups()] == pytest.approx([1, 1], abs=0.3)


def test_a_path_is_a_name_too(faces):
    file, box, points = faces[0]
    model = init_model(Path('faces19'), device='cpu')
    (sample,) = inference_topdown(model, file, [box])
    assert nme(sample.pred_instances.keypoints[0], points, box) < 0.02


def test_a_folder_of_that_name_is_in_nobodys_way(tmp_path, monkeypatch):
    (tmp_path / 'faces19').mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_weights('faces19') == str(WEIGHTS)
    init_model('faces19', device='cpu')


def test_info_and_predict_know_the_name(capsys):
    info.main(['faces19'])
    assert f'{WEIGHTS.name}, 19.9 MB' in capsys.readouterr().out
    words = ['faces19', 'adapted.pth', 'photo.jpg']
    args = predict.parse_args(words)
    assert (args.checkpoint, args.sources) == ('adapted.pth', ['photo.jpg'])
    args = predict.parse_args(['faces19', 'photo.jpg'])
    assert (args.checkpoint, args.sources) == (None, ['photo.jpg'])


def test_backbones_start_from_them():
    config = init_model('faces19', device='cpu').cfg.model.backbone
    config.init_cfg = {'type': 'Pretrained', 'checkpoint': 'faces19'}
    backbone = MODELS.build(config)
    backbone.init_weights()
    taken = init_model('faces19', device='cpu').backbone.state_dict()
    assert all(value.equal(taken[name]) for name, value in backbone.state_dict().items())
