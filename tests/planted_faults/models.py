"""Sabotages of networks, losses and inference."""

from .sabotage import Sabotage

SABOTAGES = [
    Sabotage(
        'the offsets of combined maps count everywhere',
        'mmpose_lite/models/losses/heatmap_loss.py',
        'counts = torch.cat([torch.ones_like(disc), disc, disc], dim=2)',
        'counts = torch.ones_like(target)',
        'tests/test_models/test_losses.py::test_combined_target',
    ),
    Sabotage(
        'a loss may mean other targets than its head',
        'mmpose_lite/models/heads/base_head.py',
        'if meant and not set.intersection(*map(set, meant.values())):',
        'if not meant:',
        'tests/test_models/test_heads.py::test_codec_head_and_loss_train_together_or_are_refused',
    ),
    Sabotage(
        'at the door a box without area is taken',
        'mmpose_lite/apis/inference.py',
        '        _refuse(table, wrong, fault)\n',
        '        pass\n',
        'tests/test_apis/test_inference.py::test_a_box_that_can_hold_no_face_is_refused',
    ),
    Sabotage(
        'at the door a frame without a face is one face',
        'mmpose_lite/apis/inference.py',
        'if bboxes is None:',
        'if bboxes is None or len(bboxes) == 0:',
        'tests/test_apis/test_inference.py::test_a_frame_without_a_face_has_none',
    ),
    Sabotage(
        'at the door pixels of any kind are taken',
        'mmpose_lite/apis/inference.py',
        'if pixels.dtype != np.uint8:',
        'if pixels.dtype == np.complex64:',
        'tests/test_apis/test_inference.py::test_what_is_no_photograph_is_refused',
    ),
    Sabotage(
        'at the door a photograph stays as a camera stored it',
        'mmpose_lite/apis/inference.py',
        "return {'exif': 'apply', **step} if is_loading and not ignores else step",
        'return step',
        'tests/test_apis/test_inference.py::test_photographs_of_a_turned_camera_are_turned_upright',
    ),
    Sabotage(
        'at the door layers that were put in later are not folded',
        'mmpose_lite/models/utils/fold_norms.py',
        'if len(modules) != len(self._modules) or not all(map(is_, modules, self._modules)):',
        'if not self._modules:',
        'tests/test_models/test_fold_norms.py::test_it_follows_whatever_is_done_to_the_weights',
    ),
    Sabotage(
        'at the door hooks of a folded model are passed over',
        'mmpose_lite/models/utils/fold_norms.py',
        'return bool(hooks) or module.training',
        'return module.training',
        'tests/test_models/test_fold_norms.py::test_where_others_look_on_nothing_is_folded',
    ),
    Sabotage(
        'at the door weights lie as they are built',
        'mmpose_lite/models/pose_estimators/base.py',
        'self.to(memory_format=torch.channels_last)',
        'pass',
        'tests/test_models/test_fold_norms.py::test_a_model_lies_channels_last_whoever_builds_it',
    ),
]
