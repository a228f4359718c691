-- What is on the shelves, and who is known, on the day that the store opens.

WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < 99)
INSERT INTO users (id, name) SELECT n, 'User ' || n FROM numbers;

INSERT INTO toys (id, name, price_cents, stock, length_cm) VALUES
    (1,  'Teddy Bear with a Secret',           2499, 900,  35),
    (2,  'Sock Puppet of No Fixed Opinion',     799, 900,  30),
    (3,  'Rubber Duck, Senior Engineer',        999, 900,  11),
    (4,  'Kite Afraid of Heights',             1599, 900,  90),
    (5,  'Wooden Train, Nearly on Time',       3999, 700,  60),
    (6,  'Puzzle: 1,000 Shades of Sky',        2199, 800,  40),
    (7,  'Wind-up Robot',                      1999,   0,  18),
    (8,  'Robot That Only Says Sorry',         3499,   0,  25),
    (9,  'Robot Dog, House-trained',           5999,   0,  32),
    (10, 'Robot with Stage Fright',            2799,   0,  24),
    (11, 'Singing Robot (Baritone)',           4299,   0,  28),
    (12, 'Very Small Robot',                    499,   0,   3),
    (13, 'Robot Who Wanted to Be a Toaster',   3199,   0,  22),
    (14, 'Dragon, Fireproof Edition',          2999, 600,  45),
    (15, 'Dragon Called Gösta',                2899, 600,  44),
    (16, 'Giraffe, Almost Life-size',         24900,  60, 310),
    (17, 'Marionette Zoë',                     2299, 500,  38),
    (18, 'Snow Globe: Zürich in July',         1299, 700,  12),
    (19, 'Plush Walrus Bjørn',                 2699, 600,  50),
    (20, 'Yo-yo for Beginners at Physics',      599, 900,   6),
    (21, 'Bear Who Has Read Everything',       3299, 700,  36),
    (22, 'Jack-out-of-the-Box',                1499, 800,  16),
    (23, 'Invisible Spinning Top',             1099, 900,   7),
    (24, 'Skipping Rope for Two Towns',        1899, 300, 900),
    (25, 'Chess Set with Opinionated Pawns',   4499, 500,  42),
    (26, 'Pop-up Café',                        1799, 600,  26),
    (27, 'Penguin Called Ågot',                1999, 600,  31),
    (28, 'Drum Kit (Gift for Other Parents)',  8999, 200,  75),
    (29, 'Glow-in-the-Dark Sundial',           1699, 500,  20),
    (30, 'Unfinished Rocking Hor',             6499, 100,  85),
    (31, 'Magic Wand, One Careful Owner',      1199, 700,  30),
    (32, 'Pirate Ship in a Very Large Bottle', 7999, 150,  65),
    (33, 'Boomerang (Returns Not Accepted)',    899, 900,  33),
    (34, 'Señor Piñata',                       2099, 400,  48),
    (35, 'Last Marble in the World',            101,   3,   2),
    (36, 'Moon, Scale 1:10,000,000',           3474, 250,  35);

INSERT INTO deliveries (toy_id, days) VALUES
    (7, 3), (8, 12), (9, 5), (10, 30), (11, 8), (12, 1), (13, 99);
