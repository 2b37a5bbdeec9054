"""Descriptions of point sets: what they become, and what is refused."""

import json

import numpy as np
import pytest

from mmpose_lite.structures import config_root, metainfo, parse_pose_metainfo
from mmpose_lite.structures.metainfo import describe_points, find_moved

DESCRIPTIONS = config_root() / '_base_' / 'datasets'


def description(**changes):
    """Two eyes and a nose."""
    info = {
        'dataset_name': 'small',
        'keypoint_info': {
            0: {'name': 'left', 'id': 0, 'color': [1, 2, 3], 'type': 'upper', 'swap': 'right'},
            1: {'name': 'right', 'id': 1, 'color': [4, 5, 6], 'type': 'upper', 'swap': 'left'},
            2: {'name': 'nose', 'id': 2, 'color': [7, 8, 9], 'type': 'lower', 'swap': ''},
        },
        'skeleton_info': {0: {'link': ('left', 'nose'), 'id': 0, 'color': [9, 9, 9]}},
        'joint_weights': [1.0, 1.5, 2.0],
        'sigmas': [0.1, 0.2, 0.3],
    }
    return {**info, **changes}


def points(**changes):
    """The points of the description, with changes to the nose."""
    info = description()['keypoint_info']
    return {**info, 2: {**info[2], **changes}}


def test_parsed():
    meta = parse_pose_metainfo(description())
    assert meta['num_keypoints'] == 3
    assert meta['keypoint_id2name'] == {0: 'left', 1: 'right', 2: 'nose'}
    assert meta['keypoint_name2id'] == {'left': 0, 'right': 1, 'nose': 2}
    assert meta['upper_body_ids'] == [0, 1]
    assert meta['lower_body_ids'] == [2]
    assert meta['flip_indices'] == [1, 0, 2]
    assert sorted(meta['flip_pairs']) == [(0, 1), (1, 0)]
    assert meta['keypoint_colors'].tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert meta['skeleton_links'] == [(0, 2)]
    assert meta['num_skeleton_links'] == 1
    assert meta['skeleton_link_colors'].tolist() == [[9, 9, 9]]
    np.testing.assert_array_equal(meta['dataset_keypoint_weights'], [1, 1.5, 2])
    np.testing.assert_array_equal(meta['sigmas'], np.array([0.1, 0.2, 0.3], np.float32))


def test_a_point_may_be_its_own_mirror():
    own, silent = (
        parse_pose_metainfo(description(keypoint_info=points(swap=swap))) for swap in ('nose', '')
    )
    assert own['own_mirror_ids'] == [2]
    assert silent['own_mirror_ids'] == []
    assert own['flip_indices'] == silent['flip_indices'] == [1, 0, 2]
    assert own['flip_pairs'] == silent['flip_pairs']


def test_what_is_parsed_comes_back():
    meta = parse_pose_metainfo(description())
    assert parse_pose_metainfo(meta) is meta


@pytest.mark.parametrize('file', sorted(DESCRIPTIONS.glob('*.py')), ids=lambda file: file.stem)
def test_a_description_can_be_written_and_read_back(file):
    meta = parse_pose_metainfo({'from_file': str(file)})
    np.testing.assert_equal(
        parse_pose_metainfo(json.loads(json.dumps(describe_points(meta)))), meta
    )


def test_the_own_mirrors_and_links_are_written():
    for swap in ('nose', ''):
        meta = parse_pose_metainfo(description(keypoint_info=points(swap=swap)))
        np.testing.assert_equal(parse_pose_metainfo(describe_points(meta)), meta)


def test_aflw():
    """MMPose's indices, under the points' real names."""
    meta = parse_pose_metainfo({'from_file': 'configs/_base_/datasets/aflw.py'})
    mirror = [5, 4, 3, 2, 1, 0, 11, 10, 9, 8, 7, 6, 14, 13, 12, 17, 16, 15, 18]
    assert meta['flip_indices'] == mirror
    assert meta['dataset_keypoint_weights'].tolist() == [1] * 19
    names = meta['keypoint_id2name']
    assert (names[0], names[13], names[18]) == ('LeftBrowLeftCorner', 'NoseCenter', 'ChinCenter')
    for i, j in enumerate(mirror):
        if i != j:  # a mirror swaps left and right in every part of a name
            swapped = names[i].replace('Left', '#').replace('Right', 'Left').replace('#', 'Right')
            assert names[j] == swapped


