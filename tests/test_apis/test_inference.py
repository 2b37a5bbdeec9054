"""Models in other people's programs."""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import MMLogger
from PIL import Image

from mmpose_lite.apis import inference_topdown, init_model, load_config
from mmpose_lite.apis.inference import dataset_meta_from_config
from mmpose_lite.checkpoints import read_checkpoint
from mmpose_lite.errors import InputError
from mmpose_lite.registry import MODELS

BOX = [20.0, 10.0, 90.0, 80.0]


@pytest.fixture(scope='module')
def model(tiny_config, trained):
    return init_model(tiny_config, str(trained.checkpoint), device='cpu')


@pytest.fixture(scope='module')
def photo(face_set):
    return str(face_set / 'images' / 'face1.png')


def points(samples):
    return np.concatenate([sample.pred_instances.keypoints for sample in samples])


def test_model_is_ready(model):
    assert not model.training
    assert model.dataset_meta['dataset_name'] == 'aflw'
    assert model.cfg.model.head.out_channels == 19


def test_an_image_and_its_file_give_the_same(model, photo):
    by_file = inference_topdown(model, photo, [BOX])
    by_pixels = inference_topdown(model, cv2.imread(photo), [BOX])
    assert by_file[0].pred_instances.keypoints.shape == (1, 19, 2)
    np.testing.assert_array_equal(points(by_file), points(by_pixels))
    assert by_file[0].img_path == photo


def test_boxes_in_any_form(model, photo):
    one = points(inference_topdown(model, photo, [BOX]))
    xywh = [20.0, 10.0, 70.0, 70.0]
    np.testing.assert_array_equal(
        points(inference_topdown(model, photo, [xywh], bbox_format='xywh')), one
    )
    np.testing.assert_array_equal(points(inference_topdown(model, photo, np.array([BOX]))), one)
    with pytest.raises(ValueError, match='cxcywh'):
        inference_topdown(model, photo, [BOX], bbox_format='cxcywh')


def test_a_face_does_not_depend_on_the_others(model, photo):
    boxes = [[20.0 + i, 10.0, 90.0 + i, 80.0] for i in range(3)]
    together = inference_topdown(model, photo, boxes)
    alone = [inference_topdown(model, photo, [box])[0] for box in boxes]
    np.testing.assert_allclose(points(together), points(alone), atol=1e-3)
    assert [sample.gt_instances.bboxes[0].tolist() for sample in together] == boxes


def test_without_boxes_the_whole_image_is_the_face_and_is_said_once(model, photo, caplog):
    height, width = cv2.imread(photo).shape[:2]
    whole = points(inference_topdown(model, photo, [[0, 0, width, height]]))
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    for _ in range(2):
        np.testing.assert_array_equal(points(inference_topdown(model, photo)), whole)
    logger.removeHandler(caplog.handler)
    (said,) = caplog.messages
    assert 'the whole image is treated as one face' in said


@pytest.mark.parametrize('none', [[], (), np.zeros((0, 4)), np.zeros((0, 5)), torch.zeros(0, 4)])
def test_a_frame_without_a_face_has_none(model, photo, none):
    assert inference_topdown(model, photo, none) == []


@pytest.mark.parametrize('count', [1, 4, 5])
def test_scores_of_boxes_stay_with_them(model, photo, count):
    boxes = np.array([[*BOX, 0.5 + 0.05 * i] for i in range(count)])
    found = inference_topdown(model, photo, boxes)
    wanted = points(inference_topdown(model, photo, [BOX]))
    np.testing.assert_array_equal(points(found), np.repeat(wanted, count, axis=0))
    scores = [sample.pred_instances.bbox_scores.tolist() for sample in found]
    assert scores == boxes[:, 4:].astype(np.float32).tolist()
    boxes[:, 2:4] -= boxes[:, :2]
    xywh = inference_topdown(model, photo, torch.from_numpy(boxes), bbox_format='xywh')
    np.testing.assert_array_equal(points(xywh), points(found))


@pytest.mark.parametrize(
    ('boxes', 'message'),
    [
        ([BOX, [20, 10, np.nan, 80]], r'bboxes\[1\]=\[20, 10, nan, 80\] is not finite'),
        ([[0, 0, np.inf, 9]], 'is not finite'),
        ([[-1e30, -1e30, 1e30, 1e30]], 'beyond any image'),
        ([[-1e4, -1e4, 1e4, 1e4]], '16 images wide'),
        ([[90, 10, 20, 80]], "no area as xyxy.* bbox_format='xywh'"),
        ([[20, 10, 20, 80]], 'no area'),
        ([[0.2, 0.1, 0.9, 0.8]], 'count pixels, not shares'),
        ([[500, 10, 600, 80]], 'outside the image, which has 112x105 pixels'),
        ([[20, -80, 90, 0]], 'outside the image'),
        ([[*BOX, 80]], r'bboxes\[0\]=.* has a score'),
        ([[1, *BOX]], 'has a score'),  # a number of its own before each box
        ([[*BOX, 0.9, 0]], r'bboxes are \(1, 6\), .* \(N, 5\) with scores'),
        ([*BOX, *BOX], r'bboxes are \(8,\)'),
        ([[[*BOX]]], r'bboxes are \(1, 1, 4\)'),
        ([[]], r'bboxes are \(1, 0\)'),
        ([BOX, BOX[:3]], 'cannot be read as numbers'),
        ([['20', '10', '90', '80']], 'must be numbers'),
    ],
)
def test_a_box_that_can_hold_no_face_is_refused(model, photo, boxes, message):
    with pytest.raises(InputError, match=message):
        inference_topdown(model, photo, boxes)


