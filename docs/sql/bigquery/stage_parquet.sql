{%- set key = {
    "calls": "metaData.id", "conversations": "metaData.id",
    "transcripts": "callId", "users": "id", "logs": "_id",
}[load.stream] -%}
CREATE OR REPLACE TABLE {{ table }}_staging LIKE {{ table }};
{%- if load.files %}
LOAD DATA OVERWRITE {{ table }}_rows
FROM FILES (format = 'PARQUET', enable_list_inference = TRUE, uris = {{ load.files }});
INSERT INTO {{ table }}_staging
SELECT row_.{{ key }}, TO_JSON(row_), '{{ load.window }}', '{{ load.version }}_0', FALSE
FROM {{ table }}_rows AS row_;
{%- endif %}
{%- if load.deletions %}
LOAD DATA OVERWRITE {{ table }}_gone
FROM FILES (format = 'PARQUET', uris = {{ load.deletions }});
INSERT INTO {{ table }}_staging
SELECT id, NULL, '{{ load.window }}', '{{ load.deletions_version }}_1', TRUE
FROM {{ table }}_gone;
{%- endif %}
