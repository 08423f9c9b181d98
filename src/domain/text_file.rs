//! Text files that people edit or download: the byte order mark, and PEM blocks.

use std::io;

/// The UTF-8 byte order mark (RFC 3629 §6), which some editors write.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// The bytes without a leading byte order mark.
pub fn without_bom(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.starts_with(BOM) {
        bytes.drain(..BOM.len());
    }
    bytes
}

/// Decodes UTF-8, without a leading byte order mark. Fails if it is not UTF-8.
pub fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(without_bom(bytes)).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not text in UTF-8"))
}

/// The blocks of a PEM file (RFC 7468), each from `-----BEGIN` to `-----END`, without the text around them. That text may be in any
/// encoding; blocks that are not ASCII or have no end are ignored.
pub fn pem_blocks(file: &[u8]) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in file.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let line = line.strip_prefix(BOM).unwrap_or(line).trim_ascii();
        if line.starts_with(b"-----BEGIN ") {
            block = Some(String::new());
        }
        let Some(open) = &mut block else { continue };
        match std::str::from_utf8(line).ok().filter(|line| line.is_ascii()) {
            Some("") => continue,
            Some(line) => {
                open.push_str(line);
                open.push('\n');
            }
            None => block = None,
        }
        if line.starts_with(b"-----END ") {
            blocks.extend(block.take());
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bom_is_removed() {
        assert_eq!(without_bom(b"\xef\xbb\xbftext".to_vec()), b"text");
        assert_eq!(without_bom(b"text\xef\xbb\xbf".to_vec()), b"text\xef\xbb\xbf");
        assert_eq!(without_bom(Vec::new()), b"");
        assert_eq!(text(b"\xef\xbb\xbfa = 1\r\n".to_vec()).unwrap(), "a = 1\r\n");
        assert!(text(b"\xe9".to_vec()).unwrap_err().to_string().contains("UTF-8"));
    }

    #[test]
    fn pem_blocks_are_found_in_any_surrounding_text() {
        let block = "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n";
        for file in [
            block.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", block.as_bytes()].concat(),
            [b"# caf\xe9\r\n", block.as_bytes(), b"\xff\xfe"].concat(),
            block.replace('\n', "\r\n").into_bytes(),
            block.replace('\n', "  \n\n").into_bytes(),
            block.replace('\n', "\r").into_bytes(),
        ] {
            assert_eq!(pem_blocks(&file), [block], "{:?}", String::from_utf8_lossy(&file));
        }
        let two = [b"\xe9\n", block.as_bytes(), b"\xe9\n", block.as_bytes()].concat();
        assert_eq!(pem_blocks(&two), [block, block]);
        let damaged = [b"-----BEGIN CERTIFICATE-----\n\xe9\n-----END CERTIFICATE-----\n", block.as_bytes()].concat();
        assert_eq!(pem_blocks(&damaged), [block]);
        assert!(pem_blocks(b"-----BEGIN CERTIFICATE-----\nAAAA").is_empty() && pem_blocks(b"").is_empty());
    }
}
