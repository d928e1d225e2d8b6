-- Sqlite
WITH RECURSIVE "weft_step" AS  MATERIALIZED (SELECT "heavy"."id" AS "c0", "heavy"."parent" AS "c1" FROM (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "heavy" WHERE weft_is_int64("heavy"."id", 0) AND "heavy"."id" IS NOT NULL AND weft_is_int64("heavy"."parent", 2) AND "heavy"."parent" IS NOT NULL) , "weft_closure" ("c0", "c1") AS (SELECT "weft_step"."c0", "weft_step"."c1" FROM "weft_step" UNION SELECT "weft_closure"."c0", "weft_step"."c1" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c1") SELECT "weft_closure"."c0", "weft_closure"."c1" FROM "weft_closure"
-- Postgres
WITH RECURSIVE "weft_step" AS  MATERIALIZED (SELECT "heavy"."id" AS "c0", "heavy"."parent" AS "c1" FROM (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "heavy" WHERE "heavy"."id" IS NOT NULL AND "heavy"."parent" IS NOT NULL) , "weft_closure" ("c0", "c1") AS (SELECT "weft_step"."c0", "weft_step"."c1" FROM "weft_step" UNION (SELECT "weft_closure"."c0", "weft_step"."c1" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c1")) SELECT "weft_closure"."c0", "weft_closure"."c1" FROM "weft_closure"
