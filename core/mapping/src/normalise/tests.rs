#![allow(clippy::unwrap_used)]

use super::{Normaliser, NormaliserLimits};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

fn parse(text: &str) -> Normaliser {
    Normaliser::parse(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

fn apply(chain: &str, value: &str) -> Option<String> {
    parse(chain).apply(value).map(std::borrow::Cow::into_owned)
}

#[test]
fn chains_give_what_they_say() {
    const FILE: &str = r#"match "Box-Hurco(?<m>\d+)-(?<n>\d+)of20" -> "BOX-{n}""#;
    for (chain, value, expected) in [
        ("trim", "  a b\t\u{a0}", Some("a b")),
        ("trim", "", Some("")),
        ("lower", "ÄÖ-x", Some("äö-x")),
        ("upper", "straße", Some("STRASSE")),
        ("fold", "Straße", Some("strasse")),
        ("fold", "ΣΊΣΥΦΟς", Some("σίσυφοσ")),
        ("fold", "ΣΊΣΥΦΟΣ", Some("σίσυφοσ")),
        ("nfkc", "Ａ１ﬁ", Some("A1fi")),
        ("nfkc", "plain", Some("plain")),
        ("nfkc", "e\u{301}", Some("é")),
        ("strip_zeros", "000120", Some("120")),
        ("strip_zeros", "0000", Some("0")),
        ("strip_zeros", "0", Some("0")),
        ("strip_zeros", "", Some("")),
        ("strip_zeros", "-01", Some("-01")),
        ("trim | upper | strip_zeros", " 00a0 ", Some("A0")),
        ("pad 5 \"0\"", "42", Some("00042")),
        ("pad 2 '0'", "427", Some("427")),
        ("pad 4 'é'", "ß", Some("éééß")),
        (r#"replace "[ ./-]+" -> """#, "AB-10/2.x", Some("AB102x")),
        (r#"replace "x" -> "y""#, "abc", Some("abc")),
        (r#"replace "^" -> """#, "abc", Some("abc")),
        (r#"replace "^" -> "n-""#, "abc", Some("n-abc")),
        (r#"replace "$" -> "!""#, "abc", Some("abc!")),
        (r#"replace "b*" -> "-""#, "abc", Some("-a-c-")),
        (r#"replace "(\w+)-(\w+)" -> "{2}/{1}\{\\""#, "a-b c-d", Some(r"b/a{\ d/c{\")),
        (FILE, "Box-Hurco02-07of20", Some("BOX-07")),
        (FILE, "Box-Hurco02-07of201", None),
        (FILE, "xBox-Hurco02-07of20", None),
        (FILE, "Box-Hurco02-07of20\n", None),
        (r#"match "a|ab""#, "ab", Some("ab")),
        (r"match '[A-Z]\d+'", "B12", Some("B12")),
        (r"match '[A-Z]\d+'", "12", None),
        (r#"match "(?<a>x)|(?<b>y)" -> "{a}{b}""#, "x", None),
        (r#"match "it's \"(?<q>.)\"" -> "{q}\"""#, "it's \"7\"", Some("7\"")),
        (r#"match "(?<n>\d+)" -> "{n}" | strip_zeros | pad 3 "x""#, "007", Some("xx7")),
    ] {
        assert_eq!(apply(chain, value).as_deref(), expected, "{chain} of {value:?}");
        assert!(parse(chain).groups().is_empty());
        assert_eq!(parse(chain).extract(value), Some(Vec::new()));
    }
}

#[test]
fn named_groups_are_values_of_their_own() {
    let machine = parse(r#"trim | match "(?<part>[A-Z]+)-(?<serial>\d+)(?:/(?<side>[LR]))?""#);
    assert_eq!(machine.groups(), ["part", "serial", "side"]);
    assert_eq!(machine.extract(" BOX-002/L").unwrap(), ["BOX", "002", "L"]);
    assert_eq!(machine.extract("BOX-002"), None);
    assert_eq!(machine.extract("box-002/L"), None);
    assert_eq!(machine.apply("BOX-002/L"), None);
    let stripped = parse(r#"match "(?<part>\w+)-(?<serial>\d+)" | lower | strip_zeros"#);
    assert_eq!(stripped.extract("BOX-002").unwrap(), ["box", "2"]);
    let checked = parse(r#"match "(?<a>\w)(?<b>\w)" | match "[xy]""#);
    assert_eq!(checked.extract("xy").unwrap(), ["x", "y"]);
    assert_eq!(checked.extract("xz"), None);
}

#[test]
fn errors_say_where_and_what() {
    for (chain, expected) in [
        ("", "character 1: a step is missing: one of trim, lower, upper, fold, nfkc, strip_zeros, pad, replace, match"),
        ("trim |", "character 7: a step is missing"),
        ("trim | trimm", "character 8: unknown step \"trimm\", did you mean trim? (it is one of trim, "),
        ("trim upper", "character 6: found 'u', steps are separated by |"),
        ("é", "character 1: a step is missing"),
        ("pad", "character 4: pad needs a number of characters from 1 to 256"),
        ("pad 0 '0'", "character 5: pad needs a number of characters from 1 to 256"),
        ("pad 257 '0'", "character 5: pad needs a number"),
        ("pad 8", "character 6: pad needs a character"),
        ("pad 8 '00'", "character 8: pad takes one character"),
        ("pad 8 '0", "character 7: ' is not closed"),
        ("replace 'a'", "character 12: replace needs -> and a text"),
        ("replace a", "character 9: replace needs a pattern in quotes"),
        ("match '('", "character 8: bad pattern: unclosed group"),
        ("match 'a)(b'", "character 8: bad pattern: unopened group"),
        ("match '(?x)a # b'", "character 8: bad pattern: "),
        ("match 'a' ->", "character 13: a text in quotes must follow ->"),
        ("match '(?<n>a)' -> '{m}'", "character 21: the pattern has no group \"m\", it has n"),
        ("match '(a)' -> '{2}'", "character 17: the pattern has no group \"2\""),
        ("match 'ä' -> 'ö{'", "character 16: a { that is not closed"),
        ("match 'a' -> '}'", "character 15: a } without {"),
        (r"match 'a' -> '\n'", r"character 15: a backslash in a text stands before \, {, } or the quote"),
        ("match '(?<a>.)' | match '(?<b>.)'", "character 19: a second match with named groups"),
        ("match '(a{1000}){1000}'", "character 8: bad pattern: Compiled regex exceeds size limit of 1048576 bytes"),
    ] {
        let error = Normaliser::parse(chain).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{chain}: {error}");
    }
}

#[test]
fn limits_hold() {
    let limits = NormaliserLimits { text_bytes: 40, steps: 2, value_bytes: 4, ..NormaliserLimits::default() };
    let parse = |text: &str| Normaliser::parse_within(text, &limits);
    assert_eq!(parse(&" ".repeat(41)).unwrap_err().message, "the normaliser has 41 bytes, the limit is 40");
    let error = parse("trim|trim|trim").unwrap_err().to_string();
    assert_eq!(error, "character 11: more than 2 steps, which is the limit");
    let twice = parse("replace 'a' -> 'aa'").unwrap();
    assert_eq!(twice.apply("aa").as_deref(), Some("aaaa"));
    assert_eq!(twice.apply("aaa"), None);
    assert_eq!(twice.apply("bbbbb"), None);
    assert_eq!(parse("pad 5 '0'").unwrap().apply("1"), None);
    assert_eq!(parse("match '(?<a>.+)'").unwrap().extract("12345"), None);
    let nested = format!("match '{}a{}'", "(".repeat(60), ")".repeat(60));
    assert!(Normaliser::parse(&nested).unwrap_err().message.starts_with("bad pattern: "));
}

#[test]
fn a_chain_is_its_text() {
    let chain = parse(" trim | upper ");
    assert_eq!(chain.to_string(), "trim | upper");
    assert_eq!(chain, parse("trim | upper"));
    assert_ne!(chain, parse("trim|upper"));
    assert_eq!(format!("{chain:?}"), "Normaliser(\"trim | upper\")");
}

/// Whatever the text is, it is read or refused with a place inside it, and applied without a panic.
#[test]
fn random_texts_do_no_harm() {
    const PIECES: [&str; 26] = [
        "trim",
        "upper",
        "fold",
        "nfkc",
        "strip_zeros",
        "pad ",
        "3",
        " '0'",
        "match ",
        "replace ",
        "'(?<n>\\d*)'",
        "'.*'",
        " -> ",
        "'{n}'",
        "\"{1}\"",
        "|",
        " | ",
        "\\",
        "'",
        "\"",
        "{",
        "}",
        "é",
        "\u{0}",
        "(",
        " ",
    ];
    const VALUES: [&str; 6] = ["", "007", "é0", "İß\u{301}", " \u{0} ", "00"];
    let mut rng = StdRng::seed_from_u64(5);
    let mut read = 0;
    for _ in 0..20_000 {
        let count = rng.random_range(0..9);
        let text: String = (0..count).filter_map(|_| PIECES.choose(&mut rng)).copied().collect();
        match Normaliser::parse(&text) {
            Err(error) => assert!((1..=text.chars().count() + 1).contains(&error.position), "{text}: {error}"),
            Ok(chain) => {
                read += 1;
                for value in VALUES {
                    let one = chain.apply(value);
                    assert!(one.is_none() || chain.groups().is_empty());
                    let several = chain.extract(value);
                    assert!(several.is_none_or(|values| values.len() == chain.groups().len()));
                }
            }
        }
    }
    assert!(read > 200, "only {read} chains were valid");
}
