CREATE TABLE users (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL
);

CREATE TABLE toys (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL,
    price_cents INTEGER NOT NULL CHECK (price_cents > 0),
    stock       INTEGER NOT NULL CHECK (stock >= 0),
    length_cm   INTEGER NOT NULL CHECK (length_cm > 0)
);

CREATE TABLE orders (
    id          INTEGER PRIMARY KEY,
    toy_id      INTEGER NOT NULL REFERENCES toys (id),
    quantity    INTEGER NOT NULL CHECK (quantity > 0),
    total_cents INTEGER NOT NULL,
    status      TEXT NOT NULL DEFAULT 'processing'
);

-- When the workshop brings a toy that is sold out.
CREATE TABLE deliveries (
    toy_id INTEGER PRIMARY KEY REFERENCES toys (id),
    days   INTEGER NOT NULL
);