def test_a_photograph_in_any_form_gives_the_points_of_its_file(model, photo):
    bgr = cv2.imread(photo)
    rgb, alpha = bgr[..., ::-1], np.full(bgr.shape[:2], 128, np.uint8)
    read_only = bgr.copy()
    read_only.flags.writeable = False
    forms = {
        'read-only': inference_topdown(model, read_only, [BOX]),
        'every other column': inference_topdown(model, np.repeat(bgr, 2, axis=1)[:, ::2], [BOX]),
        'column by column': inference_topdown(model, np.asfortranarray(bgr), [BOX]),
        'BGRA': inference_topdown(model, np.dstack([bgr, alpha]), [BOX]),
        'RGB': inference_topdown(model, rgb, [BOX], color='rgb'),
        'RGBA': inference_topdown(model, np.dstack([rgb, alpha]), [BOX], color='rgb'),
        "PIL's file": inference_topdown(model, Image.open(photo), [BOX]),
        "PIL's RGBA": inference_topdown(model, Image.open(photo).convert('RGBA'), [BOX]),
        'a Path': inference_topdown(model, Path(photo), [BOX]),
    }
    wanted = points(inference_topdown(model, photo, [BOX]))
    for form, found in forms.items():
        np.testing.assert_array_equal(points(found), wanted, err_msg=form)
    blue_for_red = points(inference_topdown(model, rgb, [BOX]))
    assert not np.array_equal(blue_for_red, wanted)


def test_grey_in_any_form_gives_the_points_of_its_file(model, photo, tmp_path):
    grey = cv2.imread(photo, cv2.IMREAD_GRAYSCALE)
    deep = grey.astype(np.uint16) * 256 + 255
    files = {'grey.png': grey, 'deep.png': deep}
    for name, pixels in files.items():
        cv2.imwrite(str(tmp_path / name), pixels)
    pil = Image.fromarray(grey)
    forms = [grey, grey[..., None], np.dstack([grey] * 3), pil]
    forms += [pil.convert(mode) for mode in ('P', 'LA', 'RGBX')]
    forms += [tmp_path / 'deep.png', Image.open(tmp_path / 'deep.png')]
    wanted = points(inference_topdown(model, tmp_path / 'grey.png', [BOX]))
    for form in forms:
        np.testing.assert_array_equal(points(inference_topdown(model, form, [BOX])), wanted)


# How a camera stores what is upright, by the orientation that it notes.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize('orientation', STORED)
def test_photographs_of_a_turned_camera_are_turned_upright(model, photo, tmp_path, orientation):
    with Image.open(photo) as upright:
        stored = upright.convert('RGB').transpose(STORED[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / 'turned.png', exif=exif)
    wanted = points(inference_topdown(model, photo, [BOX]))
    with Image.open(tmp_path / 'turned.png') as turned:
        for form in (tmp_path / 'turned.png', turned):
            np.testing.assert_array_equal(points(inference_topdown(model, form, [BOX])), wanted)


@pytest.mark.parametrize(
    'setting', [{'exif': 'ignore'}, {'color_type': 'color_ignore_orientation'}]
)
def test_a_config_may_have_photographs_as_they_are_stored(tiny_config, tmp_path, photo, setting):
    cfg = load_config(tiny_config)
    cfg.test_dataloader.dataset.pipeline[0].update(setting)
    other = init_model(cfg, device='cpu')
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(photo) as stored:
        stored.convert('RGB').save(tmp_path / 'turned.png', exif=exif)
    (found,) = inference_topdown(other, tmp_path / 'turned.png', [BOX])
    assert found.ori_shape == cv2.imread(photo).shape[:2]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda bgr: None, 'img is None.* cv2.imread'),
        (lambda bgr: bgr.transpose(2, 0, 1), r'channels come first, img.transpose\(1, 2, 0\)'),
        (lambda bgr: bgr / np.float32(255), r'img is float32 .* must be uint8.* \(img \* 255\)'),
        (lambda bgr: bgr.astype(np.float64), 'img is float64 .* must be uint8'),
        (lambda bgr: bgr.astype(np.uint16), r'img is uint16 .* must be uint8.* \(img >> 8\)'),
        (lambda bgr: bgr[None], 'one photograph at a time'),
        (lambda bgr: [bgr, bgr], 'img is a list of 2.* one photograph at a time'),
        (lambda bgr: bgr[..., :2], r'img is uint8 .* must be \(H, W, 3\)'),
        (lambda bgr: bgr[:0], 'no pixels'),
        (lambda bgr: torch.from_numpy(bgr), 'img is a tensor'),
        (lambda bgr: b'bytes', 'img is bytes'),
        (lambda bgr: Image.fromarray(bgr[..., 0].astype(np.int32)), "mode 'I'"),
        (lambda bgr: 'nowhere.png', "'nowhere.png' does not exist"),
    ],
)
def test_what_is_no_photograph_is_refused(model, photo, change, message):
    with pytest.raises(InputError, match=message):
        inference_topdown(model, change(cv2.imread(photo)), [BOX])


