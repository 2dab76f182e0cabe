"""Export Gong every day, load what came into a warehouse, and merge it: late, changed and deleted calls included.

The warehouse is DuckDB (`pip install duckdb`), in the file that the Airflow variable `gong_warehouse` names, without it
`/tmp/gong/warehouse.duckdb`. The MERGE is the one for Snowflake and BigQuery too; docs/warehouse.md has what differs
around it. The exports lie below the Airflow variable `gong_destination`, without it below `/tmp/gong`; DuckDB reads
object storage with its own extension and credentials, so that this example wants a local folder.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable, task

from airflow_provider_gong.operators.exports import (
    GongExportCallsOperator,
    GongExportLogsOperator,
    GongExportTranscriptsOperator,
    GongExportUsersOperator,
)

DESTINATION = "{{ var.value.get('gong_destination', 'file:///tmp/gong') }}"
WAREHOUSE = "{{ var.value.get('gong_warehouse', '/tmp/gong/warehouse.duckdb') }}"

# [START sql]
TABLE = """
CREATE TABLE IF NOT EXISTS {{ table }} (
    id VARCHAR NOT NULL,
    record JSON,
    _window VARCHAR NOT NULL,
    _version VARCHAR NOT NULL,
    _deleted BOOLEAN NOT NULL
)
"""

STAGE = """
{%- set key = {
    "calls": "metaData.id", "conversations": "metaData.id",
    "transcripts": "callId", "users": "id", "logs": "_id",
}[load.stream] -%}
CREATE OR REPLACE TEMP TABLE {{ table }}_staging AS FROM {{ table }} LIMIT 0;
{%- if load.files %}
INSERT INTO {{ table }}_staging
SELECT json ->> '$.{{ key }}', json, '{{ load.window }}', '{{ load.version }}_0', FALSE
FROM read_ndjson_objects({{ load.files }}, hive_partitioning = FALSE, maximum_object_size = 268435456);
{%- endif %}
{%- if load.deletions %}
INSERT INTO {{ table }}_staging
SELECT json ->> '$.id', NULL, '{{ load.window }}', '{{ load.deletions_version }}_1', TRUE
FROM read_ndjson_objects({{ load.deletions }}, hive_partitioning = FALSE);
{%- endif %}
"""

MERGE = """
MERGE INTO {{ table }} AS target
USING (
    SELECT id, record, _window, _version, _deleted
    FROM {{ table }}_staging
    QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY _version DESC) = 1
) AS source
ON target.id = source.id
WHEN MATCHED AND source._version > target._version THEN
    UPDATE SET
        record = source.record,
        _window = source._window,
        _version = source._version,
        _deleted = source._deleted
WHEN NOT MATCHED THEN
    INSERT (id, record, _window, _version, _deleted)
    VALUES (source.id, source.record, source._window, source._version, source._deleted)
"""

VIEW = """
CREATE OR REPLACE VIEW {{ table }}_now AS
SELECT id, record, _window, _version
FROM {{ table }}
WHERE NOT _deleted
{%- if stream == "users" %}
    -- Users have no deletions: who is not in the newest snapshot is none any more.
    AND _version = (SELECT MAX(_version) FROM {{ table }})
{%- endif %}
"""
# [END sql]


@task(trigger_rule="none_failed")  # a backfill run skips the users
def load(summaries: list[Any], warehouse: str) -> dict[str, int]:
    """Stage and merge what each export brought; return the rows of each table that are there now."""
    import duckdb
    from jinja2 import StrictUndefined, Template

    from airflow_provider_gong.exports import exports_to_load

    rows = {}
    with duckdb.connect(warehouse) as db:
        for summary in filter(None, summaries):
            for found in exports_to_load(summary):
                table = f"gong_{found['stream']}"
                for sql in (TABLE, STAGE, MERGE, VIEW):
                    text = Template(sql, undefined=StrictUndefined).render(
                        table=table, load=found, stream=found["stream"]
                    )
                    db.execute(text)
                counted = db.execute(f"SELECT COUNT(*) FROM {table}_now").fetchone()  # noqa: S608 - our own name
                rows[table] = counted[0] if counted else 0
    return rows


with DAG(
    dag_id="gong_to_warehouse",
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 3, "retry_delay": timedelta(minutes=5)},
    tags=["gong"],
    doc_md=__doc__,
):
    calls = GongExportCallsOperator(task_id="export_calls", destination=DESTINATION)
    transcripts = GongExportTranscriptsOperator(
        task_id="export_transcripts", destination=DESTINATION, calls=calls.output
    )
    users = GongExportUsersOperator(task_id="export_users", destination=DESTINATION)
    logs = GongExportLogsOperator(task_id="export_logs", destination=DESTINATION, log_type="UserActivityLog")

    load([calls.output, transcripts.output, users.output, logs.output], warehouse=WAREHOUSE)
