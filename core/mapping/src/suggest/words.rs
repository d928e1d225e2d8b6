//! Names cut into words, and how alike two of them are.

/// Names are cut after so many characters: none that people give is longer.
const LONGEST: usize = 256;

/// Words of a name.
pub(super) type Words = Vec<String>;

/// What is written short in tables, and what it stands for. What may stand for several things is not here.
const SHORT: [(&str, &[&str]); 60] = [
    ("acct", &["account"]),
    ("addr", &["address"]),
    ("amt", &["amount"]),
    ("approx", &["approximate"]),
    ("attr", &["attribute"]),
    ("avg", &["average"]),
    ("bom", &["bill", "of", "material"]),
    ("calc", &["calculated"]),
    ("cfg", &["configuration"]),
    ("cnt", &["count"]),
    ("cust", &["customer"]),
    ("dept", &["department"]),
    ("desc", &["description"]),
    ("descr", &["description"]),
    ("dest", &["destination"]),
    ("doc", &["document"]),
    ("dt", &["date"]),
    ("eff", &["effective"]),
    ("emp", &["employee"]),
    ("eqp", &["equipment"]),
    ("eqpt", &["equipment"]),
    ("equip", &["equipment"]),
    ("freq", &["frequency"]),
    ("grp", &["group"]),
    ("id", &["identifier"]),
    ("img", &["image"]),
    ("insp", &["inspection"]),
    ("inv", &["inventory"]),
    ("lang", &["language"]),
    ("lvl", &["level"]),
    ("maint", &["maintenance"]),
    ("matl", &["material"]),
    ("max", &["maximum"]),
    ("mfg", &["manufacturing"]),
    ("mfr", &["manufacturer"]),
    ("mgr", &["manager"]),
    ("min", &["minimum"]),
    ("msg", &["message"]),
    ("nbr", &["number"]),
    ("no", &["number"]),
    ("nr", &["number"]),
    ("num", &["number"]),
    ("ord", &["order"]),
    ("org", &["organization"]),
    ("pct", &["percent"]),
    ("pn", &["part", "number"]),
    ("po", &["purchase", "order"]),
    ("pos", &["position"]),
    ("prev", &["previous"]),
    ("prod", &["product"]),
    ("qty", &["quantity"]),
    ("rev", &["revision"]),
    ("seq", &["sequence"]),
    ("sn", &["serial", "number"]),
    ("tel", &["telephone"]),
    ("temp", &["temperature"]),
    ("ts", &["timestamp"]),
    ("uom", &["unit", "of", "measure"]),
    ("wc", &["work", "center"]),
    ("wo", &["work", "order"]),
];

/// Words that say little: their weight in a comparison.
const FAINT: [(&str, f64); 27] = [
    ("a", 0.25),
    ("an", 0.25),
    ("and", 0.25),
    ("at", 0.25),
    ("by", 0.25),
    ("code", 0.7),
    ("date", 0.7),
    ("for", 0.25),
    ("from", 0.8),
    ("has", 0.25),
    ("identifier", 0.7),
    ("in", 0.25),
    ("is", 0.25),
    ("key", 0.7),
    ("name", 0.7),
    ("number", 0.7),
    ("of", 0.8),
    ("on", 0.25),
    ("status", 0.7),
    ("text", 0.7),
    ("the", 0.25),
    ("time", 0.7),
    ("to", 0.8),
    ("type", 0.7),
    ("value", 0.7),
    ("was", 0.25),
    ("with", 0.25),
];

