-- Sqlite
SELECT "heavy"."name" COLLATE BINARY, COUNT(*) FROM (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "heavy" GROUP BY "heavy"."name" COLLATE BINARY
-- Postgres
SELECT "heavy"."name" COLLATE "C", COUNT(*) FROM (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "heavy" GROUP BY "heavy"."name" COLLATE "C"
