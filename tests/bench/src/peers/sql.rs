//! The questions as SQL over the tables of all sources in one database, with the IRIs the answers have.

/// The text for a question, where it can be asked.
pub(super) fn sql(question: &str, vendors: u32) -> Option<String> {
    if let Some(text) = plant(question) {
        return Some(text.to_owned());
    }
    match question.rsplit_once('-')?.1 {
        "feature" => Some(each_vendor(vendors, FEATURE)),
        "compare" => Some(each_vendor(vendors, COMPARE)),
        "one" => Some(ONE.to_owned()),
        _ => None,
    }
}

fn plant(question: &str) -> Option<&'static str> {
    Some(match question {
        "entity" => {
            "SELECT u.torque, 'http://b/order/' || o.id, 'http://b/part/' || p.id, p.name, p.material FROM mes_unit u
             JOIN erp_orders o ON o.id = u.orders JOIN plm_part p ON p.id = o.part WHERE u.id = 4711"
        }
        "rows-10" => {
            "SELECT 'http://b/unit/' || u.id, u.torque, p.name FROM mes_unit u
             JOIN erp_orders o ON o.id = u.orders JOIN plm_part p ON p.id = o.part WHERE o.number = 'O-00000017'"
        }
        "rows-1000" => {
            "SELECT 'http://b/unit/' || u.id, u.torque, p.number FROM mes_unit u
             JOIN erp_orders o ON o.id = u.orders JOIN plm_part p ON p.id = o.part WHERE p.material = 'titanium'"
        }
        "rows-100000" => {
            "SELECT 'http://b/unit/' || u.id, u.torque, p.material FROM mes_unit u
             JOIN erp_orders o ON o.id = u.orders JOIN plm_part p ON p.id = o.part"
        }
        "aggregate" => {
            "SELECT p.material, AVG(u.torque) FROM mes_unit u
             JOIN erp_orders o ON o.id = u.orders JOIN plm_part p ON p.id = o.part GROUP BY p.material"
        }
        "optional" => {
            "SELECT 'http://b/order/' || o.id, r.hours FROM plm_part p JOIN erp_orders o ON o.part = p.id
             LEFT JOIN mes_rework r ON r.orders = o.id WHERE p.material = 'steel'"
        }
        "limit-10" => {
            "SELECT 'http://b/unit/' || u.id, u.torque, p.material FROM mes_unit u
             JOIN erp_orders o ON o.id = u.orders JOIN plm_part p ON p.id = o.part LIMIT 10"
        }
        "top-10" => {
            "SELECT 'http://b/unit/' || u.id, u.torque, p.material FROM mes_unit u
             JOIN erp_orders o ON o.id = u.orders JOIN plm_part p ON p.id = o.part ORDER BY u.torque DESC LIMIT 10"
        }
        "star-10" => {
            "SELECT 'http://b/part/' || id, number, name, description, material, revision, state, owner, mass, price,
             released FROM plm_part"
        }
        "filter-string" => "SELECT 'http://b/unit/' || id, station FROM mes_unit WHERE serial GLOB 'U-0000123*'",
        "filter-number" => "SELECT 'http://b/unit/' || id, torque FROM mes_unit WHERE torque < 125",
        "filter-date" => {
            "SELECT 'http://b/order/' || id, ordered FROM erp_orders
             WHERE ordered >= '2024-06-01' AND ordered < '2024-07-01'"
        }
        "group" => "SELECT station, COUNT(*), AVG(torque), MAX(torque) FROM mes_unit GROUP BY station",
        "bom-down" => {
            "WITH RECURSIVE below(item) AS (SELECT child FROM plm_component WHERE parent = 0
               UNION SELECT child FROM plm_component JOIN below ON parent = item)
             SELECT 'http://b/item/' || item FROM below"
        }
        "bom-up" => {
            "WITH RECURSIVE above(item) AS (SELECT parent FROM plm_component WHERE child = 77777
               UNION SELECT parent FROM plm_component JOIN above ON child = item)
             SELECT 'http://b/item/' || item FROM above"
        }
        "time-hours" => {
            "SELECT CAST(strftime('%H', \"at\") AS INTEGER), COUNT(*), AVG(value) FROM historian_reading GROUP BY 1"
        }
        "time-days" => {
            "SELECT CAST(strftime('%Y', \"at\") AS INTEGER), CAST(strftime('%m', \"at\") AS INTEGER),
               CAST(strftime('%d', \"at\") AS INTEGER), COUNT(*), AVG(value) FROM historian_reading GROUP BY 1, 2, 3"
        }
        _ => return None,
    })
}

const FEATURE: &str = "SELECT 'http://{v}.b/product/' || p.id, p.label, o.price FROM {v}_product_feature f
    JOIN {v}_product p ON p.id = f.product JOIN {v}_offer o ON o.product = p.id WHERE f.feature = 17 AND o.days <= 3";

const COMPARE: &str = "SELECT 'http://{v}.b/product/' || p.id, p.label, o.price FROM {v}_product p
    JOIN {v}_offer o ON o.product = p.id WHERE p.shared = (SELECT shared FROM vendor3_product WHERE id = 5)";

const ONE: &str = "SELECT p.label, o.price FROM vendor3_product p JOIN vendor3_offer o ON o.product = p.id
    WHERE p.id = 5";

fn each_vendor(vendors: u32, text: &str) -> String {
    let all = (1..=vendors).map(|number| text.replace("{v}", &format!("vendor{number}")));
    all.collect::<Vec<_>>().join(" UNION ALL ")
}
