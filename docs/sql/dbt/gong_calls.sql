-- The newest version of each call, without those that were deleted.
{{ config(materialized="view") }}

SELECT id, record, _window, _version
FROM (
    SELECT *
    FROM {{ ref("gong_calls_versions") }}
    QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY _version DESC) = 1
) AS newest
WHERE NOT _deleted
