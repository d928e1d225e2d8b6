-- Sqlite
SELECT "heavy"."id", "heavy"."name" COLLATE BINARY, "heavy"."parent" FROM (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "heavy" WHERE "heavy"."id" IN (?, ?) AND ("heavy"."name" COLLATE BINARY) = ? LIMIT ?
-- 1: Int64(0)
-- 2: Int64(1)
-- 3: Text("x")
-- 4: Int64(5)
-- Postgres
SELECT "heavy"."id", "heavy"."name" COLLATE "C", "heavy"."parent" FROM (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "heavy" WHERE "heavy"."id" = ANY($1) AND ("heavy"."name" COLLATE "C") = $2 LIMIT $3
-- 1: List([Int64(0), Int64(1)])
-- 2: Text("x")
-- 3: Int64(5)
