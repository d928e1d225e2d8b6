CREATE TABLE inspection_result (
  barcode TEXT NOT NULL,
  characteristic TEXT NOT NULL,
  measured REAL NOT NULL,
  lower_limit REAL,
  upper_limit REAL,
  verdict TEXT NOT NULL,
  inspected DATE NOT NULL,
  PRIMARY KEY (barcode, characteristic)
);
CREATE TABLE nonconformance (
  number TEXT NOT NULL PRIMARY KEY,
  barcode TEXT NOT NULL,
  opened DATE NOT NULL,
  disposition TEXT,
  closed DATE
);
CREATE INDEX nonconformance_barcode ON nonconformance (barcode);
