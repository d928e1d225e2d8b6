-- Sqlite
SELECT "i"."id", "i"."name", "p"."item", "p"."odd""; DROP TABLE item; --" FROM "item" AS "i" LEFT JOIN "pa""rt" AS "p" ON "i"."id" = "p"."item" AND "p"."odd""; DROP TABLE item; --" = ? WHERE "i"."name" = ?
-- 1: Text("y")
-- 2: Text("x")
-- Postgres
SELECT "i"."id", "i"."name", "p"."item", "p"."odd""; DROP TABLE item; --" FROM "erp"."item" AS "i" LEFT JOIN "erp"."pa""rt" AS "p" ON "i"."id" = "p"."item" AND "p"."odd""; DROP TABLE item; --" = $1 WHERE "i"."name" = $2
-- 1: Text("y")
-- 2: Text("x")
