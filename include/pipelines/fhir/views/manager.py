"""The views of a deployment: a folder of definitions, all checked and compiled before work starts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from include.engine.errors import SettingsError
from include.pipelines.fhir.views.compile import CompiledView
from include.pipelines.fhir.views.files import read_view

DEFINITIONS = Path(__file__).parent / "definitions"
"""The views that come with the package."""


class ViewDefinitionManager:
    """Every `*.json` of the folders is a view, known by its name; of files called alike, the first folder's counts.

    So a deployment replaces a view that comes with the package by a file of its name. Raises one `SettingsError` that
    lists the mistakes of all files.
    """

    def __init__(self, folders: Sequence[Path] = (DEFINITIONS,)) -> None:
        if missing := [str(folder) for folder in folders if not folder.is_dir()]:
            raise SettingsError(f"view folders: {', '.join(missing)} is no folder on this machine")
        files = {path.name: path for folder in reversed(folders) for path in folder.glob("*.json")}
        self._views: dict[str, CompiledView] = {}
        faults: list[str] = []
        for name in sorted(files):
            try:
                self._add(files[name])
            except SettingsError as error:
                faults.append(str(error))
        if not files:
            faults.append(f"view folders: no *.json in {', '.join(map(str, folders))}")
        if faults:
            raise SettingsError("\n".join(faults))

    def _add(self, path: Path) -> None:
        definition = read_view(path)
        if definition.name is None:
            raise SettingsError(f"view {path.name}: it needs a name, which its table gets")
        if definition.name.lower() in {name.lower() for name in self._views}:
            raise SettingsError(f"view {path.name}: another file has a view {definition.name}, too")
        self._views[definition.name] = CompiledView(definition)

    def __iter__(self) -> Iterator[CompiledView]:
        return iter(self._views.values())

    def __len__(self) -> int:
        return len(self._views)

    def __getitem__(self, name: str) -> CompiledView:
        """Raises `SettingsError`, with the views that there are."""
        if name not in self._views:
            raise SettingsError(f"view {name}: there is none of that name; there are {', '.join(self._views)}")
        return self._views[name]

    def of_resource(self, resource_type: str) -> tuple[CompiledView, ...]:
        """The views that read resources of that type."""
        return tuple(view for view in self if view.resource == resource_type)
