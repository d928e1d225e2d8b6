#!/usr/bin/env python3
"""quality.sqlite from the parsed QIF files of the peers kit. usage: quality.py SEED_DIR OUT_FILE

What the QIF files say and nothing else: the seed file also has the serial of each part, which they do not."""
import csv
import os
import sqlite3
import sys

seed, out = sys.argv[1:3]
with open(os.path.join(seed, "quality", "characteristic.csv"), newline="", encoding="utf-8") as file:
    rows = list(csv.DictReader(file))
os.makedirs(os.path.dirname(out), exist_ok=True)
if os.path.exists(out):
    os.remove(out)
database = sqlite3.connect(out)
database.executescript("""
    CREATE TABLE inspected_part (product TEXT NOT NULL, part_number INTEGER NOT NULL, PRIMARY KEY (product, part_number));
    CREATE TABLE characteristic (product TEXT NOT NULL, part_number INTEGER NOT NULL, name TEXT NOT NULL, value REAL,
        low REAL, high REAL, status TEXT NOT NULL, PRIMARY KEY (product, part_number, name),
        FOREIGN KEY (product, part_number) REFERENCES inspected_part);
""")
number = lambda text: float(text) if text else None
parts = sorted({(row["qif_product"], int(row["qif_part_number"])) for row in rows})
database.executemany("INSERT INTO inspected_part VALUES (?, ?)", parts)
database.executemany(
    "INSERT INTO characteristic VALUES (?, ?, ?, ?, ?, ?, ?)",
    [(row["qif_product"], int(row["qif_part_number"]), row["characteristic"], number(row["value"]), number(row["low"]),
      number(row["high"]), row["status"]) for row in rows])
database.commit()
print(f"{len(parts)} inspected parts, {len(rows)} results in {out}")
