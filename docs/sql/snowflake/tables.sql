CREATE TABLE IF NOT EXISTS {{ table }} (
    id VARCHAR NOT NULL,
    record VARIANT,
    _window VARCHAR NOT NULL,
    _version VARCHAR NOT NULL,
    _deleted BOOLEAN NOT NULL
)
