-- Sqlite
SELECT weft_hours_of_instant("at", 8) FROM "item" WHERE weft_hours_of_instant("at", 8) > ?
-- 1: Int64(21)
-- Postgres
SELECT (CASE WHEN ISFINITE("at") THEN DATE_PART('hour', "at" AT TIME ZONE 'UTC') ELSE DATE_PART('year', "at" AT TIME ZONE 'UTC') END)::bigint FROM "erp"."item" WHERE ((CASE WHEN ISFINITE("at") THEN DATE_PART('hour', "at" AT TIME ZONE 'UTC') ELSE DATE_PART('year', "at" AT TIME ZONE 'UTC') END)::bigint) > $1
-- 1: Int64(21)
