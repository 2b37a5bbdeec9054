"""Metrics with names that contain HTML and scripts."""

from typing import Any

from example_metrics import example_metrics

HOSTILE = '</script><img src=x onerror="window.hacked=1"><b>&amp;</b>"\'<!--'


def hostile_metrics() -> dict[str, Any]:
    """Return the metrics of one run, with HOSTILE for every name."""
    metrics = example_metrics()
    (run,) = metrics['runs']
    run['name'] = HOSTILE
    run['subsets'] = {'full': run['subsets']['full'], HOSTILE: run['subsets']['frontal']}
    parts = [*run['scores'].values(), *run['curves'].values(), *run['flip_test'].values()]
    for part in parts:
        part[HOSTILE] = part.pop('frontal')
    run['provenance'] |= {'command': HOSTILE, 'config': HOSTILE, 'device': HOSTILE, 'date': HOSTILE}
    run['provenance']['data'][0]['file'] = HOSTILE
    run['provenance']['versions'] = {HOSTILE: HOSTILE}
    run['normalisers']['box'] |= {'title': HOSTILE, 'about': HOSTILE}
    run['yaw']['source'] = HOSTILE
    for point in run['by_point']:
        point['name'] = HOSTILE
    for face in [*run['worst'], *run['typical']]:
        face |= {'image': HOSTILE, 'id': HOSTILE}
        face['subsets'] = [HOSTILE] if face['subsets'] else []
        face['shown_for'] = [HOSTILE if each == 'frontal' else each for each in face['shown_for']]
    return metrics
