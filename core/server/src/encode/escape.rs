//! Text as it stands in each format.

use super::buffer::not_xml;

/// How the text of a term is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escape {
    /// As it is.
    None,
    /// The inside of a string (RFC 8259 section 7).
    Json,
    /// Content or an attribute of XML.
    Xml,
    /// Content of XML whose white space at either end readers must not trim.
    XmlBound,
    /// A field, quoted where it must be (RFC 4180 section 2).
    Csv,
    /// The inside of a quoted literal.
    Tsv,
}

/// A character the format does not have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoCharacter(pub(super) String);

impl Escape {
    pub(super) fn write(self, text: &str, out: &mut Vec<u8>) -> Result<(), NoCharacter> {
        let bytes = text.as_bytes();
        match self {
            Self::None => out.extend_from_slice(bytes),
            Self::Json => replace(bytes, |byte| byte < 0x20 || byte == b'"' || byte == b'\\', json, out),
            Self::Xml => return xml(bytes, out),
            Self::XmlBound => return xml_bound(bytes, out),
            Self::Csv => csv(bytes, out),
            Self::Tsv => {
                replace(bytes, |byte| matches!(byte, b'\t' | b'\n' | b'\r' | b'"' | b'\\'), tsv, out);
            }
        }
        Ok(())
    }
}

/// Whether any byte is special: all of a chunk are looked at before the answer, which is faster than one after the other.
fn any(bytes: &[u8], is_special: impl Fn(u8) -> bool) -> bool {
    bytes.chunks(32).any(|chunk| chunk.iter().fold(false, |found, byte| found | is_special(*byte)))
}

/// Writes bytes, and something else for those that are special.
fn replace(
    bytes: &[u8],
    is_special: impl Fn(u8) -> bool + Copy,
    replacement: impl Fn(u8) -> &'static str,
    out: &mut Vec<u8>,
) {
    if !any(bytes, is_special) {
        out.extend_from_slice(bytes);
        return;
    }
    let mut rest = bytes;
    while let Some(place) = rest.iter().position(|byte| is_special(*byte)) {
        out.extend_from_slice(&rest[..place]);
        out.extend_from_slice(replacement(rest[place]).as_bytes());
        rest = &rest[place + 1..];
    }
    out.extend_from_slice(rest);
}

fn json(byte: u8) -> &'static str {
    #[rustfmt::skip]
    const CONTROLS: [&str; 32] = [
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
        "\\b", "\\t", "\\n", "\\u000b", "\\f", "\\r", "\\u000e", "\\u000f",
        "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017",
        "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
    ];
    match byte {
        b'"' => "\\\"",
        b'\\' => "\\\\",
        control => CONTROLS.get(usize::from(control)).copied().unwrap_or_default(),
    }
}

fn tsv(byte: u8) -> &'static str {
    match byte {
        b'\t' => "\\t",
        b'\n' => "\\n",
        b'\r' => "\\r",
        b'"' => "\\\"",
        _ => "\\\\",
    }
}

fn csv(bytes: &[u8], out: &mut Vec<u8>) {
    if !any(bytes, |byte| matches!(byte, b'"' | b',' | b'\n' | b'\r')) {
        out.extend_from_slice(bytes);
        return;
    }
    out.push(b'"');
    replace(bytes, |byte| byte == b'"', |_| "\"\"", out);
    out.push(b'"');
}

/// A carriage return is a reference, for readers take a plain one for a line feed (XML 1.0 section 2.11).
fn xml(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), NoCharacter> {
    // Bytes of characters that XML does not have among them.
    let is_suspect = |byte| byte < 0x20 || byte == 0xEF;
    if any(bytes, is_suspect)
        && let Some(name) = bytes.split(|byte| *byte == b'\r').find_map(not_xml)
    {
        return Err(NoCharacter(name));
    }
    replace(bytes, |byte| matches!(byte, b'<' | b'>' | b'&' | b'\'' | b'"' | b'\r'), reference, out);
    Ok(())
}

fn xml_bound(bytes: &[u8], out: &mut Vec<u8>) -> Result<(), NoCharacter> {
    let is_space = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' ');
    let start = bytes.iter().position(|byte| !is_space(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    bytes[..start].iter().for_each(|byte| out.extend_from_slice(reference(*byte).as_bytes()));
    xml(&bytes[start..end], out)?;
    bytes[end..].iter().for_each(|byte| out.extend_from_slice(reference(*byte).as_bytes()));
    Ok(())
}

fn reference(byte: u8) -> &'static str {
    match byte {
        b'<' => "&lt;",
        b'>' => "&gt;",
        b'&' => "&amp;",
        b'\'' => "&apos;",
        b'"' => "&quot;",
        b'\t' => "&#9;",
        b'\n' => "&#10;",
        b'\r' => "&#13;",
        _ => "&#32;",
    }
}
