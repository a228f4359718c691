-- Narrower rows, and no index to keep for each of them.
--
-- What a row shares with many others (endpoint, method, handler, status, outcome) is one number.
-- What few rows have (an error, headers, ...) is one JSON text in place of the path. Times for
-- counts, rates and percentiles stand packed by kind and minute, in `latencies`.
--
-- The rows of the first version are carried over. This runs in SQLite 3.45 or later, which is
-- built in; the view is for any from 3.38.

DROP VIEW api_metrics;
DROP INDEX requests_by_time;
DROP INDEX requests_by_endpoint;
ALTER TABLE requests RENAME TO old_requests;

-- Finite: routes and handlers times the statuses that they answer with.
CREATE TABLE kinds (
    id          INTEGER PRIMARY KEY,
    endpoint    TEXT NOT NULL,
    method      TEXT NOT NULL,
    handler     TEXT NOT NULL,    -- empty for none
    status_code INTEGER NOT NULL, -- zero for none
    outcome     INTEGER NOT NULL, -- the codes are spelled out in the view
    UNIQUE (endpoint, method, handler, status_code, outcome)
) STRICT;

-- Each column costs as much as a third of the row's place in the table, so that small numbers share
-- one. Two that do not fit stand there as a JSON array.
CREATE TABLE requests (
    id         INTEGER PRIMARY KEY, -- milliseconds since 2020 (41 bits), service_id (12), sequence (10)
    service_id INTEGER NOT NULL,
    keys       INTEGER NOT NULL,    -- kind_id (47 bits), user_agent_id or zero (16)
    started_us INTEGER NOT NULL,    -- microseconds since 1970, UTC
    times      ANY NOT NULL,        -- microseconds to the end (32), to the head plus one or zero (31)
    sizes      ANY NOT NULL,        -- bytes of the request's body (32), of the response's (31)
    trace_high INTEGER,             -- the upper and the lower 64 bits of the trace's id
    trace_low  INTEGER,
    client_ip  ANY,                 -- a number for an IPv4 address, else the text
    -- A text is the path. A number is the one that the path has in place of the endpoint's
    -- parameter, or zero when the endpoint has none and is the path. A text that begins with `{` is
    -- a JSON object of the path and the texts that few rows have: error, consumer, user_agent (when
    -- the dictionary had no room), request_headers, response_headers.
    path       ANY
) STRICT;

-- Start and duration of each row, packed by what they are looked up by. 12 bytes for each:
-- microseconds since the start of the hour (4 bytes), microseconds that it took (8 bytes), the
-- highest byte first.
CREATE TABLE latencies (
    kind_id  INTEGER NOT NULL,
    hour     INTEGER NOT NULL, -- since 1970
    minute   INTEGER NOT NULL, -- since 1970
    first_id INTEGER NOT NULL, -- of the rows
    entries  BLOB NOT NULL,
    PRIMARY KEY (kind_id, hour, minute, first_id)
) STRICT, WITHOUT ROWID;

INSERT INTO kinds (endpoint, method, handler, status_code, outcome)
SELECT DISTINCT endpoints.endpoint, endpoints.method, ifnull(handlers.name, ''),
    ifnull(old_requests.status_code, 0), old_requests.outcome
FROM old_requests
JOIN endpoints ON endpoints.id = old_requests.endpoint_id
LEFT JOIN handlers ON handlers.id = old_requests.handler_id;

INSERT INTO requests
SELECT
    old_requests.id,
    old_requests.service_id,
    kinds.id << 16 | iif(user_agent_id < 65536, user_agent_id, 0),
    old_requests.started_us,
    iif(response_time_us < 1 << 32 AND ifnull(time_to_head_us, 0) + 1 < 1 << 31,
        response_time_us << 31 | ifnull(time_to_head_us + 1, 0),
        json_array(response_time_us, ifnull(time_to_head_us + 1, 0))),
    iif(request_bytes < 1 << 32 AND response_bytes < 1 << 31,
        request_bytes << 31 | response_bytes, json_array(request_bytes, response_bytes)),
    ('0x' || nullif(substr(hex(trace_id), 1, 8), '')) ->> '$' << 32 | ('0x' || nullif(substr(hex(trace_id), 9, 8), '')) ->> '$',
    ('0x' || nullif(substr(hex(trace_id), 17, 8), '')) ->> '$' << 32 | ('0x' || nullif(substr(hex(trace_id), 25, 8), '')) ->> '$',
    old_requests.client_ip,
    CASE
        WHEN coalesce(user_agent, consumer, error, request_headers, response_headers) IS NULL
            AND ifnull(user_agent_id, 0) < 65536 AND ifnull(path, '') NOT LIKE '{%' THEN path
        ELSE json_patch('{}', json_object(
            'path', path, 'consumer', consumer, 'error', error,
            -- A number that is too high for its place gives way to the text.
            'user_agent', coalesce(user_agent, iif(user_agent_id < 65536, NULL,
                (SELECT user_agents.user_agent FROM user_agents WHERE user_agents.id = user_agent_id))),
            'request_headers', json(request_headers), 'response_headers', json(response_headers)))
    END
