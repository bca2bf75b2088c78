"""The steps of one row, one after the other; rows overlap, since each runs in its own thread."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from include.engine.errors import SettingsError
from include.pipelines.csv.calls.call import Calls
from include.pipelines.csv.row import Row
from include.pipelines.csv.steps.step import Step


def check_steps(steps: Sequence[Step], fields: Collection[str]) -> tuple[str, ...]:
    """The columns that the steps make, in order; `fields` are the mapped ones.

    Raises one `SettingsError` that lists every fault: a field that is missing, an output or a name that comes twice.
    """
    known, names = set(fields), set[str]()
    made, faults = list[str](), list[str]()
    for step in steps:
        if step.name in names:
            faults.append(f"there are two steps {step.name}")
        names.add(step.name)
        if missing := sorted(set(step.needs) - known):
            faults.append(f"step {step.name} needs {', '.join(missing)}: map a column to it, or put its step before")
        faults += [f"step {step.name}: {name} is there already" for name in step.outputs if name in known]
        known |= set(step.outputs)
        made += step.outputs
    if faults:
        raise SettingsError(f"steps: {'; '.join(faults)} (there are {', '.join(sorted(fields)) or 'no fields'})")
    return tuple(made)


def run_steps(steps: Sequence[Step], row: Row, calls: Calls) -> dict[str, str]:
    """The generated columns of a row. Raises what the first step that fails raises."""
    given, made = dict(row.fields), dict[str, str]()
    for step in steps:
        found = step.run(row, given, calls)
        outputs = {name: found[name] for name in step.outputs}
        given |= outputs
        made |= outputs
    return made
