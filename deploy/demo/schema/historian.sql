CREATE TABLE sample (
  id INTEGER NOT NULL PRIMARY KEY,
  run TEXT NOT NULL,
  machine TEXT NOT NULL,
  signal TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  value REAL NOT NULL
);
CREATE INDEX sample_run_signal ON sample (run, signal);
CREATE INDEX sample_signal_value ON sample (signal, value);
