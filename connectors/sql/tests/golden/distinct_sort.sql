-- Sqlite
SELECT "q"."c0" FROM (SELECT DISTINCT "code" COLLATE BINARY AS "c0" FROM "item") AS "q" ORDER BY "q"."c0" ASC NULLS FIRST
-- Postgres
SELECT "q"."c0" FROM (SELECT DISTINCT RPAD(CAST("code" AS text), 4) AS "c0" FROM "erp"."item") AS "q" ORDER BY "q"."c0" COLLATE "C" ASC NULLS FIRST