FROM old_requests
JOIN endpoints ON endpoints.id = old_requests.endpoint_id
LEFT JOIN handlers ON handlers.id = old_requests.handler_id
JOIN kinds ON kinds.endpoint = endpoints.endpoint AND kinds.method = endpoints.method
    AND kinds.handler = ifnull(handlers.name, '')
    AND kinds.status_code = ifnull(old_requests.status_code, 0)
    AND kinds.outcome = old_requests.outcome
ORDER BY old_requests.id;

INSERT INTO latencies
SELECT keys >> 16, started_us / 3600000000, started_us / 60000000, min(id),
    unhex(group_concat(printf('%08x%016x', started_us % 3600000000, response_time_us), ''))
FROM requests JOIN old_requests USING (id, started_us) GROUP BY 1, 2, 3;

DROP TABLE old_requests;
DROP TABLE endpoints;
DROP TABLE handlers;

CREATE VIEW api_metrics AS
SELECT
    requests.id,
    kinds.endpoint,
    kinds.method,
    CASE
        WHEN typeof(requests.path) IS NOT 'integer' THEN
            iif(requests.path LIKE '{%', json_extract(requests.path, '$.path'), requests.path)
        WHEN instr(kinds.endpoint, '{') = 0 THEN kinds.endpoint
        ELSE substr(kinds.endpoint, 1, instr(kinds.endpoint, '{') - 1) || requests.path
            || substr(kinds.endpoint, instr(kinds.endpoint, '}') + 1)
    END AS path,
    nullif(kinds.status_code, 0) AS status_code,
    iif(typeof(requests.times) = 'integer', requests.times >> 31,
        json_extract(requests.times, '$[0]')) / 1000000.0 AS response_time,
    (nullif(iif(typeof(requests.times) = 'integer', requests.times & 0x7fffffff,
        json_extract(requests.times, '$[1]')), 0) - 1) / 1000000.0 AS time_to_head,
    strftime('%Y-%m-%dT%H:%M:%S', requests.started_us / 1000000, 'unixepoch')
        || printf('.%06dZ', requests.started_us % 1000000) AS timestamp,
    CASE kinds.outcome
        WHEN 0 THEN 'ok'
        WHEN 1 THEN 'client_error'
        WHEN 2 THEN 'server_error'
        WHEN 3 THEN 'panic'
        WHEN 4 THEN 'client_disconnect'
        WHEN 5 THEN 'timeout'
        WHEN 6 THEN 'shutdown'
    END AS outcome,
    iif(requests.path LIKE '{%', json_extract(requests.path, '$.error'), NULL) AS error,
    nullif(kinds.handler, '') AS handler,
    iif(requests.trace_low IS NULL, NULL,
        printf('%016x%016x', requests.trace_high, requests.trace_low)) AS trace_id,
    iif(typeof(requests.client_ip) IS NOT 'integer', requests.client_ip,
        (requests.client_ip >> 24) || '.' || (requests.client_ip >> 16 & 255) || '.'
            || (requests.client_ip >> 8 & 255) || '.' || (requests.client_ip & 255)) AS client_ip,
    coalesce(user_agents.user_agent,
        iif(requests.path LIKE '{%', json_extract(requests.path, '$.user_agent'), NULL)) AS user_agent,
    iif(requests.path LIKE '{%', json_extract(requests.path, '$.consumer'), NULL) AS consumer,
    coalesce(iif(requests.path LIKE '{%', json_extract(requests.path, '$.request_headers'), NULL),
        '{}') AS request_headers,
    coalesce(iif(requests.path LIKE '{%', json_extract(requests.path, '$.response_headers'), NULL),
        '{}') AS response_headers,
    iif(typeof(requests.sizes) = 'integer', requests.sizes >> 31,
        json_extract(requests.sizes, '$[0]')) AS request_bytes,
    iif(typeof(requests.sizes) = 'integer', requests.sizes & 0x7fffffff,
        json_extract(requests.sizes, '$[1]')) AS response_bytes,
    services.service,
    services.version,
    services.instance
FROM requests
LEFT JOIN kinds ON kinds.id = requests.keys >> 16
LEFT JOIN user_agents ON user_agents.id = requests.keys & 0xffff
LEFT JOIN services ON services.id = requests.service_id;
