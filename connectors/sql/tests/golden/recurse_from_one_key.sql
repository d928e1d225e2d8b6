-- Sqlite
SELECT "q"."c0", "q"."c1" FROM (WITH RECURSIVE "weft_step" AS NOT MATERIALIZED (SELECT "parent" AS "c0", "id" AS "c1" FROM "item" WHERE "name" = ? AND weft_is_int64("id", 0) AND "id" IS NOT NULL) , "weft_closure" ("c0") AS (SELECT "weft_step"."c1" FROM "weft_step" WHERE "weft_step"."c0" IN (?) UNION SELECT "weft_step"."c1" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c0") SELECT ? AS "c0", "weft_closure"."c0" AS "c1" FROM "weft_closure") AS "q"
-- 1: Text("x")
-- 2: Int64(0)
-- 3: Int64(0)
-- Postgres
SELECT "q"."c0", "q"."c1" FROM (WITH RECURSIVE "weft_step" AS NOT MATERIALIZED (SELECT "parent" AS "c0", "id" AS "c1" FROM "erp"."item" WHERE "name" = $1 AND "id" IS NOT NULL) , "weft_closure" ("c0") AS (SELECT "weft_step"."c1" FROM "weft_step" WHERE "weft_step"."c0" = ANY($2) UNION (SELECT "weft_step"."c1" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c0")) SELECT $3 AS "c0", "weft_closure"."c0" AS "c1" FROM "weft_closure") AS "q"
-- 1: Text("x")
-- 2: List([Int64(0)])
-- 3: Int64(0)
