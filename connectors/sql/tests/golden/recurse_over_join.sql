-- Sqlite
WITH RECURSIVE "weft_step" AS NOT MATERIALIZED (SELECT "i"."id" AS "c0", "p"."item" AS "c1" FROM "item" AS "i" INNER JOIN "pa""rt" AS "p" ON "i"."id" = "p"."item" WHERE "i"."name" = ? AND "p"."odd""; DROP TABLE item; --" = ? AND weft_is_int64("i"."id", 0) AND "i"."id" IS NOT NULL AND weft_is_int64("p"."item", 11) AND "p"."item" IS NOT NULL) , "weft_closure" ("c0", "c1") AS (SELECT "weft_step"."c0", "weft_step"."c1" FROM "weft_step" UNION SELECT "weft_closure"."c0", "weft_step"."c1" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c1") SELECT "weft_closure"."c0", "weft_closure"."c1" FROM "weft_closure"
-- 1: Text("x")
-- 2: Text("y")
-- Postgres
WITH RECURSIVE "weft_step" AS NOT MATERIALIZED (SELECT "i"."id" AS "c0", "p"."item" AS "c1" FROM "erp"."item" AS "i" INNER JOIN "erp"."pa""rt" AS "p" ON "i"."id" = "p"."item" WHERE "i"."name" = $1 AND "p"."odd""; DROP TABLE item; --" = $2 AND "i"."id" IS NOT NULL AND "p"."item" IS NOT NULL) , "weft_closure" ("c0", "c1") AS (SELECT "weft_step"."c0", "weft_step"."c1" FROM "weft_step" UNION (SELECT "weft_closure"."c0", "weft_step"."c1" FROM "weft_closure" CROSS JOIN "weft_step" WHERE "weft_step"."c0" = "weft_closure"."c1")) SELECT "weft_closure"."c0", "weft_closure"."c1" FROM "weft_closure"
-- 1: Text("x")
-- 2: Text("y")
