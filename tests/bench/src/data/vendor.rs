//! One of many vendors with the same vocabulary, as in FedShop: products of its own that are the same as products of the
//! shop, features, offers and reviews.

use super::Object::{Column, Template};
use super::{Recipe, numbers, triple_map};

/// Features there are; each product has three.
const FEATURES: u64 = 500;
/// Products of the shop there are for each product of a vendor.
const SHARED: u64 = 5;

pub(super) fn recipe(number: u32, products: u64) -> Recipe {
    Recipe { name: format!("vendor{number}"), script: script(number, products), mapping: mapping(number) }
}

fn script(number: u32, products: u64) -> String {
    let twice = numbers(2 * products);
    format!(
        "CREATE TABLE product (
           id INTEGER NOT NULL PRIMARY KEY, label TEXT NOT NULL, shared INTEGER NOT NULL, size INTEGER NOT NULL);
         INSERT INTO product {products_n}
         SELECT i, printf('product %d of vendor {number}', i), (i * 13 + {number} * 7) % {shared}, i * 37 % 2000 FROM n;
         CREATE INDEX product_shared ON product (shared);
         CREATE TABLE product_feature (
           product INTEGER NOT NULL, feature INTEGER NOT NULL, PRIMARY KEY (product, feature));
         INSERT OR IGNORE INTO product_feature {three}
         SELECT i / 3, (i * 211 + {number} * 17) % {FEATURES} FROM n;
         CREATE INDEX product_feature_feature ON product_feature (feature);
         CREATE TABLE offer (
           id INTEGER NOT NULL PRIMARY KEY, product INTEGER NOT NULL, price DECIMAL(10,2) NOT NULL, days INTEGER NOT NULL);
         INSERT INTO offer {twice} SELECT i, i % {products}, (i * 29 % 4000) / 4.0, 1 + i % 7 FROM n;
         CREATE INDEX offer_product ON offer (product);
         CREATE TABLE review (
           id INTEGER NOT NULL PRIMARY KEY, product INTEGER NOT NULL, rating INTEGER NOT NULL, title TEXT NOT NULL);
         INSERT INTO review {twice} SELECT i, i * 3 % {products}, 1 + i % 10, 'review ' || i FROM n;
         CREATE INDEX review_product ON review (product);",
        products_n = numbers(products),
        three = numbers(3 * products),
        shared = SHARED * products,
    )
}

fn mapping(number: u32) -> String {
    let own = |kind: &str, column: &str| format!("http://vendor{number}.b/{kind}/{{{column}}}");
    let (product, of_product) = (own("product", "id"), own("product", "product"));
    [
        triple_map(
            "product",
            &product,
            &[("label", Column("label")), ("same", Template("http://b/product/{shared}")), ("size", Column("size"))],
        ),
        triple_map("product_feature", &of_product, &[("feature", Template("http://b/feature/{feature}"))]),
        triple_map(
            "offer",
            &own("offer", "id"),
            &[("product", Template(&of_product)), ("offerPrice", Column("price")), ("days", Column("days"))],
        ),
        triple_map(
            "review",
            &own("review", "id"),
            &[("reviewOf", Template(&of_product)), ("rating", Column("rating")), ("title", Column("title"))],
        ),
    ]
    .concat()
}
