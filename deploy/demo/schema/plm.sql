-- A foreign key column is called <navigation property>_<referenced column>.
CREATE TABLE Parts (
  number TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  unit TEXT NOT NULL,
  state TEXT NOT NULL
);
CREATE TABLE Changes (
  number TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  released_at TIMESTAMPTZ
);
CREATE TABLE Revisions (
  part_number TEXT NOT NULL,
  rev TEXT NOT NULL,
  state TEXT NOT NULL,
  effective_from DATE,
  effective_to DATE,
  material TEXT,
  mass_kg DECIMAL(9,3),
  change_number TEXT,
  PRIMARY KEY (part_number, rev),
  FOREIGN KEY (part_number) REFERENCES Parts (number),
  FOREIGN KEY (change_number) REFERENCES Changes (number)
);
CREATE TABLE BomLines (
  parent_part_number TEXT NOT NULL,
  parent_rev TEXT NOT NULL,
  find_no INTEGER NOT NULL,
  child_number TEXT NOT NULL,
  quantity DECIMAL(9,3) NOT NULL,
  PRIMARY KEY (parent_part_number, parent_rev, find_no),
  FOREIGN KEY (parent_part_number, parent_rev) REFERENCES Revisions (part_number, rev),
  FOREIGN KEY (child_number) REFERENCES Parts (number)
);
CREATE TABLE ChangeItems (
  change_number TEXT NOT NULL,
  revision_part_number TEXT NOT NULL,
  revision_rev TEXT NOT NULL,
  role TEXT NOT NULL,
  PRIMARY KEY (change_number, revision_part_number, revision_rev),
  FOREIGN KEY (change_number) REFERENCES Changes (number),
  FOREIGN KEY (revision_part_number, revision_rev) REFERENCES Revisions (part_number, rev)
);
CREATE TABLE Documents (
  file_name TEXT NOT NULL PRIMARY KEY,
  title TEXT NOT NULL,
  kind TEXT NOT NULL,
  revision_part_number TEXT NOT NULL,
  revision_rev TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  FOREIGN KEY (revision_part_number, revision_rev) REFERENCES Revisions (part_number, rev)
);
