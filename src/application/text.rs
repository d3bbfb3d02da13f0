//! What protocols of lines and words have in common.

/// The first line without its end, where it is complete.
#[must_use]
pub(super) fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line = &bytes[..end];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Whether bytes begin with a word, in any case.
#[must_use]
pub(super) fn begins_any_case(bytes: &[u8], word: &[u8]) -> bool {
    bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Whether a word stands anywhere in bytes, in any case.
#[must_use]
pub(super) fn contains_any_case(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len().max(1)).any(|window| window.eq_ignore_ascii_case(word))
}

/// Whether text could be a host's name: letters, digits, hyphens, underscores and dots, and no wildcard. What else payload
/// calls a name stays a detail.
#[must_use]
pub(super) fn is_host_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.bytes().all(allowed) && name.bytes().any(|byte| byte.is_ascii_alphanumeric())
}

/// The host of `host`, `host:port`, `[address]` or `[address]:port`.
#[must_use]
pub(super) fn host_of(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        // More than one colon: an address without brackets.
        None if authority.matches(':').count() > 1 => authority,
        None => authority.split(':').next().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_complete_with_its_end() {
        assert_eq!(first_line(b"220 mail"), None);
        assert_eq!(first_line(b"220 mail\r\nx"), Some(b"220 mail".as_slice()));
        assert_eq!(first_line(b"\n"), Some(b"".as_slice()));
    }

    #[test]
    fn a_port_is_no_part_of_a_host() {
        let hosts = ["hmi.plant:8080", "hmi.plant", "[fe80::1]:80", "[fe80::1]", "fe80::1", "", "["];
        assert_eq!(hosts.map(host_of), ["hmi.plant", "hmi.plant", "fe80::1", "fe80::1", "fe80::1", "", ""]);
    }

    #[test]
    fn wildcards_and_sentences_name_no_host() {
        assert!(is_host_name("plc-1.plant_a.example"));
        for name in ["*.example.com", "Some Server", "", "...", "a/b", "b\u{fc}ro"] {
            assert!(!is_host_name(name), "{name}");
        }
    }

    #[test]
    fn words_are_found_in_any_case() {
        assert!(begins_any_case(b"ehlo x", b"EHLO "));
        assert!(!begins_any_case(b"ehl", b"EHLO "));
        assert!(contains_any_case(b"250-Starttls", b"STARTTLS"));
        assert!(!contains_any_case(b"250", b"STARTTLS"));
    }
}