/// Cuts a name at everything that is no letter and no digit, between digits and letters, and where the case rises, and writes
/// the words in lower case. `HTTPServer2_name` is `http`, `server`, `2`, `name`.
pub(super) fn split(name: &str) -> Words {
    let chars: Vec<char> = name.chars().take(LONGEST).collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (i, &c) in chars.iter().enumerate() {
        let starts = i > 0 && is_border(chars[i - 1], c, chars.get(i + 1).copied());
        if (starts || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn is_border(before: char, c: char, after: Option<char>) -> bool {
    if before.is_numeric() != c.is_numeric() {
        return true;
    }
    let rises = before.is_lowercase() && c.is_uppercase();
    let last_of_capitals = before.is_uppercase() && c.is_uppercase() && after.is_some_and(char::is_lowercase);
    rises || last_of_capitals
}

/// The words of a name as they are compared: in the singular, and written out where they are short.
pub(super) fn compared(name: &str) -> Words {
    let written_out = |word: String| match SHORT.binary_search_by_key(&word.as_str(), |(short, _)| short) {
        Ok(found) => SHORT[found].1.iter().map(|word| (*word).to_owned()).collect(),
        Err(_) => vec![singular(&word)],
    };
    split(name).into_iter().flat_map(written_out).collect()
}

/// The singular of an English noun, as far as its ending tells.
pub(super) fn singular(word: &str) -> String {
    if word.len() < 4 || !word.is_ascii() || ["ss", "us", "is"].iter().any(|ending| word.ends_with(ending)) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    if let Some(stem) = word.strip_suffix("es")
        && ["ss", "x", "ch", "sh", "zz"].iter().any(|ending| stem.ends_with(ending))
    {
        return stem.to_owned();
    }
    word.strip_suffix('s').unwrap_or(word).to_owned()
}

/// The weight of a word in comparisons, more than 0 and at most 1.
pub(super) fn weight(word: &str) -> f64 {
    FAINT.binary_search_by_key(&word, |(faint, _)| faint).map_or(1.0, |found| FAINT[found].1)
}

/// How alike two names are, from 0 to 1 (the same words): Dice's coefficient over weighted words, where a word may also be
/// the beginning of another or a letter away from it.
pub(super) fn likeness(a: &[String], b: &[String]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    if a == b {
        return 1.0;
    }
    if a.concat() == b.concat() {
        return 0.97;
    }
    let total = |words: &[String]| words.iter().map(|word| weight(word)).sum::<f64>();
    let mut open: Vec<&String> = b.iter().collect();
    let mut shared = 0.0;
    for word in a {
        let best = open.iter().enumerate().map(|(i, other)| (word_likeness(word, other), i));
        let Some((alike, i)) = best.max_by(|x, y| x.0.total_cmp(&y.0).then(y.1.cmp(&x.1))) else { break };
        if alike > 0.0 {
            shared += alike * (weight(word) + weight(open[i]));
            open.remove(i);
        }
    }
    0.97 * shared / (total(a) + total(b))
}

fn word_likeness(a: &str, b: &str) -> f64 {
    if a == b {
        return 1.0;
    }
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() >= 3 && long.starts_with(short) {
        return 0.75;
    }
    if short.len() >= 5 && strsim::damerau_levenshtein(short, long) == 1 { 0.8 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(a: &str, b: &str) -> f64 {
        likeness(&compared(a), &compared(b))
    }

    #[test]
    fn lists_are_sorted_for_their_search() {
        assert!(SHORT.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(FAINT.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn names_are_cut_at_case_digits_and_signs() {
        for (name, expected) in [
            ("work_order", "work order"),
            ("WorkOrder", "work order"),
            ("HTTPServer2_name", "http server 2 name"),
            ("dbo.[Work Order]", "dbo work order"),
            ("Größe", "größe"),
            ("ID", "id"),
            ("__", ""),
        ] {
            assert_eq!(split(name).join(" "), expected, "{name}");
        }
        assert_eq!(split(&"a_".repeat(1_000)).len(), LONGEST / 2);
    }

    #[test]
    fn words_are_compared_in_the_singular_and_in_full() {
        for (name, expected) in [
            ("work_orders", "work order"),
            ("companies", "company"),
            ("boxes", "box"),
            ("status", "status"),
            ("addresses", "address"),
            ("gas", "gas"),
            ("qty", "quantity"),
            ("wo_no", "work order number"),
        ] {
            assert_eq!(compared(name).join(" "), expected, "{name}");
        }
    }

    #[test]
    fn likeness_tells_the_same_from_the_near_and_the_far() {
        assert!(alike("serial_no", "serialNumber") > 0.99);
        assert!(alike("WORKORDER", "Work Order") > 0.95);
        assert!((0.7..0.95).contains(&alike("opened_on", "openedAt")), "{}", alike("opened_on", "openedAt"));
        assert!(alike("part_no", "serial number") < 0.5);
        assert!(alike("name", "part name") < 0.7);
        assert!(alike("manufacturr", "manufacturer") > 0.7);
        assert!(alike("asset", "person") < f64::EPSILON);
        for (a, b) in [("a_b", "b_a_c"), ("order", "orders line"), ("x", "y")] {
            assert!((alike(a, b) - alike(b, a)).abs() < 1e-9, "{a} {b}");
        }
    }
}
