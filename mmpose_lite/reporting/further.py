"""Numbers of further passes: with and without flip test, and with boxes that are a little wrong."""

from __future__ import annotations

from typing import Any

from numpy import ndarray

from .errors import Errors
from .run import BOX_ERRORS, Run


def flip_test(run: Run, sizes: ndarray, subsets: dict[str, ndarray]) -> dict[str, Any] | None:
    """The pooled error with flip test and without, and over how many faces, by subset.

    None where only one was tried.

    Args:
        run: The run; its own predictions are one of the two, and a pass the other.
        sizes: ``(N,)``, what errors are divided by.
        subsets: Which faces each subset has, ``(N,)`` bool.
    """
    own = run.provenance.get('flip_test')
    other = next((each for each in run.passes if each.kind == 'flip_test'), None)
    if own is None or other is None or bool(other.value) == own:
        return None
    found: dict[str, Any] = {}
    for is_on, pred in ((own, run.table.pred[other.indices]), (not own, other.pred)):
        table = run.table.take(other.indices).predicting(pred)
        errors = Errors.of(table, sizes[other.indices])
        found['on' if is_on else 'off'] = {
            name: errors.among(faces[other.indices, None]).pooled()
            for name, faces in subsets.items()
        }
        # The same of both: it is the truth and the size that a face may lack.
        found['faces'] = {
            name: int((errors.faces & faces[other.indices]).sum())
            for name, faces in subsets.items()
        }
    return found


def box_errors(run: Run, sizes: ndarray) -> dict[str, Any] | None:
    """The pooled error by kind and amount of the boxes' disturbance; None if none was tried.

    Sizes that errors are divided by stay those of the annotated boxes.
    """
    passes = [each for each in run.passes if each.kind in BOX_ERRORS]
    if not passes:
        return None
    indices = passes[0].indices
    undisturbed = Errors.of(run.table.take(indices), sizes[indices])
    rows = []
    for each in sorted(passes, key=lambda one: (BOX_ERRORS.index(one.kind), one.value)):
        table = run.table.take(each.indices).predicting(each.pred)
        errors = Errors.of(table, sizes[each.indices])
        rows.append(
            {
                'kind': each.kind,
                'amount': float(each.value),
                'nme': errors.pooled(),
                'interval': errors.pooled_interval(),
            }
        )
    return {
        'faces': int(undisturbed.faces.sum()),
        'seed': run.seed,
        'undisturbed': undisturbed.pooled(),
        'rows': rows,
    }
