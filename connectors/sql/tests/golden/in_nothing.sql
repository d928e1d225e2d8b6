-- Sqlite
SELECT "id" FROM "item" WHERE FALSE
-- Postgres
SELECT "id" FROM "erp"."item" WHERE FALSE
