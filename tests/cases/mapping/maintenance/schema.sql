-- The maintenance system of a plant.
CREATE TABLE site (
  id integer PRIMARY KEY,
  name text NOT NULL,
  city text
);
CREATE TABLE asset (
  asset_no text PRIMARY KEY,
  site_id integer NOT NULL REFERENCES site (id),
  parent_no text REFERENCES asset (asset_no),
  name text NOT NULL,
  serial_no text UNIQUE,
  installed_on date,
  "ratedPower" numeric(8, 2),
  is_critical boolean NOT NULL DEFAULT false
);
CREATE TABLE person (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  badge_no char(6) NOT NULL UNIQUE,
  full_name text NOT NULL,
  email text
);
CREATE TABLE skill (
  code text PRIMARY KEY,
  descr text NOT NULL
);
CREATE TABLE person_skill (
  person_id bigint NOT NULL REFERENCES person (id),
  skill_code text NOT NULL REFERENCES skill (code),
  PRIMARY KEY (person_id, skill_code)
);
CREATE TABLE work_order (
  wo_no text PRIMARY KEY,
  asset_no text NOT NULL REFERENCES asset (asset_no),
  reported_by bigint REFERENCES person (id),
  priority smallint NOT NULL,
  descr text NOT NULL,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  homepage text
);
CREATE TABLE part (
  part_no text PRIMARY KEY,
  descr text NOT NULL,
  unit_cost numeric(10, 2) NOT NULL,
  qty_on_hand integer NOT NULL
);
CREATE TABLE part_use (
  wo_no text NOT NULL REFERENCES work_order (wo_no),
  line_no integer NOT NULL,
  part_no text NOT NULL REFERENCES part (part_no),
  qty integer NOT NULL,
  PRIMARY KEY (wo_no, line_no)
);
CREATE TABLE labour (
  wo_no text NOT NULL REFERENCES work_order (wo_no),
  badge_no char(6) NOT NULL REFERENCES person (badge_no),
  hours double precision NOT NULL,
  remark text NOT NULL
);

INSERT INTO site VALUES (1, 'North works', 'Lund'), (2, 'South works', 'Ystad');
INSERT INTO asset VALUES
  ('P-100', 1, NULL, 'Feed pump', 'SN-7781', '2019-04-02', 37.5, true),
  ('P-100-M', 1, 'P-100', 'Motor of the feed pump', 'SN-7782', '2019-04-02', 37.5, true),
  ('C-7', 2, NULL, 'Conveyor', NULL, NULL, NULL, false);
INSERT INTO person (badge_no, full_name, email) VALUES
  ('B0017', 'Ada Holm', 'ada@plant.example'), ('B00018', 'Nils Berg', NULL), ('B00019', 'Eva Ek', 'eva@plant.example');
INSERT INTO skill VALUES ('EL', 'Electrician'), ('ME', 'Mechanic');
INSERT INTO person_skill VALUES (1, 'EL'), (1, 'ME'), (2, 'ME');
INSERT INTO work_order VALUES
  ('WO-1', 'P-100-M', 1, 1, 'Bearing is hot', '2026-03-01T06:30:00Z', '2026-03-02T15:00:00Z', 'https://plant.example/wo/1'),
  ('WO-2', 'P-100', 3, 2, 'Seal leaks', '2026-03-05T08:00:00Z', NULL, 'see the log'),
  ('WO-3', 'C-7', NULL, 3, 'Belt is worn', '2026-03-07T09:15:00Z', NULL, NULL);
INSERT INTO part VALUES ('6205', 'Bearing', 14.90, 12), ('S-40', 'Shaft seal', 89.00, 2);
INSERT INTO part_use VALUES ('WO-1', 1, '6205', 2), ('WO-2', 1, 'S-40', 1);
INSERT INTO labour VALUES ('WO-1', 'B0017', 3.5, 'replaced'), ('WO-1', 'B00018', 1.25, 'helped'), ('WO-2', 'B0017', 2, 'checked');
ANALYZE;
