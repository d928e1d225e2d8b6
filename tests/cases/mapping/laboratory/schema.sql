CREATE TABLE "Test Rig" ("Rig-ID" TEXT NOT NULL PRIMARY KEY, "Hall" TEXT, "Größe" REAL);
CREATE TABLE sample (batch TEXT NOT NULL, no INTEGER NOT NULL, taken_on DATE, PRIMARY KEY (batch, no)) WITHOUT ROWID;
CREATE TABLE measurement (
  uuid TEXT NOT NULL UNIQUE, batch TEXT, sample_no INTEGER, "Rig-ID" TEXT NOT NULL REFERENCES "Test Rig" ("Rig-ID"),
  value REAL, unit TEXT, raw BLOB, ok BOOLEAN NOT NULL, at TIMESTAMPTZ NOT NULL,
  FOREIGN KEY (batch, sample_no) REFERENCES sample (batch, no)
);
CREATE TABLE replaced_by (
  old TEXT NOT NULL REFERENCES "Test Rig" ("Rig-ID"), new TEXT NOT NULL REFERENCES "Test Rig" ("Rig-ID")
);
CREATE TABLE note (written TEXT, text TEXT COLLATE NOCASE);
CREATE TABLE empty_of_keys (a INTEGER NOT NULL, b TEXT NOT NULL);
