//! Text of a licence file made fit to be shown: nothing in it acts on a terminal, and no line ends in it.

/// Characters of one word that a message or a comment shows.
const SHOWN_CHARACTERS: usize = 60;

/// The text with whatever would act instead of being shown written out, as in `\u{1b}`.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\'' | '\\' => out.push(c),
            // Letters that show nothing.
            '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' => out.extend(c.escape_unicode()),
            _ => out.extend(c.escape_debug()),
        }
    }
    out
}

/// The beginning of the text as [`shown`], in quotation marks.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        None => format!("\"{}\"", shown(text)),
        Some((end, _)) => format!("\"{}…\"", shown(text.get(..end).unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_act_is_written_out() {
        let hostile = "a\x1b[31m\n\r\t\0\u{7f}\u{9b}\u{202e}\u{2028}\u{200b}\u{feff}\u{3164}\u{301}\u{fe0f}\u{e0001}b";
        let safe = shown(hostile);
        assert!(safe.is_ascii() && safe.starts_with("a\\u{1b}[31m\\n") && safe.ends_with('b'), "{safe}");
        assert_eq!(shown("C:\\Müller's \"x\" 漢"), "C:\\Müller's \"x\" 漢");
    }

    #[test]
    fn long_words_are_cut() {
        assert_eq!(quoted("ab"), "\"ab\"");
        assert_eq!(quoted(&"ä".repeat(60)), format!("\"{}\"", "ä".repeat(60)));
        assert_eq!(quoted(&"ä".repeat(61)), format!("\"{}…\"", "ä".repeat(60)));
    }
}
