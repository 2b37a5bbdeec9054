"""``python -m mmpose_lite COMMAND``."""

import pytest

from mmpose_lite.apis.cli import main


@pytest.mark.parametrize('command', ['train', 'test', 'check_data'])
def test_commands_are_the_tools(command, capsys):
    with pytest.raises(SystemExit, match='0'):
        main([command, '--help'])
    assert '--cfg-options' in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r'none\.py'):
        main([command, 'none.py', *(['none.pth'] if command == 'test' else [])])


@pytest.mark.parametrize(('argument', 'status'), [('--help', 0), ('dance', 2)])
def test_commands_are_listed(argument, status, capsys):
    assert main([argument]) == status
    printed = capsys.readouterr().err
    assert 'train' in printed
    assert 'test' in printed
