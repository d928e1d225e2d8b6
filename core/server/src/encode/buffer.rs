//! Where serializers write to.

use bytes::Bytes;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Serializers own their writer and do not give it back before the end, so the bytes are shared with them.
#[derive(Clone)]
pub(super) struct Buffer {
    bytes: Arc<Mutex<Vec<u8>>>,
    is_xml: bool,
}

impl Buffer {
    pub(super) fn plain() -> Self {
        Self { bytes: Arc::default(), is_xml: false }
    }

    /// Keeps what is written well-formed: a carriage return is written as a reference, for readers take a plain one for
    /// a line feed (XML 1.0 section 2.11), and characters XML does not have (section 2.2) are refused.
    pub(super) fn xml() -> Self {
        Self { bytes: Arc::default(), is_xml: true }
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn take(&self) -> Bytes {
        std::mem::take(&mut *self.lock()).into()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut written = self.lock();
        if !self.is_xml {
            written.extend_from_slice(bytes);
            return Ok(bytes.len());
        }
        for (number, line) in bytes.split(|byte| *byte == b'\r').enumerate() {
            if number > 0 {
                written.extend_from_slice(b"&#13;");
            }
            if let Some(name) = not_xml(line) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("XML has no character {name}")));
            }
            written.extend_from_slice(line);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The first character of a text that XML does not have (XML 1.0 section 2.2).
pub(super) fn not_xml(text: &[u8]) -> Option<String> {
    let control = text.iter().find(|byte| **byte < 0x20 && !matches!(byte, b'\t' | b'\n'));
    if let Some(byte) = control {
        return Some(format!("U+{byte:04X}"));
    }
    // U+FFFE and U+FFFF in UTF-8.
    let last = text.windows(3).find(|three| three[..2] == [0xEF, 0xBF] && three[2] >= 0xBE)?[2];
    Some(if last == 0xBE { "U+FFFE".to_owned() } else { "U+FFFF".to_owned() })
}
