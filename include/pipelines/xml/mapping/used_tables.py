"""What the tables of a contract want of each other's rows."""

from __future__ import annotations

from include.pipelines.xml.language.calculations import Tables, use_of


class UsedTables:
    """What tables must be ready for, because of others; names in lower case."""

    def __init__(self, tables: Tables) -> None:
        self.staged: set[str] = set()
        """Tables that have formulas, or whose rows formulas use: prepared before any formula runs."""
        self.linked: set[str] = set()
        """Tables whose rows must know their parents."""
        self.parents = {table.parent.name.lower() for table in tables.values() if table.parent is not None}
        """Tables whose rows have children."""
        for key, table in tables.items():
            for column in table.columns.values():
                if column.formula is None:
                    continue
                self.staged.add(key)
                for name in column.formula.names:
                    use = use_of(name, table, tables)
                    self.staged.add(use.table.name.lower())
                    steps = (use.levels_up or 0) - 1
                    self.linked |= {above.name.lower() for above in table.ancestors[: max(steps, 0)]}
