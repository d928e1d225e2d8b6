-- Sqlite
SELECT "i"."id", "i"."name", "p"."item", "p"."odd""; DROP TABLE item; --" FROM "item" AS "i" INNER JOIN "pa""rt" AS "p" ON "i"."id" = "p"."item" WHERE "i"."name" = ? AND "p"."odd""; DROP TABLE item; --" = ?
-- 1: Text("x")
-- 2: Text("y")
-- Postgres
SELECT "i"."id", "i"."name", "p"."item", "p"."odd""; DROP TABLE item; --" FROM "erp"."item" AS "i" INNER JOIN "erp"."pa""rt" AS "p" ON "i"."id" = "p"."item" WHERE "i"."name" = $1 AND "p"."odd""; DROP TABLE item; --" = $2
-- 1: Text("x")
-- 2: Text("y")
