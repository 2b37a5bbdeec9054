"""Two parts of a set of photographs by a hash of their names."""

import json

import pytest

from helpers.data_factory import ANNOTATIONS, make_face_set, write_annotations
from mmpose_lite.data_tools.checks import check_splits, find_splits
from mmpose_lite.datasets import AFLWDataset
from mmpose_lite.datasets.datasets.base.split import TrainValSplit
from mmpose_lite.errors import InputError

# The first 8 bytes of each name's SHA-256 modulo 10,000, by sha256sum.
BUCKETS = {
    'face0.png': 3220,
    '0/image00002.jpg': 3772,
    '3/image65000.jpg': 1044,
    'a face é.png': 3902,
}


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    return make_face_set(tmp_path_factory.mktemp('faces'), train=16, test=4)


def load(root, part=None, share=0.5, split='train', **kwargs):
    parts = {'part': part, 'val_share': share} if part else None
    settings = {'train_val_split': parts, **kwargs}
    return AFLWDataset(
        data_root=str(root),
        ann_file=ANNOTATIONS.format(split),
        data_prefix={'img': 'images/'},
        **settings,
    )


def names(dataset):
    return [dataset.get_data_info(i)['img_path'].rpartition('/')[2] for i in range(len(dataset))]


@pytest.mark.parametrize('name', BUCKETS)
def test_a_name_belongs_to_one_part_for_ever(name):
    share = (BUCKETS[name] + 1) / 10_000
    assert TrainValSplit('val', share).has(name)
    assert not TrainValSplit('train', share).has(name)
    assert TrainValSplit('train', BUCKETS[name] / 10_000).has(name)


def test_parts_have_every_face_once_and_keep_their_order(root):
    whole, train, val = names(load(root)), names(load(root, 'train')), names(load(root, 'val'))
    assert sorted(train + val) == sorted(whole)
    assert [name for name in whole if name in train] == train
    assert min(len(train), len(val)) >= 4


@pytest.mark.parametrize('name', BUCKETS)
def test_the_test_part_is_of_the_last_numbers(name):
    share = 1 - BUCKETS[name] / 10_000
    assert TrainValSplit('test', 0.01, share).has(name)
    assert not TrainValSplit('train', 0.01, share).has(name)
    assert TrainValSplit('train', 0.01, share - 0.0001).has(name)
    # Neither share moves a photograph of the other.
    assert TrainValSplit('test', 0.09, share).has(name)
    val = (BUCKETS[name] + 1) / 10_000
    assert TrainValSplit('val', val, 0.01).has(name)
    assert TrainValSplit('val', val, 0.5 - val / 2).has(name)


def test_three_parts_have_every_face_once(root):
    shares = {'val_share': 0.3, 'test_share': 0.3}
    parts = [
        names(load(root, train_val_split={'part': part, **shares}))
        for part in ('train', 'val', 'test')
    ]
    assert sorted(name for part in parts for name in part) == sorted(names(load(root)))
    assert min(map(len, parts)) >= 2


def test_the_share_is_that_of_many_photographs():
    split = TrainValSplit('val', 0.1)
    share = sum(split.has(f'0/image{i:05d}.jpg') for i in range(20_000)) / 20_000
    assert share == pytest.approx(0.1, abs=0.007)  # three standard deviations


def test_faces_of_one_photograph_are_in_one_part(tmp_path, root):
    content = json.loads((root / ANNOTATIONS.format('train')).read_text())
    pairs = list(zip(content['images'], content['annotations'], strict=True))
    for (image, _), (_, second) in zip(pairs[::2], pairs[1::2], strict=True):
        second['image_id'] = image['id']
    (tmp_path / 'images').symlink_to(root / 'images')
    write_annotations(tmp_path, 'train', pairs)
    for part in ('train', 'val'):
        found = names(load(tmp_path, part))
        assert found
        assert all(found.count(name) == 2 for name in found)


PERSON = r'^(?:.*/)?(.+)_\d+\.png$'


@pytest.fixture(scope='module')
def frames(tmp_path_factory, root):
    """Four frames each of twelve people, who are the last folder or word of a name."""
    folder = tmp_path_factory.mktemp('frames')
    (folder / 'images').mkdir()
    content = json.loads((root / ANNOTATIONS.format('train')).read_text())
    face = content['annotations'][0]
    pairs = []
    for i in range(48):
        name = f'person{i % 12:02d}_x_{i // 12}.png'
        (folder / 'images' / name).symlink_to(root / 'images' / content['images'][0]['file_name'])
        image = {**content['images'][0], 'id': i, 'file_name': name}
        pairs.append((image, {**face, 'id': i, 'image_id': i}))
    write_annotations(folder, 'train', pairs)
    return folder


def people(dataset):
    return {name.partition('_')[0] for name in names(dataset)}


def test_a_group_is_in_one_part(frames):
    parts = [
        load(frames, train_val_split={'part': part, 'val_share': 0.5, 'group': PERSON})
        for part in ('train', 'val')
    ]
    assert sum(map(len, parts)) == 48
    assert people(parts[0]) | people(parts[1]) == {f'person{i:02d}' for i in range(12)}
    assert not people(parts[0]) & people(parts[1])
    # By photograph, the same faces show everybody on both sides.
    assert people(load(frames, 'train')) & people(load(frames, 'val'))