def test_a_path_that_leads_to_no_image_is_refused(model, photo, tmp_path):
    os.mkfifo(tmp_path / 'pipe.png')
    (tmp_path / 'cut.png').write_bytes(Path(photo).read_bytes()[:200])
    for path in (tmp_path, tmp_path / 'pipe.png', tmp_path / 'cut.png'):
        with pytest.raises(InputError, match=path.name):
            inference_topdown(model, path, [BOX])
    with (
        Image.open(tmp_path / 'cut.png') as cut,
        pytest.raises(InputError, match="a PIL image in mode 'RGB'"),
    ):
        inference_topdown(model, cut, [BOX])


def test_a_model_without_a_pipeline_is_refused(tiny_config, photo):
    bare = MODELS.build(load_config(tiny_config).model)
    with pytest.raises(InputError, match=r'no cfg\.test_dataloader\.dataset\.pipeline'):
        inference_topdown(bare, photo, [BOX])


def test_an_unknown_order_of_channels_is_refused(model, photo):
    with pytest.raises(InputError, match="color='grey' is not one of bgr, rgb"):
        inference_topdown(model, photo, [BOX], color='grey')


def test_a_broken_photograph_is_named(model, tmp_path):
    (tmp_path / 'broken.jpg').write_bytes(b'no image')
    with pytest.raises(InputError, match=r'broken\.jpg'):
        inference_topdown(model, tmp_path / 'broken.jpg')


def test_weights_without_a_run_are_taken(tiny_config, trained, tmp_path, model, photo):
    """A bare state dict, as other programs save it; the config describes the points."""
    bare = tmp_path / 'bare.pth'
    torch.save(torch.load(trained.checkpoint, weights_only=True)['state_dict'], bare)
    other = init_model(tiny_config, str(bare), device='cpu')
    assert other.dataset_meta['num_keypoints'] == 19
    wanted = points(inference_topdown(model, photo, [BOX]))
    np.testing.assert_array_equal(points(inference_topdown(other, photo, [BOX])), wanted)


def test_options_and_forms_of_a_config(tiny_config):
    options = {'model.test_cfg.flip_test': False}
    by_file = init_model(str(tiny_config), device='cpu', cfg_options=options)
    by_config = init_model(load_config(tiny_config), device='cpu', cfg_options=options)
    assert by_file.test_cfg['flip_test'] is by_config.test_cfg['flip_test'] is False
    with pytest.raises(TypeError, match='dict'):
        init_model({'model': {}})


def test_weights_that_do_not_fit_are_refused(tiny_config, trained):
    options = {'model.head.out_channels': 5}
    with pytest.raises(ValueError, match=r'head\.final_layer\.bias'):
        init_model(tiny_config, str(trained.checkpoint), device='cpu', cfg_options=options)


def test_points_of_a_checkpoint_are_described_whole_or_not_at_all(tiny_config, trained, tmp_path):
    content = read_checkpoint(str(trained.checkpoint))
    meta = content['meta']['dataset_meta']
    names = {i: f'point {i}' for i in range(19)}

    def described(by):
        path = tmp_path / 'described.pth'
        torch.save({'state_dict': content['state_dict'], 'meta': {'dataset_meta': by}}, path)
        return init_model(tiny_config, str(path), device='cpu').dataset_meta

    renamed = {**meta, 'keypoint_id2name': names}
    assert described(renamed)['keypoint_id2name'] == names
    # Of a network for something else; the config has the points.
    assert described({'classes': ['cat']})['keypoint_id2name'] == meta['keypoint_id2name']
    for lacking in (['flip_indices', 'flip_pairs'], ['keypoint_id2name']):
        partial = {key: renamed[key] for key in renamed if key not in lacking}
        with pytest.raises(
            InputError, match=rf'described\.pth.*dataset_meta.*{", ".join(lacking)}'
        ):
            described(partial)


def test_points_of_a_config(tiny_config):
    cfg = load_config(tiny_config)
    assert dataset_meta_from_config(cfg)['num_keypoints'] == 19
    own = {'dataset_name': 'own', 'num_keypoints': 3, 'flip_indices': [0, 2, 1]}
    cfg.test_dataloader.dataset.metainfo = own
    assert dataset_meta_from_config(cfg, 'test')['dataset_name'] == 'own'
    with pytest.raises(ValueError, match='training'):
        dataset_meta_from_config(cfg, 'training')
    with pytest.raises(ValueError, match='test_dataloader'):
        dataset_meta_from_config(Config(), 'test')
