//! The questions, as data.

use crate::data::{Scale, Site};
use crate::floor::{self, Floor, Sheet};
use anyhow::Result;
use futures::future::BoxFuture;

/// One question: how Weft is asked, and what it is compared with.
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) site: Site,
    pub(crate) sparql: String,
    /// Rows of the answer, where the generator's arithmetic says how many.
    pub(crate) rows: Option<u64>,
    pub(crate) check: Check,
    /// The program written by hand, where the contract has the words for it.
    pub(crate) floor: Option<Program>,
    /// The statement that one source could answer it with.
    pub(crate) sql: Option<Sql>,
    /// Whether the source should do all of it, so that the SQL itself is what to come near to.
    pub(crate) is_pushed_whole: bool,
}

pub(crate) type Program = for<'a> fn(&'a Floor<'a>) -> BoxFuture<'a, Result<Sheet>>;

/// How an answer is known to be right.
pub(crate) enum Check {
    /// Its lines are those of the floor, in any order.
    Same,
    /// Any rows will do, as long as they are rows of this program's answer.
    Among(Program),
}

/// SQL run in this process over the file of a source. Its rows are counted.
pub(crate) struct Sql {
    pub(crate) source: &'static str,
    pub(crate) text: &'static str,
}

pub(crate) fn questions(scale: Scale) -> Vec<Question> {
    let mut all = plant(scale);
    all.extend(pushed(scale));
    for vendors in [20, 200] {
        all.extend(shop(vendors));
    }
    all
}

impl Question {
    fn new(name: &'static str, site: Site, sparql: &str) -> Self {
        Self {
            name,
            site,
            sparql: sparql.to_owned(),
            rows: None,
            check: Check::Same,
            floor: None,
            sql: None,
            is_pushed_whole: false,
        }
    }

    fn plant(name: &'static str, sparql: &str) -> Self {
        Self::new(name, Site::Plant, sparql)
    }

    fn rows(self, rows: u64) -> Self {
        Self { rows: Some(rows), ..self }
    }

    fn floor(self, program: Program) -> Self {
        Self { floor: Some(program), ..self }
    }

    fn sql(self, source: &'static str, text: &'static str) -> Self {
        Self { sql: Some(Sql { source, text }), ..self }
    }

    fn pushed_whole(self) -> Self {
        Self { is_pushed_whole: true, ..self }
    }

    fn among(self, program: Program) -> Self {
        Self { check: Check::Among(program), ..self }
    }
}

const CHAIN: &str = "?part v:material ?material . ?order v:part ?part . ?unit v:order ?order ; v:torque ?torque";

/// Several sources have to be asked.
fn plant(scale: Scale) -> Vec<Question> {
    let (parts, units) = (scale.parts, scale.units());
    vec![
        Question::plant(
            "entity",
            "SELECT ?torque ?order ?part ?name ?material { <http://b/unit/4711> v:torque ?torque ; v:order ?order .
               ?order v:part ?part . ?part v:name ?name ; v:material ?material }",
        )
        .rows(1)
        .floor(|floor| Box::pin(floor::entity(floor))),
        Question::plant(
            "rows-10",
            "SELECT ?unit ?torque ?name { ?order v:orderNumber \"O-00000017\" ; v:part ?part . ?part v:name ?name .
               ?unit v:order ?order ; v:torque ?torque }",
        )
        .rows(10)
        .floor(|floor| Box::pin(floor::rows_10(floor))),
        Question::plant(
            "rows-1000",
            "SELECT ?unit ?torque ?number { ?part v:material \"titanium\" ; v:number ?number . ?order v:part ?part .
               ?unit v:order ?order ; v:torque ?torque }",
        )
        .rows(parts)
        .floor(|floor| Box::pin(floor::rows_1000(floor))),
        Question::plant("rows-100000", &format!("SELECT ?unit ?torque ?material {{ {CHAIN} }}"))
            .rows(units)
            .floor(|floor| Box::pin(floor::rows_100000(floor))),
        Question::plant(
            "aggregate",
            &format!("SELECT ?material (AVG(?torque) AS ?mean) {{ {CHAIN} }} GROUP BY ?material"),
        )
        .rows(20)
        .floor(|floor| Box::pin(floor::aggregate(floor))),
        Question::plant(
            "optional",
            "SELECT ?order ?hours { ?part v:material \"steel\" . ?order v:part ?part
               OPTIONAL { ?rework v:reworkOf ?order ; v:hours ?hours } }",
        )
        .rows(parts)
        .floor(|floor| Box::pin(floor::optional(floor))),
        Question::plant("limit-10", &format!("SELECT ?unit ?torque ?material {{ {CHAIN} }} LIMIT 10"))
            .rows(10)
            .floor(|floor| Box::pin(floor::limit_10(floor)))
            .among(|floor| Box::pin(floor::rows_100000(floor))),
        Question::plant(
            "top-10",
            &format!("SELECT ?unit ?torque ?material {{ {CHAIN} }} ORDER BY DESC(?torque) LIMIT 10"),
        )
        .rows(10)
        .floor(|floor| Box::pin(floor::top_10(floor))),
    ]
}

