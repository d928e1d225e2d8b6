-- Sqlite
SELECT "q"."c0", "q"."c1", "q"."c2", "q"."c3", "q"."c4", "q"."c5", "q"."c6", "q"."c7" FROM (SELECT "name" AS "c0", COUNT(*) AS "c1", COUNT(DISTINCT "code" COLLATE BINARY) AS "c2", SUM("id") AS "c3", weft_sum_decimal(DISTINCT "price") AS "c4", SUM("mass") AS "c5", MIN("code" COLLATE BINARY) AS "c6", MAX("ok") AS "c7" FROM "item" WHERE weft_is_text("code", 2) AND weft_is_int64("id", 0) AND weft_is_decimal("price", 4) AND weft_is_float64("mass", 5) AND weft_is_boolean("ok", 6) GROUP BY "name") AS "q" WHERE "q"."c1" > ?
-- 1: Int64(1)
-- Postgres
SELECT "q"."c0", "q"."c1", "q"."c2", "q"."c3", "q"."c4", "q"."c5", "q"."c6", "q"."c7" FROM (SELECT "name" AS "c0", COUNT(*) AS "c1", COUNT(DISTINCT RPAD(CAST("code" AS text), 4)) AS "c2", CAST(SUM("id") AS bigint) AS "c3", SUM(DISTINCT "price") AS "c4", SUM(CAST("mass" AS float8)) AS "c5", MIN(RPAD(CAST("code" AS text), 4) COLLATE "C") AS "c6", BOOL_OR("ok") AS "c7" FROM "erp"."item" GROUP BY "name") AS "q" WHERE "q"."c1" > $1
-- 1: Int64(1)
