-- Sqlite
SELECT "name", COUNT(*), COUNT(DISTINCT "code" COLLATE BINARY), SUM("id"), weft_sum_decimal(DISTINCT "price"), SUM("mass"), MIN("code" COLLATE BINARY), MAX("ok") FROM "item" WHERE weft_is_text("code", 2) AND weft_is_int64("id", 0) AND weft_is_decimal("price", 4) AND weft_is_float64("mass", 5) AND weft_is_boolean("ok", 6) GROUP BY "name"
-- Postgres
SELECT "name", COUNT(*), COUNT(DISTINCT RPAD(CAST("code" AS text), 4)), CAST(SUM("id") AS bigint), SUM(DISTINCT "price"), SUM(CAST("mass" AS float8)), MIN(RPAD(CAST("code" AS text), 4) COLLATE "C"), BOOL_OR("ok") FROM "erp"."item" GROUP BY "name"
