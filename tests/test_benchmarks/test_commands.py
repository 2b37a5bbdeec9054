"""The command as a whole, at trial size, our side alone."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks import run

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.usefixtures('processes')
def test_a_row_from_command_to_document(tmp_path, monkeypatch, capsys):
    page, out = tmp_path / 'performance.md', tmp_path / 'run.json'
    shutil.copy(ROOT / 'docs' / 'performance.md', page)
    monkeypatch.setenv('OMP_NUM_THREADS', '1')
    rows = ['--rows', 'pipeline-0.2mp', 'h200-schedule', '--repeats', '1', '--trial']
    run.main([*rows, '--json', str(out), '--doc', str(page)])
    printed = capsys.readouterr().out

    results = json.loads(out.read_text())
    measured, missing = results['rows']
    (taken,) = results['measurements']
    assert measured['ours'] == [taken['measurement']['figures'][measured['key']]]
    assert measured['ours'][0] > 0
    assert missing['problem'].startswith('not measured: without')
    assert results['faces']['0.2 MP']['megapixels'] == pytest.approx(0.2, rel=0.01)
    assert {'cpu', 'cores', 'cpu_flags', 'memory_gib'} <= set(results['machine'])
    assert str(ROOT) not in out.read_text()
    assert str(tmp_path) not in out.read_text()
    assert measured['work'] in page.read_text()

    run.main(['--read', str(out)])
    assert capsys.readouterr().out == printed


def test_a_wrong_name_of_a_row_is_named():
    with pytest.raises(SystemExit, match=r'--rows pipelines is none of pipeline-0\.2mp, '):
        run.main(['--rows', 'pipelines'])


def test_the_page_has_a_place_for_every_table():
    text = (ROOT / 'docs' / 'performance.md').read_text()
    names = ('machine', 'comparison', 'bounds')
    parts = ('loader seconds', 'loader memory', 'network', 'ranks', 'arithmetic')
    for name in (*names, *(f'growth: {part}' for part in parts)):
        assert text.count(f'<!-- {name} -->') == text.count(f'<!-- end of {name} -->') == 1
