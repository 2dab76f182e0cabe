{%- set key = {
    "calls": "metaData.id", "conversations": "metaData.id",
    "transcripts": "callId", "users": "id", "logs": "_id",
}[load.stream] -%}
CREATE OR REPLACE TEMP TABLE {{ table }}_staging AS FROM {{ table }} LIMIT 0;
{%- if load.files %}
INSERT INTO {{ table }}_staging
SELECT row.{{ key }}, to_json(row), '{{ load.window }}', '{{ load.version }}_0', FALSE
FROM read_parquet({{ load.files }}, hive_partitioning = FALSE) AS row;
{%- endif %}
{%- if load.deletions %}
INSERT INTO {{ table }}_staging
SELECT row.id, NULL, '{{ load.window }}', '{{ load.deletions_version }}_1', TRUE
FROM read_parquet({{ load.deletions }}, hive_partitioning = FALSE) AS row;
{%- endif %}
