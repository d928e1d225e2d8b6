-- Sqlite
SELECT 1 FROM "item" LIMIT ?
-- 1: Int64(3)
-- Postgres
SELECT 1 FROM "erp"."item" LIMIT $1
-- 1: Int64(3)
