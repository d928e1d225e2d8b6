-- Sqlite
SELECT "p"."item", "h"."id", "h"."name" COLLATE BINARY, "h"."parent" FROM "pa""rt" AS "p" LEFT JOIN (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "h" ON "p"."item" = "h"."id"
-- Postgres
SELECT "p"."item", "h"."id", "h"."name" COLLATE "C", "h"."parent" FROM "erp"."pa""rt" AS "p" LEFT JOIN (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "h" ON "p"."item" = "h"."id"
