"""Tables of what is judged, silenced, held back and told. Each group belongs to the module that
reads and writes it; they are apart from those because a database is made before a store is."""

SILENCES = (
    # What is asked about is a column; the rest is one document.
    """CREATE TABLE silences (
        id INTEGER PRIMARY KEY AUTOINCREMENT, starts REAL NOT NULL, ends REAL NOT NULL,
        document TEXT NOT NULL)""",
    "CREATE INDEX silences_by_end ON silences (ends)",
)

LATCHES = (
    # With an empty reason it was released at that time: what ran before counts no more.
    """CREATE TABLE latches (
        server TEXT NOT NULL, sensor TEXT NOT NULL, at REAL NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (server, sensor)) WITHOUT ROWID""",
)

WAITS = (
    # Reactions that something holds for a while, until their incidents end.
    """CREATE TABLE waits (
        incident INTEGER PRIMARY KEY, cause TEXT NOT NULL, address TEXT NOT NULL,
        port INTEGER NOT NULL)""",
)

OUTBOX = (
    # `key` tells a target's notices apart: one that is written again is the same.
    """CREATE TABLE notices (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, target TEXT NOT NULL,
        key TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at REAL NOT NULL,
        finished_at REAL, error TEXT NOT NULL, document TEXT NOT NULL)""",
    "CREATE UNIQUE INDEX notices_once ON notices (target, key)",
    "CREATE INDEX notices_waiting ON notices (target, id) WHERE finished_at IS NULL",
    "CREATE INDEX notices_by_target ON notices (target, id)",
    "CREATE INDEX notices_by_time ON notices (at)",
    # What each target was told of an incident, until nobody has more to hear of it.
    "CREATE TABLE told (incident INTEGER PRIMARY KEY, document TEXT NOT NULL)",
)
