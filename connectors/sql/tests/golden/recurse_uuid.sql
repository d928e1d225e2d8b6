-- Sqlite
SELECT "q"."c0", "q"."c1" FROM (WITH RECURSIVE "weft_step" AS NOT MATERIALIZED (SELECT "parent_guid" AS "c0", "guid" AS "c1" FROM "item" WHERE weft_is_text("guid", 3) AND "guid" IS NOT NULL) , "weft_closure" ("c0") AS (SELECT "weft_step"."c1" FROM "weft_step" WHERE "weft_step"."c0" IN (?) UNION SELECT "weft_step"."c1" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c0") SELECT ? AS "c0", "weft_closure"."c0" AS "c1" FROM "weft_closure") AS "q"
-- 1: Text("0e37df36-f698-11e6-8dd4-cb9ced3df976")
-- 2: Text("0e37df36-f698-11e6-8dd4-cb9ced3df976")
-- Postgres
WITH RECURSIVE "weft_step" AS NOT MATERIALIZED (SELECT "parent_guid" AS "c0", "guid" AS "c1" FROM "erp"."item" WHERE "guid" IS NOT NULL) , "weft_closure" ("c0", "c1") AS (SELECT "weft_step"."c0", "weft_step"."c1" FROM "weft_step" WHERE "weft_step"."c0" = ANY($1) UNION (SELECT "weft_closure"."c0", "weft_step"."c1" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c1")) SELECT CAST("weft_closure"."c0" AS text), CAST("weft_closure"."c1" AS text) FROM "weft_closure"
-- 1: List([Uuid([14, 55, 223, 54, 246, 152, 17, 230, 141, 212, 203, 156, 237, 61, 249, 118])])
