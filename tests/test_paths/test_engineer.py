"""An engineer's way: a trained model in a program, and its results in what others read."""

import json
import runpy
import sys
from functools import partial

import cv2
import numpy as np
import pytest
from PIL import Image

from helpers.in_process import run_main
from helpers.processes import ROOT
from mmpose_lite import Landmarker
from mmpose_lite.apis import MMPoseInferencer, inference_topdown, init_model, to_coco_results
from mmpose_lite.cli.main import main as run_command
from mmpose_lite.datasets.coco_api import COCO


@pytest.fixture
def faces(face_set):
    """The annotations of the faces that the model has learnt, with their photographs."""
    content = json.loads((face_set / 'annotations/face_landmarks_aflw_train.json').read_text())
    return list(zip(content['images'], content['annotations'], strict=True))


def corners(face):
    (x, y), half = face['center'], face['box_size'] / 2
    return [x - half, y - half, x + half, y + half]


def test_photographs_in_and_results_out(tiny_config, trained, face_set, faces, tmp_path):
    model = init_model(tiny_config, trained.checkpoint, device='cpu')
    results, errors = [], []
    for image, face in faces:
        photo = Image.open(face_set / 'images' / image['file_name'])
        (found,) = inference_topdown(model, photo, [corners(face)])
        truth = np.reshape(face['keypoints'], (19, 3))[:, :2]
        distances = np.linalg.norm(found.pred_instances.keypoints[0] - truth, axis=1)
        errors.append(distances.mean() / face['box_size'])
        results += to_coco_results([found], image_id=image['id'])
    assert np.mean(errors) < 0.1  # of the box; a shape that is no face has several times as much

    path = tmp_path / 'results.json'
    path.write_text(json.dumps(results))
    truth = COCO(face_set / 'annotations/face_landmarks_aflw_train.json')
    again = truth.loadRes(str(path))
    assert len(again.getAnnIds()) == len(faces)


@pytest.fixture
def type_in(tmp_path, trained):
    """Type a command about the checkpoint, which holds its config."""

    def run(name, *others):
        return run_main(run_command, name, trained.checkpoint, *others, cwd=tmp_path)

    return run


@pytest.fixture
def photo(face_set, faces):
    """A photograph, the box of its face, and what ``--boxes`` reads of both."""
    image, face = faces[0]
    path = face_set / 'images' / image['file_name']
    return path, corners(face), json.dumps({path.name: [corners(face)]})


def lines_of(folder):
    return [json.loads(line) for line in (folder / 'predictions.jsonl').read_text().splitlines()]


def test_a_folder_by_each_way(tiny_config, trained, type_in, photo, tmp_path):
    path, box, text = photo
    model = init_model(tiny_config, trained.checkpoint, device='cpu')
    model.test_cfg = {**model.test_cfg, 'flip_test': False}
    (sample,) = inference_topdown(model, str(path), [box])
    is_same = partial(
        np.testing.assert_allclose, desired=sample.pred_instances.keypoints[0], atol=0.01
    )
    (tmp_path / 'photos').mkdir()
    (tmp_path / 'photos' / path.name).write_bytes(path.read_bytes())

    (result,) = Landmarker(trained.checkpoint, device='cpu')(path, boxes=[box])
    is_same(result.points[0])
    assert result.draw().shape == result.photograph.image.shape

    detector = {'det_model': lambda image: [[*box, 1.0]]}
    inferencer = MMPoseInferencer(tiny_config, str(trained.checkpoint), device='cpu', **detector)
    (found,) = inferencer(str(tmp_path / 'photos'), pred_out_dir=str(tmp_path / 'points'))
    is_same(found['predictions'][0][0]['keypoints'])

    (tmp_path / 'boxes.json').write_text(text)
    type_in('predict', 'photos', '--boxes', 'boxes.json', '--save', 'jsonl', 'pictures', 'csv')
    (line,) = lines_of(tmp_path / 'predictions')
    is_same([point[:2] for point in line['faces'][0]['points'].values()])
    assert (tmp_path / 'predictions/pictures').is_dir()


def test_a_video(type_in, photo, tmp_path):
    image = cv2.resize(cv2.imread(str(photo[0])), (96, 96))
    coder = cv2.VideoWriter.fourcc(*'mp4v')
    video = cv2.VideoWriter(str(tmp_path / 'talk.mp4'), coder, 25, (96, 96))
    for _ in range(3):
        video.write(image)
    video.release()
    type_in('predict', 'talk.mp4', '--whole-image')
    found = lines_of(tmp_path / 'predictions')
    assert [line['frame'] for line in found] == [0, 1, 2]
    assert all(len(line['faces'][0]['points']) == 19 for line in found)
    assert (tmp_path / 'predictions/talk.mp4').stat().st_size > 0


@pytest.mark.slow
def test_an_exported_file_in_a_program_of_its_own(type_in, photo, trained, tmp_path, capsys):
    for name in ('onnxscript', 'onnxruntime'):
        pytest.importorskip(name)
    path, box, _ = photo
    printed = type_in('export', '--out', 'exported')
    (file,) = (tmp_path / 'exported').glob('*.onnx')
    assert file.name in printed
    (result,) = Landmarker(trained.checkpoint, device='cpu')(path, boxes=[box])
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, 'argv', ['landmarks.py', str(file), str(path), *map(str, box)])
        runpy.run_path(str(ROOT / 'examples' / 'landmarks.py'), run_name='__main__')
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    places = np.array([line[1:3] for line in lines], float)
    distances = np.linalg.norm(places - result.points[0], axis=1)
    assert np.percentile(distances, 90) < 0.5
