from __future__ import annotations

from pathlib import Path

from airflow.dag_processing.dagbag import DagBag

DAGS = Path(__file__).resolve().parents[2] / "dags"


def test_every_dag_loads_has_the_name_of_its_file_and_is_safe_to_install() -> None:
    bag = DagBag(str(DAGS))

    assert bag.import_errors == {}
    assert set(bag.dags) == {file.stem for file in DAGS.glob("*.py")} != set()
    for dag in bag.dags.values():
        assert dag.is_paused_upon_creation
        assert not dag.catchup
        assert dag.max_active_runs == 1
        assert dag.doc_md


def test_every_param_of_every_dag_is_described_and_empty() -> None:
    for dag in DagBag(str(DAGS)).dags.values():
        for name, param in dag.params.items():
            assert param.description, f"{dag.dag_id}: {name}"
            assert param.value is None, f"{dag.dag_id}: {name}"
