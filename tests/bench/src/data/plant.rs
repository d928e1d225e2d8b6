//! Three systems of a plant, and a historian.
//!
//! One part in a hundred is of titanium, ten are of steel. Numbers are multiples of one eighth, so that their sums do not
//! depend on the order, and no two units have the same torque, so that the ten highest are always the same.

use super::Object::{Column, Template};
use super::{Recipe, Scale, numbers, triple_map};

pub(super) fn recipes(scale: Scale) -> Vec<Recipe> {
    vec![plm(scale), erp(scale), mes(scale), historian(scale)]
}

fn plm(scale: Scale) -> Recipe {
    let parts = format!(
        "CREATE TABLE part (
           id INTEGER NOT NULL PRIMARY KEY, number TEXT NOT NULL UNIQUE, name TEXT NOT NULL, description TEXT NOT NULL,
           material TEXT NOT NULL, revision TEXT NOT NULL, state TEXT NOT NULL, owner TEXT NOT NULL,
           mass DOUBLE NOT NULL, price DECIMAL(10,2) NOT NULL, released DATE NOT NULL);
         INSERT INTO part {}
         SELECT i, printf('P-%07d', i),
           printf('%s %d', CASE i % 5 WHEN 0 THEN 'bracket' WHEN 1 THEN 'shaft' WHEN 2 THEN 'housing' WHEN 3 THEN 'flange' ELSE 'gear' END, i),
           printf('part %d of the series, as released by the design office', i),
           CASE WHEN i % 100 = 0 THEN 'titanium' WHEN i % 100 <= 10 THEN 'steel' ELSE 'alloy ' || (i * 7 % 18) END,
           char(65 + i % 6), CASE i % 4 WHEN 0 THEN 'draft' ELSE 'released' END, 'engineer ' || (i % 37),
           (i * 31 % 4001) / 8.0, (i * 17 % 100000) / 4.0, date('2020-01-01', '+' || (i % 1461) || ' days')
         FROM n;
         CREATE INDEX part_material ON part (material);",
        numbers(scale.parts)
    );
    // Nine edges in ten are of a tree with eight children a node; the others share assemblies between its branches.
    let (tree, shared) = (scale.edges * 9 / 10, scale.edges / 10);
    let components = format!(
        "CREATE TABLE component (
           parent INTEGER NOT NULL, child INTEGER NOT NULL, quantity INTEGER NOT NULL, PRIMARY KEY (parent, child));
         INSERT INTO component {} SELECT i / 8, i + 1, 1 + i % 4 FROM n;
         INSERT OR IGNORE INTO component {} SELECT 2 * i, {tree} - 3 * i, 1 FROM n;
         CREATE INDEX component_child ON component (child);",
        numbers(tree),
        numbers(shared)
    );
    let part = triple_map(
        "part",
        "http://b/part/{id}",
        &[
            ("number", Column("number")),
            ("name", Column("name")),
            ("description", Column("description")),
            ("material", Column("material")),
            ("revision", Column("revision")),
            ("state", Column("state")),
            ("owner", Column("owner")),
            ("mass", Column("mass")),
            ("price", Column("price")),
            ("released", Column("released")),
        ],
    );
    let component =
        triple_map("component", "http://b/item/{parent}", &[("component", Template("http://b/item/{child}"))]);
    Recipe { name: "plm".to_owned(), script: parts + &components, mapping: part + &component }
}

fn erp(scale: Scale) -> Recipe {
    let script = format!(
        "CREATE TABLE orders (
           id INTEGER NOT NULL PRIMARY KEY, number TEXT NOT NULL UNIQUE, part INTEGER NOT NULL, customer TEXT NOT NULL,
           ordered DATE NOT NULL, quantity INTEGER NOT NULL, price DECIMAL(12,2) NOT NULL);
         INSERT INTO orders {}
         SELECT i, printf('O-%08d', i), i % {}, 'customer ' || (i % 97), date('2024-01-01', '+' || (i % 731) || ' days'),
           1 + i % 50, (i * 13 % 1000000) / 4.0
         FROM n;
         CREATE INDEX orders_part ON orders (part); CREATE INDEX orders_ordered ON orders (ordered);",
        numbers(scale.orders()),
        scale.parts
    );
    let mapping = triple_map(
        "orders",
        "http://b/order/{id}",
        &[
            ("orderNumber", Column("number")),
            ("part", Template("http://b/part/{part}")),
            ("customer", Column("customer")),
            ("ordered", Column("ordered")),
            ("quantity", Column("quantity")),
            ("total", Column("price")),
        ],
    );
    Recipe { name: "erp".to_owned(), script, mapping }
}

fn mes(scale: Scale) -> Recipe {
    let units = format!(
        "CREATE TABLE unit (
           id INTEGER NOT NULL PRIMARY KEY, serial TEXT NOT NULL UNIQUE, orders INTEGER NOT NULL, station TEXT NOT NULL,
           torque DOUBLE NOT NULL, tested TIMESTAMP NOT NULL);
         INSERT INTO unit {}
         SELECT i, printf('U-%09d', i), i % {}, 'S' || (i % 40), (i * 7919 % {}) / 8.0,
           strftime('%Y-%m-%dT%H:%M:%S', 1704067200 + i * 61, 'unixepoch')
         FROM n;
         CREATE INDEX unit_orders ON unit (orders); CREATE INDEX unit_torque ON unit (torque);",
        numbers(scale.units()),
        scale.orders(),
        scale.units()
    );
    let rework = format!(
        "CREATE TABLE rework (id INTEGER NOT NULL PRIMARY KEY, orders INTEGER NOT NULL, hours DOUBLE NOT NULL);
         INSERT INTO rework {} SELECT i, i, (1 + i % 64) / 8.0 FROM n WHERE (i / {} + i) % 10 < 3;
         CREATE INDEX rework_orders ON rework (orders);",
        numbers(scale.orders()),
        scale.parts
    );
    let unit = triple_map(
        "unit",
        "http://b/unit/{id}",
        &[
            ("serial", Column("serial")),
            ("order", Template("http://b/order/{orders}")),
            ("station", Column("station")),
            ("torque", Column("torque")),
            ("tested", Column("tested")),
        ],
    );
    let rework_map = triple_map(
        "rework",
        "http://b/rework/{id}",
        &[("reworkOf", Template("http://b/order/{orders}")), ("hours", Column("hours"))],
    );
    Recipe { name: "mes".to_owned(), script: units + &rework, mapping: unit + &rework_map }
}

/// One reading a second, by turns of 200 machines.
fn historian(scale: Scale) -> Recipe {
    let script = format!(
        "CREATE TABLE reading (
           id INTEGER NOT NULL PRIMARY KEY, machine INTEGER NOT NULL, at TIMESTAMP NOT NULL, value DOUBLE NOT NULL);
         INSERT INTO reading {}
         SELECT i, i % 200, strftime('%Y-%m-%dT%H:%M:%S', 1704067200 + i, 'unixepoch'), (i * 7919 % 8000) / 8.0 FROM n;",
        numbers(scale.readings)
    );
    let mapping = triple_map(
        "reading",
        "http://b/reading/{id}",
        &[("machine", Template("http://b/machine/{machine}")), ("at", Column("at")), ("value", Column("value"))],
    );
    Recipe { name: "historian".to_owned(), script, mapping }
}