def test_the_number_is_that_of_the_text_in_brackets():
    share = (BUCKETS['face0.png'] + 1) / 10_000
    assert TrainValSplit('val', share, group='/(.+)').has('any folder/face0.png')
    assert not TrainValSplit('val', share - 0.0001, group='/(.+)').has('other/face0.png')


@pytest.mark.parametrize('group', [r'(nobody)_\d', r'(nobody)?person'])
def test_an_image_without_a_group_is_refused(frames, group):
    with pytest.raises(InputError) as error:
        load(frames, train_val_split={'part': 'val', 'group': group})
    said = str(error.value)
    assert 'face_landmarks_aflw_train.json: train_val_split.group=' in said
    assert "finds nothing in the image name 'person00_x_0.png'" in said


def check(folder, **split):
    dataset = {
        'type': 'AFLWDataset',
        'data_root': str(folder),
        'ann_file': ANNOTATIONS.format('train'),
        'data_prefix': {'img': 'images/'},
    }
    cfg = {
        f'{part}_dataloader': {'dataset': {**dataset, 'train_val_split': {'part': part, **split}}}
        for part in ('train', 'val')
    }
    return check_splits(find_splits(cfg))


def test_a_check_says_that_frames_are_split_one_by_one(frames, root):
    notes = [each for each in check(frames, val_share=0.5).findings if each.kind == 'set']
    assert '48 names of photographs are 12 but for a number' in notes[0].problem
    assert not notes[0].is_fault
    for quiet in (check(frames, val_share=0.5, group=PERSON), check(root, val_share=0.5)):
        assert not [each for each in quiet.findings if 'but for a number' in each.problem]


def test_a_check_finds_a_group_that_an_image_lacks(frames):
    (fault,) = [each for each in check(frames, group='(nobody)').faults if each.kind == 'set']
    assert 'finds nothing in the image name' in fault.problem


def test_a_smaller_share_takes_from_the_same_photographs(root):
    assert set(names(load(root, 'val', 0.3))) < set(names(load(root, 'val', 0.6)))


@pytest.mark.parametrize(
    ('settings', 'said'),
    [
        ({'val_share': 0.1}, 'must be a dict of part'),
        ({'part': 'test'}, "{'part': 'test'}: the test part needs a test_share"),
        ({'part': 'tset'}, "{'part': 'tset'} must be a dict of part"),
        ({'part': 'val', 'test_share': 0.9}, 'test_share=0.9 must be from 0 on, and leave'),
        ({'part': 'val', 'test_share': -0.1}, 'test_share=-0.1'),
        ({'part': 'val', 'test_share': None}, 'test_share=None'),
        ({'part': 'val', 'seed': 1}, 'must be a dict of part'),
        (0.1, 'train_val_split=0.1'),
        ({'part': 'val', 'val_share': 0}, 'train_val_split.val_share=0 must be between'),
        ({'part': 'val', 'val_share': 1.0}, 'val_share=1.0'),
        ({'part': 'val', 'val_share': True}, 'val_share=True'),
        ({'part': 'val', 'val_share': '0.1'}, "val_share='0.1'"),
        ({'part': 'val', 'group': '(a'}, "group='(a' is not a regular expression: missing )"),
        ({'part': 'val', 'group': 'face'}, "group='face' has 0 groups in brackets"),
        ({'part': 'val', 'group': '(a)(b)'}, "group='(a)(b)' has 2 groups in brackets"),
        ({'part': 'val', 'group': 1}, 'group=1 is not text'),
    ],
)
def test_wrong_settings_are_named(settings, said):
    with pytest.raises(InputError) as error:
        TrainValSplit.of(settings)
    assert said in str(error.value)


def test_a_part_without_a_face_is_refused(root):
    with pytest.raises(InputError, match=r'face_landmarks_aflw_train.json: .*has none of its 16'):
        load(root, 'val', 0.0001)


def test_a_subset_outside_of_the_part_is_refused_and_says_so(root):
    inside = load(root, 'val').get_data_info(0)['id']
    held = load(root, 'val', subsets={'some': [inside]})
    assert 'some' in held.get_data_info(0)['subsets']
    with pytest.raises(InputError, match=r"subsets\['some'\] has no face .*train_val_split: train"):
        load(root, 'train', subsets={'some': [inside]})


def test_parts_have_crops_of_their_own(root, tmp_path, capsys, as_new_process):
    steps = [
        {'type': 'LoadImage'},
        {'type': 'GetBBoxCenterScale'},
        {'type': 'TopdownAffine', 'input_size': (32, 32)},
        {'type': 'PackPoseInputs'},
    ]
    settings = {'pipeline': steps, 'cache': str(tmp_path / 'crops')}
    fewest = min(len(load(root, part)) for part in ('train', 'val'))
    # As many faces, but not the same ones: each file keeps its name, and none is built anew.
    for _ in range(2):
        parts = [load(root, part, indices=fewest, **settings) for part in ('train', 'val')]
        assert [len(dataset.crops.file) for dataset in parts] == [fewest, fewest]
        assert not set(names(parts[0])) & set(names(parts[1]))
    assert len(list((tmp_path / 'crops').glob('*.crops'))) == 2
    assert capsys.readouterr().out.count('MB per 1,000 faces') == 2


def test_a_check_reads_the_file_once_and_as_a_whole(root):
    report = check(root)
    assert [(split['name'], split['faces']) for split in report.splits] == [('train, val', 16)]
    assert not report.faults
