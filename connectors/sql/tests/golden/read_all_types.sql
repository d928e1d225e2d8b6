-- Sqlite
SELECT "id", "name", "code" COLLATE BINARY, "guid", "price", "mass", "ok", "day", "at" FROM "item"
-- Postgres
SELECT "id", "name", RPAD(CAST("code" AS text), 4), CAST("guid" AS text), "price", "mass", "ok", "day", "at" FROM "erp"."item"
