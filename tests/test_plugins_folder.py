"""Airflow's plugin manager executes every module under plugins/ under its bare stem, unless .airflowignore names it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = """
import json, sys
from pathlib import Path
from airflow import plugins_manager
folder = Path(sys.argv[1])
plugins_manager.ensure_plugins_loaded()
files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
print(json.dumps({name: file for name, file in files.items() if file and Path(file).is_relative_to(folder)}))
"""


def loaded_from(plugins: Path, root: Path) -> dict[str, str]:
    """Names in `sys.modules` of what Airflow loaded from the folder at its start."""
    env = {**os.environ, "PYTHONPATH": str(root), "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins)}
    done = subprocess.run([sys.executable, "-c", SCRIPT, plugins], env=env, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_no_module_of_plugins_is_loaded_under_a_second_name() -> None:
    loaded = loaded_from(ROOT / "plugins", ROOT)
    own_names = {path.stem for path in (ROOT / "plugins").glob("*.py")} - {"__init__"}
    assert {name for name in loaded if not name.startswith("plugins")} <= own_names


def test_without_the_ignore_file_it_would_be(tmp_path: Path) -> None:
    (tmp_path / "plugins" / "operators").mkdir(parents=True)
    (tmp_path / "plugins" / "operators" / "sole_name.py").write_text("NAME = __name__\n")
    assert "sole_name" in loaded_from(tmp_path / "plugins", tmp_path)
    shutil.copy(ROOT / "plugins" / ".airflowignore", tmp_path / "plugins")
    assert loaded_from(tmp_path / "plugins", tmp_path) == {}
