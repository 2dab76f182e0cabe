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
