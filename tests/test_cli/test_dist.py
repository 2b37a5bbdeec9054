"""``dist-train`` and ``dist-test``: what they ask the launcher for."""

import pytest

from mmpose_lite.cli.dist import launcher_arguments, main
from mmpose_lite.errors import InputError
from mmpose_lite.launch.launcher import parse_args

CONFIG = 'td-hm_hrnetv2-w18_8xb64-60e_aflw-256x256'


def test_one_machine():
    given = launcher_arguments(['dist-train', CONFIG, '8', '--amp', '--resume'], {})
    args = parse_args(given)
    assert (args.nnodes, args.node_rank, args.nproc_per_node) == (1, 0, 8)
    assert args.module
    assert args.script == 'mmpose_lite'
    expected = ['train', CONFIG, '--launcher', 'pytorch', '--amp', '--resume']
    assert args.arguments == expected


def test_several_machines(tmp_path):
    (tmp_path / 'net.pth').touch()
    environ = {'NNODES': '2', 'NODE_RANK': '1', 'MASTER_ADDR': 'first', 'PORT': '29600'}
    environ |= {'JOIN_SECONDS': '60', 'STOP_SECONDS': '30'}
    checkpoint = str(tmp_path / 'net.pth')
    args = parse_args(launcher_arguments(['dist-test', CONFIG, checkpoint, '4'], environ))
    assert (args.nnodes, args.node_rank, args.nproc_per_node) == (2, 1, 4)
    assert (args.master_addr, args.master_port) == ('first', 29600)
    assert (args.join_seconds, args.stop_seconds) == (60, 30)
    assert args.arguments == ['test', CONFIG, checkpoint, '--launcher', 'pytorch']


def test_an_address_alone_is_of_no_concern():
    given = launcher_arguments(['dist-train', CONFIG, '2'], {'MASTER_ADDR': 'first', 'PORT': ''})
    assert parse_args(given).master_addr == '127.0.0.1'


@pytest.mark.parametrize(
    ('argv', 'environ', 'message'),
    [
        (['dist-train', CONFIG, '0'], {}, '0 is not a number of processes'),
        (['dist-train', 'none.py', '2'], {}, r"config 'none\.py'"),
        (['dist-test', CONFIG, 'none.pth', '2'], {}, r"checkpoint 'none\.pth' does not exist"),
        (['dist-train', CONFIG, '2'], {'NNODES': 'a[0]'}, r"NNODES='a\[0\]' is not a whole number"),
        (['dist-train', CONFIG, '2'], {'PORT': '1234567'}, "PORT='1234567' is not a whole number"),
    ],
)
def test_what_is_wrong_is_one_line(argv, environ, message, monkeypatch):
    with pytest.raises(InputError, match=message):
        launcher_arguments(argv, environ)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit, match=f'^error: .*{message}'):
        main(argv)
