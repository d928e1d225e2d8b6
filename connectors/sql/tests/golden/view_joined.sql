-- Sqlite
SELECT "h"."id", "h"."name" COLLATE BINARY, "h"."parent", "p"."item" FROM (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "h" INNER JOIN "pa""rt" AS "p" ON "h"."id" = "p"."item"
-- Postgres
SELECT "h"."id", "h"."name" COLLATE "C", "h"."parent", "p"."item" FROM (SELECT id, name, parent FROM item WHERE mass > 5 -- heavy
) AS "h" INNER JOIN "erp"."pa""rt" AS "p" ON "h"."id" = "p"."item"
