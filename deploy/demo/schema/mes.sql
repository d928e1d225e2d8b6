CREATE TABLE machine (
  code TEXT NOT NULL PRIMARY KEY,
  maker TEXT NOT NULL,
  cell TEXT NOT NULL
);
CREATE TABLE work_order (
  number TEXT NOT NULL PRIMARY KEY,
  part TEXT NOT NULL,
  planned_rev TEXT NOT NULL,
  quantity INTEGER NOT NULL,
  status TEXT NOT NULL
);
CREATE TABLE material_request (
  work_order TEXT NOT NULL REFERENCES work_order (number),
  part TEXT NOT NULL,
  quantity DECIMAL(12,2) NOT NULL,
  PRIMARY KEY (work_order, part)
);
CREATE TABLE serial (
  serial TEXT NOT NULL PRIMARY KEY,
  part TEXT NOT NULL,
  work_order TEXT NOT NULL REFERENCES work_order (number),
  status TEXT NOT NULL
);
CREATE TABLE genealogy (
  assembly TEXT NOT NULL REFERENCES serial (serial),
  component TEXT NOT NULL REFERENCES serial (serial),
  installed_at TIMESTAMPTZ NOT NULL,
  removed_at TIMESTAMPTZ,
  PRIMARY KEY (assembly, component)
);
CREATE TABLE machine_run (
  run TEXT NOT NULL PRIMARY KEY,
  machine TEXT NOT NULL REFERENCES machine (code),
  serial TEXT NOT NULL REFERENCES serial (serial),
  program TEXT NOT NULL,
  started TIMESTAMPTZ NOT NULL,
  ended TIMESTAMPTZ NOT NULL
);
CREATE INDEX serial_work_order ON serial (work_order);
CREATE INDEX genealogy_component ON genealogy (component);
CREATE INDEX machine_run_serial ON machine_run (serial);
