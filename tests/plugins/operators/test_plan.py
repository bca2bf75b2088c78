from __future__ import annotations

from include.warehouse.runs import Run
from include.warehouse.target import MAX_NAME
from plugins.operators.plan import _list_of


def test_a_runs_own_list_fits_its_column_whatever_airflows_ids_and_no_param_can_name_it() -> None:
    names = [
        _list_of(Run("p", "t", dag_id, run_id))
        for dag_id, run_id in [("d", "r"), ("d" * 250, "r" * 250), ("d" * 250, "r" * 249 + "s")]
    ]
    assert names[0] == "d/r"
    assert len(set(names)) == 3
    assert all(len(name) <= MAX_NAME and "/" in name for name in names)