/// One source can answer by itself.
fn pushed(scale: Scale) -> Vec<Question> {
    let mut all = vec![
        Question::plant(
            "star-10",
            "SELECT ?part ?number ?name ?description ?material ?revision ?state ?owner ?mass ?price ?released {
               ?part v:number ?number ; v:name ?name ; v:description ?description ; v:material ?material ;
                 v:revision ?revision ; v:state ?state ; v:owner ?owner ; v:mass ?mass ; v:price ?price ;
                 v:released ?released }",
        )
        .rows(scale.parts)
        .floor(|floor| Box::pin(floor::star(floor))),
        Question::plant(
            "filter-string",
            "SELECT ?unit ?station { ?unit v:serial ?serial ; v:station ?station FILTER(STRSTARTS(?serial, \"U-0000123\")) }",
        )
        .rows(100)
        .floor(|floor| Box::pin(floor::filter_string(floor)))
        .sql("mes", "SELECT id, station FROM unit WHERE serial GLOB 'U-0000123*'"),
        Question::plant("filter-number", "SELECT ?unit ?torque { ?unit v:torque ?torque FILTER(?torque < 125) }")
            .rows(1_000)
            .floor(|floor| Box::pin(floor::filter_number(floor)))
            .sql("mes", "SELECT id, torque FROM unit WHERE torque < 125"),
        Question::plant(
            "filter-date",
            "SELECT ?order ?ordered { ?order v:ordered ?ordered
               FILTER(?ordered >= \"2024-06-01\"^^xsd:date && ?ordered < \"2024-07-01\"^^xsd:date) }",
        )
        .floor(|floor| Box::pin(floor::filter_date(floor)))
        .sql("erp", "SELECT id, ordered FROM orders WHERE ordered >= '2024-06-01' AND ordered < '2024-07-01'"),
        Question::plant(
            "group",
            "SELECT ?station (COUNT(*) AS ?units) (AVG(?torque) AS ?mean) (MAX(?torque) AS ?most) {
               ?unit v:station ?station ; v:torque ?torque } GROUP BY ?station",
        )
        .rows(40)
        .floor(|floor| Box::pin(floor::group(floor)))
        .pushed_whole()
        .sql("mes", "SELECT station, count(*), sum(torque) / count(*), max(torque) FROM unit GROUP BY station"),
        Question::plant("bom-down", "SELECT ?item { <http://b/item/0> v:component+ ?item }")
            .floor(|floor| Box::pin(floor::bom_down(floor)))
            .pushed_whole()
        .sql(
                "plm",
                "WITH RECURSIVE below(item) AS (SELECT child FROM component WHERE parent = 0
                   UNION SELECT child FROM component JOIN below ON parent = item) SELECT item FROM below",
            ),
        Question::plant("bom-up", "SELECT ?item { ?item v:component+ <http://b/item/77777> }")
            .floor(|floor| Box::pin(floor::bom_up(floor)))
            .pushed_whole()
        .sql(
                "plm",
                "WITH RECURSIVE above(item) AS (SELECT parent FROM component WHERE child = 77777
                   UNION SELECT parent FROM component JOIN above ON child = item) SELECT item FROM above",
            ),
    ];
    all.extend(buckets(scale));
    all
}

/// Readings by the time they were taken.
fn buckets(scale: Scale) -> Vec<Question> {
    let days = scale.readings.div_ceil(24 * 60 * 60);
    vec![
        Question::plant(
            "time-hours",
            "SELECT ?hour (COUNT(*) AS ?readings) (AVG(?value) AS ?mean) { ?reading v:at ?at ; v:value ?value }
             GROUP BY (HOURS(?at) AS ?hour)",
        )
        .rows(24)
        .floor(|floor| Box::pin(floor::hours(floor)))
        .pushed_whole()
        .sql(
            "historian",
            "SELECT CAST(strftime('%H', at) AS INTEGER), count(*), sum(value) / count(*) FROM reading GROUP BY 1",
        ),
        Question::plant(
            "time-days",
            "SELECT ?year ?month ?day (COUNT(*) AS ?readings) (AVG(?value) AS ?mean) {
               ?reading v:at ?at ; v:value ?value }
             GROUP BY (YEAR(?at) AS ?year) (MONTH(?at) AS ?month) (DAY(?at) AS ?day)",
        )
        .rows(days)
        .floor(|floor| Box::pin(floor::days(floor)))
        .pushed_whole()
        .sql(
            "historian",
            "SELECT CAST(strftime('%Y', at) AS INTEGER), CAST(strftime('%m', at) AS INTEGER),
               CAST(strftime('%d', at) AS INTEGER), count(*), sum(value) / count(*) FROM reading GROUP BY 1, 2, 3",
        ),
    ]
}

/// Many vendors may know something, and the constant tells who does.
fn shop(vendors: u32) -> Vec<Question> {
    let site = Site::Shop(vendors);
    let name = |few: &'static str, many: &'static str| if vendors < 100 { few } else { many };
    vec![
        Question::new(
            name("shop-20-feature", "shop-200-feature"),
            site,
            "SELECT ?product ?label ?price { ?product v:feature <http://b/feature/17> ; v:label ?label .
               ?offer v:product ?product ; v:offerPrice ?price ; v:days ?days FILTER(?days <= 3) }",
        )
        .floor(|floor| Box::pin(floor::feature(floor))),
        Question::new(
            name("shop-20-compare", "shop-200-compare"),
            site,
            "SELECT ?product ?label ?price { <http://vendor3.b/product/5> v:same ?shared .
               ?product v:same ?shared ; v:label ?label . ?offer v:product ?product ; v:offerPrice ?price }",
        )
        .floor(|floor| Box::pin(floor::compare(floor))),
        Question::new(
            name("shop-20-one", "shop-200-one"),
            site,
            "SELECT ?label ?price { <http://vendor3.b/product/5> v:label ?label .
               ?offer v:product <http://vendor3.b/product/5> ; v:offerPrice ?price }",
        )
        .rows(2)
        .floor(|floor| Box::pin(floor::offers_of_one(floor))),
    ]
}