@pytest.mark.parametrize(
    ('changes', 'error', 'message'),
    [
        ({'keypoint_info': points(swap='ear')}, ValueError, "'small': there is no point 'ear'"),
        (
            {'keypoint_info': points(swap='left')},
            ValueError,
            "'nose' names 'left' as its mirror, but that names 'right'",
        ),
        ({'keypoint_info': points(id=3)}, ValueError, "'small': point ids are not 0 to 2"),
        ({'keypoint_info': points(name='left')}, ValueError, "'small': two points bear one name"),
        ({'joint_weights': [1.0]}, ValueError, "'small': 3 points but 1 joint_weights"),
        (
            {'skeleton_info': {0: {'link': ('left', 'ear'), 'id': 0}}},
            ValueError,
            "'small': there is no point 'ear'",
        ),
    ],
)
def test_contradictions_are_named(changes, error, message):
    with pytest.raises(error, match=message):
        parse_pose_metainfo(description(**changes))


@pytest.mark.parametrize(
    'key', ['dataset_name', 'keypoint_info', 'skeleton_info', 'joint_weights', 'sigmas']
)
def test_a_missing_key_is_named(key):
    info = description()
    del info[key]
    with pytest.raises(KeyError, match=rf"lacks the keys \['{key}'\]"):
        parse_pose_metainfo(info)


def test_a_missing_file_names_both_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"from_file='configs/ears\.py'") as caught:
        parse_pose_metainfo({'from_file': 'configs/ears.py'})
    message = str(caught.value)
    assert str(tmp_path / 'configs' / 'ears.py') in message  # below the working directory
    assert message.count('ears.py') == 3  # and among the shipped ones


def test_files_of_the_user_s_own(tmp_path, monkeypatch):
    """By its path, or relative to the working directory; a shipped name is the shipped file."""
    own = tmp_path / 'configs' / '_base_' / 'datasets' / 'own.py'
    own.parent.mkdir(parents=True)
    own.write_text(f'dataset_info = {description()!r}')
    own.with_name('aflw.py').write_text(own.read_text())
    assert parse_pose_metainfo({'from_file': str(own)})['dataset_name'] == 'small'
    monkeypatch.chdir(tmp_path)
    names = {'own': 'small', 'aflw': 'aflw'}
    for name, wanted in names.items():
        meta = parse_pose_metainfo({'from_file': f'configs/_base_/datasets/{name}.py'})
        assert meta['dataset_name'] == wanted
    own.write_text('points = {}')
    with pytest.raises(KeyError, match=r"own\.py: no 'dataset_info'"):
        parse_pose_metainfo({'from_file': str(own)})


def test_a_file_is_executed_once_and_again_when_it_changes(tmp_path, monkeypatch):
    executed, read = [], metainfo.read_config_file
    values, opener = tmp_path / 'values.txt', tmp_path / 'opener.py'
    monkeypatch.setattr(metainfo, 'read_config_file', lambda p: executed.append(p.name) or read(p))
    base, own = tmp_path / 'base.py', tmp_path / 'own.py'
    for name in ('small', 'other'):
        base.write_text(f'dataset_info = {description(dataset_name=name)!r}')
        values.write_text(repr(description(dataset_name=name)))
        own.write_text("_base_ = ['base.py']")
        opener.write_text(
            f'f = open({str(values)!r})\ndataset_info = eval(f.read())\nf.close()\ndel f'
        )
        for path in (base, base, own, opener, opener):  # what others hold may change beside a file
            meta = parse_pose_metainfo({'from_file': str(path)})
            assert (meta['dataset_name'], meta['flip_indices']) == (name, [1, 0, 2])
            meta['flip_indices'].reverse()  # it is the caller's own
    assert executed == ['base.py', 'own.py', 'opener.py', 'opener.py'] * 2


@pytest.mark.parametrize(
    ('names', 'others', 'moved'),
    [
        (['nose', 'left', 'right'], ['Left', 'right', 'NOSE'], (0, 2)),
        (['nose', 'left'], ['chin', 'left'], None),
        (['1', '2', '3'], ['0', '1', '2'], None),
        ([], [], None),
        (['kpt-1', 'kpt-0', 'kpt-2'], ['kpt-0', 'kpt-1', 'kpt-2'], (0, 1)),
        (['lip_1_1', 'lip_11'], ['lip_1_1', 'lip_11'], None),  # one plain name
        (['wrist', 'chin', 'wrist'], ['wrist', 'chin', 'hand'], None),
    ],
)
def test_points_at_another_place_are_found_by_their_names(names, others, moved):
    assert find_moved(names, others) == moved
