"""DuckDB in one process over one database with the tables of all sources: SQL written by hand.

Arguments: the database, and the SQLite file it is made of where it is not there yet. With `--make` nothing is asked."""

import csv
import os
import sqlite3
import sys
import tempfile

import duckdb
from lines import answer


def declaration(source, table):
    """A table with its keys. Names are quoted: some are words of DuckDB's SQL."""
    parts, primary = [], []
    for _, name, kind, required, _, place in source.execute(f'PRAGMA table_info("{table}")'):
        # An INTEGER of SQLite has 64 bits.
        kind = "BIGINT" if kind == "INTEGER" else kind
        parts.append(f'"{name}" {kind}{" NOT NULL" if required else ""}')
        if place:
            primary.append((place, f'"{name}"'))
    parts.append(f"PRIMARY KEY ({', '.join(name for _, name in sorted(primary))})")
    for _, index, _, origin, _ in source.execute(f'PRAGMA index_list("{table}")').fetchall():
        if origin == "u":
            names = [f'"{name}"' for _, _, name in source.execute(f'PRAGMA index_info("{index}")')]
            parts.append(f"UNIQUE ({', '.join(names)})")
    return f'CREATE TABLE "{table}" ({", ".join(parts)})'


def copy(source, database):
    """Tables with their indexes; the rows by way of CSV, which is the fastest way that needs no extension."""
    tables = source.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    for (name,) in tables.fetchall():
        database.execute(declaration(source, name))
        with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as rows:
            csv.writer(rows).writerows(source.execute(f'SELECT * FROM "{name}"'))
            rows.flush()
            database.execute(f"COPY \"{name}\" FROM '{rows.name}' (FORMAT CSV, HEADER FALSE)")
    for (sql,) in source.execute("SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").fetchall():
        database.execute(sql)


def make(path, file):
    unfinished = f"{path}.{os.getpid()}.part"
    database = duckdb.connect(unfinished)
    copy(sqlite3.connect(f"file:{file}?mode=ro", uri=True), database)
    database.close()
    os.rename(unfinished, path)


path, file = sys.argv[1:3]
if not os.path.exists(path):
    make(path, file)
if "--make" not in sys.argv:
    database = duckdb.connect(path, read_only=True)

    def run(query):
        # Written as Weft writes it; the count comes back.
        return database.execute(f"COPY ({query}) TO '/dev/null' (FORMAT CSV)").fetchone()[0]

    answer(duckdb.__version__, run)
