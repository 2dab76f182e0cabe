CREATE TABLE IF NOT EXISTS {{ table }} (
    id STRING NOT NULL,
    record JSON,
    _window STRING NOT NULL,
    _version STRING NOT NULL,
    _deleted BOOL NOT NULL
)
CLUSTER BY id
