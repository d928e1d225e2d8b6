-- Sqlite
SELECT "id" FROM "item" WHERE ("id", "name") IN (SELECT * FROM (VALUES (?, ?), (?, ?)) AS "keys")
-- 1: Int64(0)
-- 2: Text("n\"0")
-- 3: Int64(1)
-- 4: Text("n\"1")
-- Postgres
SELECT "id" FROM "erp"."item" WHERE ("id", "name") IN (SELECT UNNEST($1), UNNEST($2))
-- 1: List([Int64(0), Int64(1)])
-- 2: List([Text("n\"0"), Text("n\"1")])
