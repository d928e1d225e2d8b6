-- Sqlite
SELECT DISTINCT "i"."name" FROM "item" AS "i" INNER JOIN (SELECT "p"."item" AS "c0", "p"."odd""; DROP TABLE item; --" AS "c1" FROM "pa""rt" AS "p" WHERE "p"."odd""; DROP TABLE item; --" = ? LIMIT ? OFFSET ?) AS "q" ON "i"."id" = "q"."c0" WHERE "i"."name" = ?
-- 1: Text("y")
-- 2: Int64(9223372036854775807)
-- 3: Int64(2)
-- 4: Text("x")
-- Postgres
SELECT DISTINCT "i"."name" FROM "erp"."item" AS "i" INNER JOIN (SELECT "p"."item" AS "c0", "p"."odd""; DROP TABLE item; --" AS "c1" FROM "erp"."pa""rt" AS "p" WHERE "p"."odd""; DROP TABLE item; --" = $1 LIMIT $2 OFFSET $3) AS "q" ON "i"."id" = "q"."c0" WHERE "i"."name" = $4
-- 1: Text("y")
-- 2: Int64(9223372036854775807)
-- 3: Int64(2)
-- 4: Text("x")
