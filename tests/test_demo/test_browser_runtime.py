"""onnxruntime-web from a registry, the cache, a file or a folder; nothing is fetched here."""

import io
import json
import tarfile
from urllib.error import URLError

import pytest

from mmpose_lite.demo import browser_runtime
from mmpose_lite.demo.browser_runtime import FILES, cached_tarball, find_runtime
from mmpose_lite.errors import InputError


def make_tarball(name='onnxruntime-web', without=None):
    """The bytes of a package."""
    package = json.dumps({'name': name, 'version': '9.9.9'}).encode()
    contents = {'package.json': package, **{f'dist/{each}': each.encode() for each in FILES}}
    contents.pop(without, None)
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode='w:gz') as archive:
        for path, content in contents.items():
            entry = tarfile.TarInfo(f'package/{path}')
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A registry that has a package, whose hash is known; it lists what is asked of it."""
    tarball = make_tarball()
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    monkeypatch.delenv('NPM_CONFIG_REGISTRY', raising=False)
    monkeypatch.setattr(browser_runtime, '_INTEGRITY', browser_runtime._integrity(tarball))
    asked = []

    def answer(address, timeout):
        asked.append(address)
        return io.BytesIO(tarball)

    monkeypatch.setattr(browser_runtime, 'urlopen', answer)
    return asked


def test_it_is_fetched_once(registry):
    for _ in range(2):
        found = find_runtime()
        assert found.version == '9.9.9'
        assert found.files == {name: name.encode() for name in FILES}
    version = browser_runtime.VERSION
    address = f'https://registry.npmjs.org/onnxruntime-web/-/onnxruntime-web-{version}.tgz'
    assert registry == [address]
    cached_tarball().write_bytes(b'cut')
    find_runtime()
    assert registry == [address] * 2


def test_another_registry_and_a_cache_that_cannot_be_written(registry, monkeypatch, tmp_path):
    monkeypatch.setenv('NPM_CONFIG_REGISTRY', 'https://mirror.test/npm/')
    (tmp_path / 'cache').write_text('a file')
    assert find_runtime().version == '9.9.9'
    assert registry[0].startswith('https://mirror.test/npm/onnxruntime-web/-/')


def test_what_was_not_published_is_refused(registry, monkeypatch):
    monkeypatch.setattr(browser_runtime, '_INTEGRITY', 'sha512-other')
    with pytest.raises(InputError, match='is not what was published as onnxruntime-web'):
        find_runtime()
    assert not cached_tarball().exists()


def test_without_a_network_the_message_says_what_to_do(registry, monkeypatch):
    def fail(address, timeout):
        raise URLError('no route')

    monkeypatch.setattr(browser_runtime, 'urlopen', fail)
    with pytest.raises(InputError, match=r'cannot be fetched: .*npm pack onnxruntime-web@[\d.]+'):
        find_runtime()


def test_a_file_or_a_folder_that_is_named(tmp_path, registry):
    (tmp_path / 'a.tgz').write_bytes(make_tarball())
    with tarfile.open(tmp_path / 'a.tgz') as archive:
        archive.extractall(tmp_path, filter='data')
    for place in ('a.tgz', '.', 'package'):
        assert find_runtime(tmp_path / place).version == '9.9.9'
    assert registry == []


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (make_tarball(name='left-pad'), 'is the package left-pad, and not onnxruntime-web'),
        (make_tarball(without=f'dist/{FILES[0]}'), f'lacks a file of .*{FILES[0]}'),
        (b'text', 'is not a file of "npm pack onnxruntime-web"'),
    ],
)
def test_another_file_is_refused(content, message, tmp_path):
    (tmp_path / 'a.tgz').write_bytes(content)
    with pytest.raises(InputError, match=message):
        find_runtime(tmp_path / 'a.tgz')


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r'none\.tgz.*No such file'):
        find_runtime(tmp_path / 'none.tgz')
