"""A warehouse in DuckDB that is kept up to date by the SQL of the docs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
from jinja2 import StrictUndefined, Template

SQL = Path(__file__).resolve().parent.parent.parent / "docs" / "sql"


def render(name: str, **facts: Any) -> str:
    """Fill in one of the SQL files of the docs."""
    template = (SQL / name).read_text(encoding="utf-8")
    text: str = Template(template, undefined=StrictUndefined).render(**facts)
    return text


class Warehouse:
    """One table for each stream, in memory."""

    def __init__(self, file_format: str = "jsonl.gz") -> None:
        self.db = duckdb.connect()
        self._stage = f"duckdb/stage_{file_format.partition('.')[0]}.sql"

    def load(self, load: dict[str, Any]) -> None:
        """Load one window of one stream."""
        table = f"gong_{load['stream']}"
        self.db.execute(render("duckdb/tables.sql", table=table))
        self.db.execute(render(self._stage, table=table, load=load))
        self.db.execute(render("merge.sql", table=table))
        self.db.execute(render("view.sql", table=table, stream=load["stream"]))
        if load["stream"] == "calls":
            self._dbt()

    def records(self, stream: str, view: str = "_now") -> dict[str, dict[str, Any]]:
        """Return the rows of a stream that are there now."""
        found = self.db.execute(f"SELECT id, record FROM gong_{stream}{view}").fetchall()
        records = {row_id: json.loads(record) for row_id, record in found}
        assert len(records) == len(found)
        return records

    def _dbt(self) -> None:
        """Do what dbt does with the models of the docs: delete the windows that come, then insert them."""

        def model(name: str) -> str:
            return render(
                f"dbt/{name}.sql",
                config=lambda **_: "",
                ref=lambda name: f"dbt_{name}",
                source=lambda _, name: name,
            )

        versions = "dbt_gong_calls_versions"
        self.db.execute(f"CREATE OR REPLACE TEMP TABLE arriving AS {model('gong_calls_versions')}")
        self.db.execute(f"CREATE TABLE IF NOT EXISTS {versions} AS FROM arriving LIMIT 0")
        self.db.execute(f"DELETE FROM {versions} WHERE _window IN (SELECT _window FROM arriving)")
        self.db.execute(f"INSERT INTO {versions} FROM arriving")
        self.db.execute(f"CREATE OR REPLACE VIEW gong_calls_dbt AS {model('gong_calls')}")
