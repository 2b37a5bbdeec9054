"""Metadata of a report."""

from mmpose_lite.reporting.dumping import resolved_sha256

CONFIG = {
    'model': {'type': 'TopdownPoseEstimator', 'test_cfg': {'flip_test': True, 'shape': (4, 5)}},
    'default_hooks': {'visualization': {'out_dir': 'a'}},
    'work_dir': 'runs/1',
    'load_from': 'a.pth',
}


def test_the_hash_of_a_resolved_config_is_that_of_its_values():
    test_cfg = {'shape': [4, 5], 'flip_test': True}
    same = {
        'load_from': 'b.pth',
        'launcher': 'slurm',
        'default_hooks': {'visualization': {'out_dir': 'b'}},
        'model': {'test_cfg': test_cfg, 'type': 'TopdownPoseEstimator'},
    }
    assert resolved_sha256(same) == resolved_sha256(CONFIG)
    test_cfg['flip_test'] = False
    assert resolved_sha256(same) != resolved_sha256(CONFIG)


def test_what_json_does_not_know_is_hashed_by_its_text():
    assert resolved_sha256({'a': {1: complex(1, 2)}}) != resolved_sha256({'a': {1: complex(1, 3)}})
