-- Every window as it was exported last. A window that is loaded again replaces itself.
{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="_window") }}

SELECT id, record, _window, _version, _deleted
FROM {{ source("gong", "gong_calls_staging") }}
