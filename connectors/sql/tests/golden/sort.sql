-- Sqlite
SELECT "name", "at" FROM "item" ORDER BY "name" DESC NULLS LAST, weft_instant("at", 8) ASC NULLS FIRST
-- Postgres
SELECT "name", "at" FROM "erp"."item" ORDER BY "name" COLLATE "C" DESC NULLS LAST, "at" ASC NULLS FIRST
