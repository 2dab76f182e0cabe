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
