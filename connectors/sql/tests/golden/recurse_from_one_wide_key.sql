-- Sqlite
SELECT "q"."c0", "q"."c1", "q"."c2", "q"."c3" FROM (WITH RECURSIVE "weft_step" AS NOT MATERIALIZED (SELECT "parent" AS "c0", "name" AS "c1", "id" AS "c2", "code" COLLATE BINARY AS "c3" FROM "item" WHERE weft_is_int64("id", 0) AND "id" IS NOT NULL AND weft_is_text("code", 2) AND ("code" COLLATE BINARY) IS NOT NULL) , "weft_closure" ("c0", "c1") AS (SELECT "weft_step"."c2", "weft_step"."c3" FROM "weft_step" WHERE ("weft_step"."c1", "weft_step"."c0") IN (SELECT * FROM (VALUES (?, ?)) AS "keys") UNION SELECT "weft_step"."c2", "weft_step"."c3" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c0" AND "weft_step"."c1" = "weft_closure"."c1") SELECT ? AS "c0", ? AS "c1", "weft_closure"."c0" AS "c2", "weft_closure"."c1" AS "c3" FROM "weft_closure") AS "q"
-- 1: Text("n\"0")
-- 2: Int64(0)
-- 3: Int64(0)
-- 4: Text("n\"0")
-- Postgres
SELECT "q"."c0", "q"."c1", "q"."c2", "q"."c3" FROM (WITH RECURSIVE "weft_step" AS NOT MATERIALIZED (SELECT "parent" AS "c0", "name" AS "c1", "id" AS "c2", RPAD(CAST("code" AS text), 4) AS "c3" FROM "erp"."item" WHERE "id" IS NOT NULL AND RPAD(CAST("code" AS text), 4) IS NOT NULL) , "weft_closure" ("c0", "c1") AS (SELECT "weft_step"."c2", "weft_step"."c3" FROM "weft_step" WHERE ("weft_step"."c1", "weft_step"."c0") IN (SELECT UNNEST($1), UNNEST($2)) UNION (SELECT "weft_step"."c2", "weft_step"."c3" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c0" AND "weft_step"."c1" = "weft_closure"."c1")) SELECT $3 AS "c0", $4 AS "c1", "weft_closure"."c0" AS "c2", "weft_closure"."c1" AS "c3" FROM "weft_closure") AS "q"
-- 1: List([Text("n\"0")])
-- 2: List([Int64(0)])
-- 3: Int64(0)
-- 4: Text("n\"0")
