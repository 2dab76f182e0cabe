{%- set key = {
    "calls": "metaData.id", "conversations": "metaData.id",
    "transcripts": "callId", "users": "id", "logs": "_id",
}[load.stream] -%}
{%- macro names(files) %}
    {%- for file in files %}'{{ file | replace(destination ~ "/", "") }}'{{ ", " if not loop.last }}{% endfor %}
{%- endmacro -%}
CREATE OR REPLACE TEMPORARY TABLE {{ table }}_staging LIKE {{ table }};
{%- for files in load.files | batch(1000) %}
COPY INTO {{ table }}_staging FROM (
    SELECT $1:{{ key }}::VARCHAR, $1, '{{ load.window }}', '{{ load.version }}_0', FALSE
    FROM @gong_stage
)
FILES = ({{ names(files) }})
FILE_FORMAT = (FORMAT_NAME = {{ file_format }})
ON_ERROR = ABORT_STATEMENT;
{%- endfor %}
{%- for files in load.deletions | batch(1000) %}
COPY INTO {{ table }}_staging FROM (
    SELECT $1:id::VARCHAR, NULL, '{{ load.window }}', '{{ load.deletions_version }}_1', TRUE
    FROM @gong_stage
)
FILES = ({{ names(files) }})
FILE_FORMAT = (FORMAT_NAME = {{ file_format }})
ON_ERROR = ABORT_STATEMENT;
{%- endfor %}
