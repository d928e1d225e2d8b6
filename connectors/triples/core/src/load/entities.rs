//! Entities of XML documents, which can make a small document large.

/// What is wrong with the entities a document declares: they may expand to `most` bytes at worst, and not refer to each
/// other.
pub(super) fn check(content: &[u8], most: usize) -> Result<(), String> {
    let mut longest = 0;
    let mut rest = content;
    while let Some(at) = find(rest, b"<!ENTITY") {
        rest = &rest[at + b"<!ENTITY".len()..];
        let Some((name, value)) = declaration(rest) else { continue };
        if refers(value) {
            let name = String::from_utf8_lossy(name);
            return Err(format!("not supported: the entity {name:?} refers to another entity"));
        }
        longest = longest.max(value.len());
    }
    let references = content.iter().filter(|byte| **byte == b'&').count();
    if references.saturating_mul(longest) > most {
        return Err(format!("its entities may expand to more than {most} bytes, which is the limit for a document"));
    }
    Ok(())
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// Name and value of an entity that is written out; none for an external one.
fn declaration(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start();
    let (name, rest) = text.split_at(text.iter().position(u8::is_ascii_whitespace)?);
    let rest = rest.trim_ascii_start();
    let quote = *rest.first().filter(|byte| matches!(byte, b'"' | b'\''))?;
    let value = &rest[1..];
    Some((name, &value[..value.iter().position(|byte| *byte == quote)?]))
}

/// Whether a value holds a reference to something else than a character.
fn refers(value: &[u8]) -> bool {
    const PREDEFINED: [&[u8]; 6] = [b"#", b"amp;", b"lt;", b"gt;", b"quot;", b"apos;"];
    let mut parts = value.split(|byte| *byte == b'&');
    parts.next();
    parts.any(|part| !PREDEFINED.iter().any(|known| part.starts_with(known)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::check;

    #[test]
    fn entities_that_explode_are_refused() {
        let document = |entities: &str, body: &str| format!("<!DOCTYPE r [{entities}]><r>{body}</r>");
        let usual = document("<!ENTITY ex \"http://ex/\"> <!ENTITY a 'x &amp; &#65;'>", "&ex;&ex;");
        assert_eq!(check(usual.as_bytes(), 1_000), Ok(()));
        assert_eq!(check(b"<r>&amp;&amp;</r>", 1), Ok(()));
        let nested = document("<!ENTITY a \"x\"><!ENTITY b \"&a;&a;\">", "&b;");
        assert!(check(nested.as_bytes(), 1_000).unwrap_err().contains("\"b\" refers"));
        let long = document(&format!("<!ENTITY a \"{}\">", "x".repeat(100)), &"&a;".repeat(11));
        assert!(check(long.as_bytes(), 1_000).unwrap_err().contains("more than 1000 bytes"));
    }
}
