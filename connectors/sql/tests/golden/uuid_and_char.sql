-- Sqlite
SELECT "id" FROM "item" WHERE weft_is_text("guid", 3) AND "guid" = ? AND "guid" <> ? AND ("code" COLLATE BINARY) = ? AND ("code" COLLATE BINARY) = ?
-- 1: Text("0e37df36-f698-11e6-8dd4-cb9ced3df976")
-- 2: Text("no uuid")
-- 3: Text("ab  ")
-- 4: Text("ab")
-- Postgres
SELECT "id" FROM "erp"."item" WHERE "guid" = $1 AND CAST("guid" AS text) = CAST("guid" AS text) AND "code" = $2 AND RPAD(CAST("code" AS text), 4) <> RPAD(CAST("code" AS text), 4)
-- 1: Uuid([14, 55, 223, 54, 246, 152, 17, 230, 141, 212, 203, 156, 237, 61, 249, 118])
-- 2: Padded("ab  ")
