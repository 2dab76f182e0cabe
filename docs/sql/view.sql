CREATE OR REPLACE VIEW {{ table }}_now AS
SELECT id, record, _window, _version
FROM {{ table }}
WHERE NOT _deleted
{%- if stream == "users" %}
    -- Users have no deletions: who is not in the newest snapshot is none any more.
    AND _version = (SELECT MAX(_version) FROM {{ table }})
{%- endif %}
