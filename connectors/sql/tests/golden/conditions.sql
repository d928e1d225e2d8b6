-- Sqlite
SELECT "id" FROM "item" WHERE weft_is_decimal("price", 4) AND weft_is_float64("mass", 5) AND weft_is_boolean("ok", 6) AND weft_is_date("day", 7) AND weft_is_text("name", 1) AND "id" = ? AND ("price" < ? OR "mass" > ? OR "name" IS NULL) AND (NOT "ok" = ?) AND "day" >= ? AND weft_instant("at", 8) < ? AND "name" > ? AND "mass" <> "mass"
-- 1: Int64(7)
-- 2: Float64(12.5)
-- 3: Float64(1.5)
-- 4: Boolean(true)
-- 5: Text("2017-03-02")
-- 6: Timestamp { micros: 1000000, zoned: true }
-- 7: Text("m")
-- Postgres
SELECT "id" FROM "erp"."item" WHERE "id" = $1 AND ("price" < $2 OR ("mass" > $3 AND "mass" <> 'NaN'::float8) OR "name" IS NULL) AND (NOT "ok" = $4) AND "day" >= $5 AND "at" < $6 AND ("name" COLLATE "C") > $7 AND ("mass" <> "mass" OR ("mass" = 'NaN'::float8 AND "mass" = 'NaN'::float8))
-- 1: Int64(7)
-- 2: Decimal { unscaled: 12500, scale: 3 }
-- 3: Float64(1.5)
-- 4: Boolean(true)
-- 5: Date(17227)
-- 6: Timestamp { micros: 1000000, zoned: true }
-- 7: Text("m")
