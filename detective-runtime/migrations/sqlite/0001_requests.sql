-- One row for each finished request, narrow: texts that repeat are kept once, in dictionaries.
-- `api_metrics` at the end of this file is what readers select from.
--
-- No foreign keys are declared: they would be checked for every row, and the one writer resolves
-- the ids itself, in the transaction before.

CREATE TABLE endpoints (
    id       INTEGER PRIMARY KEY,
    endpoint TEXT NOT NULL,
    method   TEXT NOT NULL,
    UNIQUE (endpoint, method)
) STRICT;

CREATE TABLE handlers (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

-- Clients choose this text, so the writer stops adding to the table at a fixed number of rows;
-- further texts stand in `requests.user_agent`.
CREATE TABLE user_agents (
    id         INTEGER PRIMARY KEY,
    user_agent TEXT NOT NULL UNIQUE
) STRICT;

-- One row for each writer that was ever started, even under the same names: row ids are made from
-- this one, and no two writers may share it.
CREATE TABLE services (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    service  TEXT NOT NULL,
    version  TEXT NOT NULL,
    instance TEXT NOT NULL
) STRICT;

CREATE TABLE requests (
    id               INTEGER PRIMARY KEY, -- milliseconds since 2020 (41 bits), service_id (12), sequence (10)
    started_us       INTEGER NOT NULL,    -- microseconds since 1970, UTC
    endpoint_id      INTEGER NOT NULL,
    service_id       INTEGER NOT NULL,
    handler_id       INTEGER,
    user_agent_id    INTEGER,
    status_code      INTEGER,
    outcome          INTEGER NOT NULL,    -- the codes are spelled out in the view
    response_time_us INTEGER NOT NULL,
    time_to_head_us  INTEGER,
    request_bytes    INTEGER NOT NULL,
    response_bytes   INTEGER NOT NULL,
    trace_id         BLOB,                -- 16 bytes
    path             TEXT,
    client_ip        TEXT,
    user_agent       TEXT,                -- only when the dictionary had no room
    consumer         TEXT,
    error            TEXT,
    request_headers  TEXT,                -- JSON object; null when there are none
    response_headers TEXT
) STRICT;

-- Everything over a time range.
CREATE INDEX requests_by_time ON requests (started_us);

-- Counts, rates and percentiles of an endpoint over a time range, from the index alone.
CREATE INDEX requests_by_endpoint ON requests (endpoint_id, started_us, status_code, response_time_us);

CREATE VIEW api_metrics AS
SELECT
    requests.id,
    endpoints.endpoint,
    endpoints.method,
    requests.path,
    requests.status_code,
    requests.response_time_us / 1000000.0 AS response_time,
    requests.time_to_head_us / 1000000.0 AS time_to_head,
    strftime('%Y-%m-%dT%H:%M:%S', requests.started_us / 1000000, 'unixepoch')
        || printf('.%06dZ', requests.started_us % 1000000) AS timestamp,
    CASE requests.outcome
        WHEN 0 THEN 'ok'
        WHEN 1 THEN 'client_error'
        WHEN 2 THEN 'server_error'
        WHEN 3 THEN 'panic'
        WHEN 4 THEN 'client_disconnect'
        WHEN 5 THEN 'timeout'
        WHEN 6 THEN 'shutdown'
    END AS outcome,
    requests.error,
    handlers.name AS handler,
    lower(nullif(hex(requests.trace_id), '')) AS trace_id,
    requests.client_ip,
    coalesce(requests.user_agent, user_agents.user_agent) AS user_agent,
    requests.consumer,
    coalesce(requests.request_headers, '{}') AS request_headers,
    coalesce(requests.response_headers, '{}') AS response_headers,
    requests.request_bytes,
    requests.response_bytes,
    services.service,
    services.version,
    services.instance
FROM requests
LEFT JOIN endpoints ON endpoints.id = requests.endpoint_id
LEFT JOIN handlers ON handlers.id = requests.handler_id
LEFT JOIN user_agents ON user_agents.id = requests.user_agent_id
LEFT JOIN services ON services.id = requests.service_id;
