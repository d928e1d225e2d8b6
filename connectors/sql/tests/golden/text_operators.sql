-- Sqlite
SELECT "id" FROM "item" WHERE weft_is_text("name", 1) AND weft_is_text("code", 2) AND ("name" GLOB ?) AND ("name" <> ? AND SUBSTR(CAST("name" AS BLOB), -2) = ?) AND INSTR("code" COLLATE BINARY, ?) > 0
-- 1: Text("a[*]%_\\[[]*")
-- 2: Text("")
-- 3: Binary([195, 169])
-- 4: Text("100%")
-- Postgres
SELECT "id" FROM "erp"."item" WHERE "name" LIKE $1 AND "name" LIKE $2 AND RPAD(CAST("code" AS text), 4) LIKE $3
-- 1: Text("a*\\%\\_\\\\[%")
-- 2: Text("%é")
-- 3: Text("%100\\%%")
