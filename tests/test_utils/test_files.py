"""Files appear whole, and links that others have put in the way are not followed."""

import os
import stat

import pytest

from mmpose_lite.utils import files
from mmpose_lite.utils.files import remove_parts, replacing
from mmpose_lite.utils.paths import size_of_model


def put(path, content=b'new'):
    with replacing(path) as file:
        file.write(content)


def test_a_file_is_replaced_as_a_whole(tmp_path):
    path = tmp_path / 'a.json'
    put(path, b'old')

    def fail():
        with replacing(path) as file:
            file.write(b'half')
            raise OSError('disk full')

    with pytest.raises(OSError, match='disk full'):
        fail()
    assert path.read_bytes() == b'old'
    put(path)
    assert path.read_bytes() == b'new'
    assert os.listdir(tmp_path) == ['a.json']


def test_the_mode_is_that_of_any_new_file(tmp_path):
    (tmp_path / 'plain').write_bytes(b'')
    put(tmp_path / 'a')
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ('plain', 'a')]
    assert modes[0] == modes[1]


@pytest.mark.parametrize('goes_nowhere', [False, True])
def test_a_link_at_the_name_beside_is_not_followed(tmp_path, monkeypatch, goes_nowhere):
    """Even where somebody has guessed the name."""
    victim = tmp_path / 'victim'
    if not goes_nowhere:
        victim.write_bytes(b'mine')
    monkeypatch.setattr(files.secrets, 'token_hex', lambda _: 'guessed')
    (tmp_path / '.a.guessed.part').symlink_to(victim)
    with pytest.raises(FileExistsError):
        put(tmp_path / 'a')
    assert victim.exists() != goes_nowhere
    assert goes_nowhere or victim.read_bytes() == b'mine'


def test_names_beside_cannot_be_foreseen(tmp_path):
    names = set()
    for _ in range(3):
        with replacing(tmp_path / 'a'):
            names |= set(os.listdir(tmp_path)) - {'a'}
    assert len(names) == 3


def test_a_link_at_the_place_itself_is_replaced(tmp_path):
    (tmp_path / 'victim').write_bytes(b'mine')
    (tmp_path / 'a').symlink_to(tmp_path / 'victim')
    put(tmp_path / 'a')
    assert (tmp_path / 'victim').read_bytes() == b'mine'
    assert not (tmp_path / 'a').is_symlink()


def test_what_killed_writers_left_is_removed(tmp_path):
    for name in ('.a.crops.12ab.part', 'a.crops', '.b.crops.12ab.part', 'a.crops.lock'):
        (tmp_path / name).touch()
    remove_parts(tmp_path / 'a.crops')
    assert sorted(os.listdir(tmp_path)) == ['.b.crops.12ab.part', 'a.crops', 'a.crops.lock']


def test_only_openvino_has_its_weights_in_a_second_file(tmp_path):
    for suffix, size in (('.onnx', 5), ('.xml', 3), ('.bin', 10)):
        (tmp_path / f'a{suffix}').write_bytes(bytes(size))
    assert size_of_model(tmp_path / 'a.xml') == 13
    assert size_of_model(tmp_path / 'a.onnx') == 5  # the .bin is another file's
