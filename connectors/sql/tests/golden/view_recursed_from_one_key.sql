-- Sqlite
WITH RECURSIVE "weft_step" AS  MATERIALIZED (SELECT "heavy"."id" AS "c0", "heavy"."parent" AS "c1" FROM (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "heavy" WHERE weft_is_int64("heavy"."parent", 2) AND "heavy"."parent" IS NOT NULL) , "weft_closure" ("c0", "c1") AS (SELECT "weft_step"."c0", "weft_step"."c1" FROM "weft_step" WHERE "weft_step"."c0" IN (?) UNION SELECT "weft_closure"."c0", "weft_step"."c1" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c1") SELECT "weft_closure"."c0", "weft_closure"."c1" FROM "weft_closure"
-- 1: Int64(0)
-- Postgres
WITH RECURSIVE "weft_step" AS  MATERIALIZED (SELECT "heavy"."id" AS "c0", "heavy"."parent" AS "c1" FROM (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "heavy" WHERE "heavy"."parent" IS NOT NULL) , "weft_closure" ("c0", "c1") AS (SELECT "weft_step"."c0", "weft_step"."c1" FROM "weft_step" WHERE "weft_step"."c0" = ANY($1) UNION (SELECT "weft_closure"."c0", "weft_step"."c1" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c1")) SELECT "weft_closure"."c0", "weft_closure"."c1" FROM "weft_closure"
-- 1: List([Int64(0)])
