"""The notebook runs from its first cell to its last, as Jupyter would run it."""

import json

from helpers.processes import ROOT

NOTEBOOK = ROOT / 'examples' / 'photographs_to_model.ipynb'


def test_the_notebook_runs(processes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    cells = json.loads(NOTEBOOK.read_text(encoding='utf-8'))['cells']
    for cell in (each for each in cells if each['cell_type'] == 'code'):
        source = ''.join(cell['source'])
        if source.startswith('!mmpose-lite '):
            processes.run_command(*source.split()[1:], cwd=tmp_path)
        else:
            exec(compile(source, cell['id'], 'exec'), names)
    assert names['places'].shape == (2, 5, 2)
    assert names['found'].pred_instances.keypoints.shape == (1, 5, 2)


def test_it_is_stored_without_outputs():
    cells = json.loads(NOTEBOOK.read_text(encoding='utf-8'))['cells']
    assert not any(cell.get('outputs') or cell.get('execution_count') for cell in cells)
