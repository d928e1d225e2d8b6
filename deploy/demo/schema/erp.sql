CREATE TABLE party (
  name TEXT NOT NULL PRIMARY KEY,
  role TEXT NOT NULL,
  country TEXT NOT NULL
);
CREATE TABLE item (
  code TEXT NOT NULL PRIMARY KEY,
  description TEXT NOT NULL,
  unit TEXT NOT NULL,
  lead_days INTEGER
);
CREATE TABLE lot (
  number TEXT NOT NULL PRIMARY KEY,
  item TEXT NOT NULL REFERENCES item (code),
  supplier TEXT NOT NULL REFERENCES party (name),
  received DATE NOT NULL
);
CREATE TABLE purchase_line (
  purchase_order TEXT NOT NULL,
  line INTEGER NOT NULL,
  supplier TEXT NOT NULL REFERENCES party (name),
  item TEXT NOT NULL REFERENCES item (code),
  quantity DECIMAL(12,2) NOT NULL,
  unit_price DECIMAL(12,2) NOT NULL,
  status TEXT NOT NULL,
  due DATE NOT NULL,
  PRIMARY KEY (purchase_order, line)
);
CREATE TABLE production_order (
  number TEXT NOT NULL PRIMARY KEY,
  item TEXT NOT NULL REFERENCES item (code),
  quantity INTEGER NOT NULL,
  starts DATE NOT NULL,
  status TEXT NOT NULL
);
CREATE TABLE consumption (
  production_order TEXT NOT NULL REFERENCES production_order (number),
  lot TEXT NOT NULL REFERENCES lot (number),
  quantity DECIMAL(12,2) NOT NULL,
  PRIMARY KEY (production_order, lot)
);
CREATE TABLE sales_order (
  number TEXT NOT NULL PRIMARY KEY,
  customer TEXT NOT NULL REFERENCES party (name),
  status TEXT NOT NULL,
  shipped DATE
);
CREATE TABLE finished_unit (
  unit TEXT NOT NULL PRIMARY KEY,
  item TEXT NOT NULL REFERENCES item (code),
  sales_order TEXT REFERENCES sales_order (number)
);
CREATE INDEX finished_unit_sales_order ON finished_unit (sales_order);
CREATE INDEX consumption_lot ON consumption (lot);
