//! The text of a term: Weft's encoding, as its ontology explains it under `weft:EncodedTerm`.

use oxrdf::TermRef;
use oxrdf::vocab::xsd;

const SEPARATOR: char = '\u{1}';

/// The encoded term; `None` for what is no term of RDF 1.1.
pub fn encode(term: TermRef<'_>) -> Option<String> {
    Some(match term {
        TermRef::NamedNode(node) => format!("I{}", node.as_str()),
        TermRef::BlankNode(node) => format!("B{}", node.as_str()),
        TermRef::Literal(literal) => match (literal.language(), literal.datatype()) {
            (Some(tag), _) => format!("L{}{SEPARATOR}{}", tag.to_ascii_lowercase(), literal.value()),
            (None, datatype) if datatype == xsd::STRING => format!("S{}", literal.value()),
            (None, datatype) => format!("T{}{SEPARATOR}{}", datatype.as_str(), literal.value()),
        },
        #[allow(unreachable_patterns, reason = "triple terms exist when any crate turns the RDF 1.2 feature on")]
        _ => return None,
    })
}
