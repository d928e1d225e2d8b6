CREATE TABLE IF NOT EXISTS link (
  subject TEXT NOT NULL,
  predicate TEXT NOT NULL,
  object TEXT NOT NULL,
  rule TEXT,
  author TEXT,
  evidence TEXT,
  confidence REAL,
  state TEXT NOT NULL,
  valid_from TEXT,
  valid_to TEXT,
  recorded_at TEXT NOT NULL,
  superseded_at TEXT
);
