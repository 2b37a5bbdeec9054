"""``mmpose-lite predict``: from photographs to files, by the command line."""

import json
import re
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from helpers.in_process import run_main
from mmpose_lite.cli.predict import FORMS, main
from mmpose_lite.inference.label_writers import WRITERS


@pytest.fixture
def photographs(face_set, tmp_path):
    """Two photographs with boxes in COCO's form, and a file that is none."""
    for name in ('face1.png', 'face2.png'):
        (tmp_path / name).write_bytes((face_set / 'images' / name).read_bytes())
    (tmp_path / 'face3.png').write_bytes(b'no image')
    return tmp_path


def lines_of(folder):
    text = (folder / 'predictions.jsonl').read_text(encoding='utf-8')
    return [json.loads(line) for line in text.splitlines()]


def test_every_form_is_offered():
    assert set(FORMS) == set(WRITERS)


def test_a_bad_file_is_named_the_others_are_done_and_the_exit_code_is_1(
    trained, photographs, face_set, capsys
):
    boxes = face_set / 'annotations' / 'face_landmarks_aflw_train.json'
    sources = [photographs / 'face[12].png', photographs / 'face3.png']
    with pytest.raises(SystemExit, match='1'):
        run_main(
            main, trained.checkpoint, *sources, '--boxes', boxes, '--device', 'cpu', cwd=photographs
        )
    err = capsys.readouterr().err
    assert f"error: image '{photographs / 'face3.png'}' is not an image" in err
    assert '1 of 3 photographs could not be used' in err
    out = photographs / 'predictions'
    first, second, bad = lines_of(out)
    assert [len(each['faces']) for each in (first, second)] == [1, 1]
    assert 'is not an image' in bad['error']
    assert {each.name for each in (out / 'pictures').iterdir()} == {'face1.jpg', 'face2.jpg'}


def test_points_are_near_the_truth_and_the_settings_are_printed(
    tiny_config, trained, photographs, face_set, boxes_of_first
):
    printed = run_main(
        main,
        *(tiny_config, trained.checkpoint, photographs / 'face1.png'),
        *('--boxes', boxes_of_first, '--save', 'jsonl', '--out', 'found'),
        cwd=photographs,
    )
    ((face,),) = [line['faces'] for line in lines_of(photographs / 'found')]
    content = json.loads(
        (face_set / 'annotations' / 'face_landmarks_aflw_train.json').read_text(encoding='utf-8')
    )
    truth = np.reshape(content['annotations'][1]['keypoints'], (19, 3))[:, :2]
    found = np.array(list(face['points'].values()))[:, :2]
    side = content['annotations'][1]['box_size']
    assert np.linalg.norm(found - truth, axis=1).mean() < 0.1 * side
    assert re.search(r'^1 face in 1 photograph$', printed, re.MULTILINE)
    assert 'flip test off' in printed
    assert [each.name for each in (photographs / 'found').iterdir()] == ['predictions.jsonl']


@pytest.fixture
def boxes_of_first(face_set, tmp_path):
    """A file of the first photograph's box, by its name."""
    content = json.loads(
        (face_set / 'annotations' / 'face_landmarks_aflw_train.json').read_text(encoding='utf-8')
    )
    face = content['annotations'][1]
    half = face['box_size'] / 2
    box = [c - half for c in face['center']] + [c + half for c in face['center']]
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps({'face1.png': [box]}), encoding='utf-8')
    return path


def test_results_until_a_crash_are_kept(trained, photographs, monkeypatch):
    from mmpose_lite.inference import writers

    def fail(self, result):
        if result.name.endswith('face2.png'):
            raise OSError('no space left')

    monkeypatch.setattr(writers.Pictures, 'write', fail)
    files = [photographs / 'face1.png', photographs / 'face2.png']
    arguments = (trained.checkpoint, *files, '--whole-image', '--device', 'cpu')
    with pytest.raises(OSError, match='no space left'):
        run_main(main, *arguments, '--save', 'jsonl', 'pictures', 'coco', cwd=photographs)
    out = photographs / 'predictions'
    assert [line['image'] for line in lines_of(out)] == ['face1.png', 'face2.png']
    content = json.loads((out / 'predictions_coco.json').read_text(encoding='utf-8'))
    assert [image['file_name'] for image in content['images']] == ['face1.png']


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['nowhere.pth', 'x.png'], "'nowhere.pth' does not exist"),
        (['CKPT', 'nowhere.png'], "'nowhere.png' does not exist"),
        (['CKPT', 'none*.png'], "no file matches the pattern 'none*.png'"),
        (['CONFIG', 'nowhere.pth', 'x.png'], "'nowhere.pth' does not exist"),
        (['CKPT', 'face1.png', '--detector', 'retina'], "detector='retina' is none"),
        (['CKPT', 'face1.png', '--boxes', 'nowhere.json'], "'nowhere.json' does not exist"),
    ],
)
def test_what_is_missing_is_one_line_before_anything_is_written(
    tiny_config, trained, photographs, arguments, message
):
    names = {'CKPT': trained.checkpoint, 'CONFIG': tiny_config}
    with pytest.raises(SystemExit) as end:
        run_main(main, *(names.get(each, each) for each in arguments), cwd=photographs)
    assert str(end.value).startswith('error: ')
    assert message in str(end.value)
    assert not (photographs / 'predictions').exists()


