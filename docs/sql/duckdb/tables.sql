CREATE TABLE IF NOT EXISTS {{ table }} (
    id VARCHAR NOT NULL,
    record JSON,
    _window VARCHAR NOT NULL,
    _version VARCHAR NOT NULL,
    _deleted BOOLEAN NOT NULL
)
