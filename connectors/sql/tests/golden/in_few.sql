-- Sqlite
SELECT "id" FROM "item" WHERE "guid" IN (?, ?)
-- 1: Text("0e37df36-f698-11e6-8dd4-cb9ced3df976")
-- 2: Text("x")
-- Postgres
SELECT "id" FROM "erp"."item" WHERE "guid" = ANY($1)
-- 1: List([Uuid([14, 55, 223, 54, 246, 152, 17, 230, 141, 212, 203, 156, 237, 61, 249, 118])])