def test_a_config_needs_weights_and_photographs(tiny_config, trained, photographs, capsys):
    with pytest.raises(SystemExit, match='2'):
        run_main(main, tiny_config, trained.checkpoint, cwd=photographs)
    assert 'name its checkpoint, and then the photographs' in capsys.readouterr().err


def test_a_photograph_that_the_boxes_lack_is_named(trained, photographs, boxes_of_first, capsys):
    files = [photographs / 'face1.png', photographs / 'face2.png']
    with pytest.raises(SystemExit, match='1'):
        run_main(main, trained.checkpoint, *files, '--boxes', boxes_of_first, cwd=photographs)
    assert 'has no boxes for' in capsys.readouterr().err


def test_a_source_behind_save_is_no_format(trained, photographs, capsys):
    with pytest.raises(SystemExit, match='2'):
        run_main(main, trained.checkpoint, '--save', 'csv', 'face1.png', cwd=photographs)
    error = capsys.readouterr().err
    assert "'face1.png' is no format, a source: name the sources before --save" in error
    with pytest.raises(SystemExit, match='2'):
        run_main(main, trained.checkpoint, 'face1.png', '--save', 'cvs', cwd=photographs)
    assert "'cvs' is no format (pictures, jsonl, csv," in capsys.readouterr().err


def test_the_way_out_is_printed_where_no_face_was_found(trained, photographs, monkeypatch):
    nobody = SimpleNamespace(detect=lambda image: np.zeros((0, 5), np.float32))
    monkeypatch.setitem(sys.modules, 'nobody', nobody)
    arguments = (trained.checkpoint, photographs / 'face1.png', '--save', 'jsonl')
    printed = run_main(main, *arguments, '--detector', 'python:nobody', cwd=photographs)
    assert (
        'no face was found: are faces upright, and not tiny? --detector retinaface:1280' in printed
    )
    printed = run_main(main, *arguments, '--whole-image', cwd=photographs)
    assert 'no face was found' not in printed


def test_points_below_the_threshold_are_not_drawn(trained, photographs):
    file = photographs / 'face1.png'
    for conf in ('0', '2'):
        run_main(
            main,
            *(trained.checkpoint, file, '--whole-image', '--save', 'pictures', 'coco'),
            *('--conf', conf, '--out', conf),
            cwd=photographs,
        )
    drawn, bare = (cv2.imread(str(photographs / c / 'pictures' / 'face1.jpg')) for c in '02')
    assert (drawn != bare).any()
    content = json.loads((photographs / '2' / 'predictions_coco.json').read_text(encoding='utf-8'))
    assert content['annotations'][0]['keypoints'][2::3] == [1] * 19


def test_results_below_the_folder_are_no_photographs_of_the_next_run(trained, photographs, capsys):
    (photographs / 'face3.png').unlink()
    arguments = (trained.checkpoint, '.', '--whole-image', '--save', 'jsonl', 'crops')
    for _ in range(2):
        printed = run_main(main, *arguments, cwd=photographs)
        assert '2 faces in 2 photographs' in printed
    printed = run_main(main, trained.checkpoint, 'predictions', '--whole-image', cwd=photographs)
    assert '2 faces in 2 photographs' in printed


def test_ctrl_c_keeps_what_is_done(trained, photographs, monkeypatch, capsys):
    from mmpose_lite.inference import writers

    def stop(self, result):
        raise KeyboardInterrupt

    monkeypatch.setattr(writers.Pictures, 'write', stop)
    arguments = (trained.checkpoint, photographs / 'face1.png', '--whole-image')
    with pytest.raises(SystemExit, match='130'):
        run_main(main, *arguments, '--save', 'jsonl', 'pictures', cwd=photographs)
    assert 'stopped; what was done is in predictions' in capsys.readouterr().err
    assert [line['image'] for line in lines_of(photographs / 'predictions')] == ['face1.png']
