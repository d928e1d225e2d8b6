-- Sqlite
SELECT "id" FROM "item" WHERE weft_is_text("name", 1) AND ("name" = ? OR "name" < ? OR INSTR("name", ?) > 0)
-- 1: Text("a\0b")
-- 2: Text("a\0b")
-- 3: Text("\0")
-- Postgres
SELECT "id" FROM "erp"."item" WHERE "name" <> "name" OR ("name" COLLATE "C") <= $1 OR "name" <> "name"
-- 1: Text("a")
