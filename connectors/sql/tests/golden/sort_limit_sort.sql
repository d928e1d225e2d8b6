-- Sqlite
SELECT "q"."c0", "q"."c1" FROM (SELECT "name" AS "c0", weft_instant("at", 8) AS "c1" FROM "item" ORDER BY "name" DESC NULLS LAST, weft_instant("at", 8) ASC NULLS FIRST LIMIT ? OFFSET ?) AS "q" ORDER BY "q"."c1" DESC NULLS LAST
-- 1: Int64(10)
-- 2: Int64(5)
-- Postgres
SELECT "q"."c0", "q"."c1" FROM (SELECT "name" AS "c0", "at" AS "c1" FROM "erp"."item" ORDER BY "name" COLLATE "C" DESC NULLS LAST, "at" ASC NULLS FIRST LIMIT $1 OFFSET $2) AS "q" ORDER BY "q"."c1" DESC NULLS LAST
-- 1: Int64(10)
-- 2: Int64(5)
