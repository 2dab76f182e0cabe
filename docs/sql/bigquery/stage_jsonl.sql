{%- set key = {
    "calls": "metaData.id", "conversations": "metaData.id",
    "transcripts": "callId", "users": "id", "logs": "_id",
}[load.stream] -%}
CREATE OR REPLACE TABLE {{ table }}_staging LIKE {{ table }};
{%- if load.files %}
-- A line is one field: the separator is a character that JSON has to escape.
LOAD DATA OVERWRITE {{ table }}_lines (line STRING)
FROM FILES (format = 'CSV', field_delimiter = '\x01', quote = '', uris = {{ load.files }});
INSERT INTO {{ table }}_staging
SELECT
    JSON_VALUE(line, '$.{{ key }}'),
    PARSE_JSON(line, wide_number_mode => 'round'),
    '{{ load.window }}', '{{ load.version }}_0', FALSE
FROM {{ table }}_lines;
{%- endif %}
{%- if load.deletions %}
LOAD DATA OVERWRITE {{ table }}_lines (line STRING)
FROM FILES (format = 'CSV', field_delimiter = '\x01', quote = '', uris = {{ load.deletions }});
INSERT INTO {{ table }}_staging
SELECT JSON_VALUE(line, '$.id'), NULL, '{{ load.window }}', '{{ load.deletions_version }}_1', TRUE
FROM {{ table }}_lines;
{%- endif %}
