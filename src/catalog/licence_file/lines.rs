//! The text of a licence file as lines and words: line ends of every system, continuation, comments, quotes, and
//! spaces that only look like spaces.

/// What a line begins with, in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Server,
    Vendor,
    Daemon,
    UseServer,
    /// `FEATURE`, `INCREMENT`, `PACKAGE`, `UPGRADE`: licences, not ports.
    Licence,
}

impl Keyword {
    fn of(word: &str) -> Option<Self> {
        const WORDS: [(&str, Keyword); 8] = [
            ("SERVER", Keyword::Server),
            ("VENDOR", Keyword::Vendor),
            ("DAEMON", Keyword::Daemon),
            ("USE_SERVER", Keyword::UseServer),
            ("FEATURE", Keyword::Licence),
            ("INCREMENT", Keyword::Licence),
            ("PACKAGE", Keyword::Licence),
            ("UPGRADE", Keyword::Licence),
        ];
        WORDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, keyword)| *keyword)
    }

    /// As the guide writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Server => "SERVER",
            Self::Vendor => "VENDOR",
            Self::Daemon => "DAEMON",
            Self::UseServer => "USE_SERVER",
            Self::Licence => "FEATURE",
        }
    }

    /// Whether the line names a daemon that listens, and is read.
    pub(super) fn is_read(self) -> bool {
        matches!(self, Self::Server | Self::Vendor | Self::Daemon)
    }
}

/// Whether a character parts words: Unicode white space, and two that are invisible and come along when a line is
/// copied from a web page.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}')
}

/// Whether a text has spaces other than blank and tab: the licence server may take them for letters.
fn has_unusual_spaces(text: &str) -> bool {
    text.chars().any(|c| is_space(c) && !c.is_ascii_whitespace())
}

/// A line with what its continuation lines add; comments and empty lines are lines too.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LogicalLine {
    /// Number of its first line in the file, from 1.
    pub(super) line: usize,
    /// `None` where it begins with another word, or with none.
    pub(super) keyword: Option<Keyword>,
    /// All of it, joined by blanks, without the backslashes.
    pub(super) text: String,
    /// Number of a line that was joined although no backslash asked for it.
    pub(super) joined_without_backslash: Option<usize>,
    /// Whether it ends in a backslash, but the next line begins with a keyword of its own.
    pub(super) runs_into_keyword: bool,
    /// Whether it has spaces other than blank and tab.
    pub(super) unusual_spaces: bool,
}

/// The logical lines of a text.
pub(super) struct LogicalLines<'a> {
    rest: Option<&'a str>,
    line: usize,
    /// The line in the making, its last line number, and whether it goes on.
    pending: Option<Pending>,
}

struct Pending {
    logical: LogicalLine,
    last_line: usize,
    continues: bool,
    in_quotes: bool,
}

impl<'a> LogicalLines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: Some(text), line: 0, pending: None }
    }

    /// The next line of the file, ended by LF, CRLF or CR.
    fn next_physical(&mut self) -> Option<&'a str> {
        let text = self.rest?;
        self.line += 1;
        let Some(at) = text.find(['\n', '\r']) else {
            self.rest = None;
            return Some(text);
        };
        let (line, end) = text.split_at(at);
        self.rest = end.strip_prefix("\r\n").or_else(|| end.get(1..));
        Some(line)
    }
}

impl Iterator for LogicalLines<'_> {
    type Item = LogicalLine;

    fn next(&mut self) -> Option<LogicalLine> {
        while let Some(physical) = self.next_physical() {
            let mut piece = Pending::begin(self.line, physical);
            match self.pending.as_mut() {
                Some(pending) if pending.goes_on_with(&piece) => pending.join(piece),
                Some(pending) => {
                    let cut = pending.continues && piece.logical.keyword.is_some();
                    pending.logical.runs_into_keyword = cut;
                    std::mem::swap(pending, &mut piece);
                    return Some(piece.logical);
                }
                None => self.pending = Some(piece),
            }
        }
        self.pending.take().map(|pending| pending.logical)
    }
}

impl Pending {
    fn begin(line: usize, physical: &str) -> Self {
        let trimmed = physical.trim_matches(is_space);
        let first = trimmed.split(is_space).next().unwrap_or_default();
        // A comment does not go on: it may well end in the path of a folder.
        let (text, continues) = match trimmed.strip_suffix('\\') {
            Some(text) if !trimmed.starts_with('#') => (text, true),
            _ => (trimmed, false),
        };
        // "VENDOR\": the word may end where the line does.
        let keyword = Keyword::of(first.strip_suffix('\\').unwrap_or(first));
        let logical = LogicalLine {
            line,
            keyword,
            text: text.to_owned(),
            joined_without_backslash: None,
            runs_into_keyword: false,
            unusual_spaces: has_unusual_spaces(physical),
        };
        Self { logical, last_line: line, continues, in_quotes: text.matches('"').count() % 2 == 1 }
    }

    fn goes_on_with(&self, next: &Self) -> bool {
        if next.logical.text.starts_with('#') {
            return false;
        }
        // A path such as C:\flexlm\ at the end of a line looks like a continuation and is none: whatever begins with a
        // keyword is a line of its own, or a daemon would be lost. Only a licence's quoted text may hold such a word.
        if self.continues {
            let quoted = self.in_quotes && !self.logical.keyword.is_some_and(Keyword::is_read);
            return quoted || next.logical.keyword.is_none();
        }
        self.takes_without_backslash(next)
    }

    /// FlexNet 7.0 and later need no backslash: a line that can only belong to the VENDOR line before it is joined.
    fn takes_without_backslash(&self, next: &Self) -> bool {
        let begins = |name: &str| {
            next.logical.text.get(..name.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(name))
        };
        matches!(self.logical.keyword, Some(Keyword::Vendor | Keyword::Daemon))
            && next.logical.line == self.last_line + 1
            && (begins("port=") || begins("options="))
    }

    fn join(&mut self, next: Self) {
        if !self.continues && self.logical.joined_without_backslash.is_none() {
            self.logical.joined_without_backslash = Some(next.logical.line);
        }
        // The end of a line parts words, with or without a blank before the backslash.
        self.logical.text.push(' ');
        self.logical.text.push_str(&next.logical.text);
        self.logical.unusual_spaces |= next.logical.unusual_spaces;
        self.last_line = next.last_line;
        self.continues = next.continues;
        self.in_quotes ^= next.in_quotes;
    }
}

/// The words of a line: quotes keep spaces together and are taken off; `#` at the start of a word begins a comment.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Words {
    pub(super) words: Vec<String>,
    /// Whether the last quote is not closed.
    pub(super) open_quote: bool,
}

impl Words {
    pub(super) fn of(text: &str) -> Self {
        let mut found = Self::default();
        let mut word: Option<String> = None;
        for c in text.chars() {
            match c {
                '"' => {
                    found.open_quote = !found.open_quote;
                    word.get_or_insert_default();
                }
                c if is_space(c) && !found.open_quote => found.words.extend(word.take()),
                '#' if word.is_none() => break,
                c => word.get_or_insert_default().push(c),
            }
        }
        found.words.extend(word);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(usize, String)> {
        LogicalLines::new(text).map(|l| (l.line, l.text)).filter(|(_, text)| !text.is_empty()).collect()
    }

    #[track_caller]
    fn assert_lines(text: &str, expected: &[(usize, &str)]) {
        assert_eq!(lines(text), expected.iter().map(|(n, t)| (*n, (*t).to_owned())).collect::<Vec<_>>(), "{text:?}");
    }

    #[test]
    fn every_system_has_its_line_ends() {
        assert_lines("a\nb\r\nc\rd\n\re\n", &[(1, "a"), (2, "b"), (3, "c"), (4, "d"), (6, "e")]);
        assert_lines("", &[]);
    }

    #[test]
    fn a_backslash_joins_the_next_line_and_parts_words() {
        assert_lines("a\\\nb \\ \u{a0}\nc\nd", &[(1, "a b  c"), (4, "d")]);
        assert_lines("a \\\n\nb", &[(1, "a  "), (3, "b")]);
        assert_lines("a \\", &[(1, "a ")]);
    }

    #[test]
    fn a_comment_neither_continues_nor_is_joined() {
        assert_lines("# C:\\flexlm\\\nSERVER h ANY 1", &[(1, "# C:\\flexlm\\"), (2, "SERVER h ANY 1")]);
        assert_lines("VENDOR x \\\n# y\nport=1", &[(1, "VENDOR x "), (2, "# y"), (3, "port=1")]);
    }

    #[test]
    fn a_keyword_begins_a_line_whatever_came_before() {
        let all: Vec<_> =
            LogicalLines::new("VENDOR a C:\\x\\\nVENDOR b\nFEATURE c NOTE=\"d \\\nserver e\"\n").collect();
        let seen: Vec<_> = all.iter().map(|l| (l.line, l.keyword, l.runs_into_keyword)).collect();
        let expected = [
            (1, Some(Keyword::Vendor), true),
            (2, Some(Keyword::Vendor), false),
            (3, Some(Keyword::Licence), false),
            (5, None, false),
        ];
        assert_eq!(seen, expected);
        assert_lines("VENDOR a \"C:\\x\\\nVENDOR b", &[(1, "VENDOR a \"C:\\x"), (2, "VENDOR b")]);
    }

    #[test]
    fn a_port_below_its_vendor_line_is_joined_and_said() {
        let all: Vec<_> = LogicalLines::new("VENDOR a\n  Port=1\nport=2\n\nport=3\nSERVER h ANY\nport=4").collect();
        let seen: Vec<_> = all.iter().map(|l| (l.line, l.text.as_str(), l.joined_without_backslash)).collect();
        let expected = [
            (1, "VENDOR a Port=1 port=2", Some(2)),
            (4, "", None),
            (5, "port=3", None),
            (6, "SERVER h ANY", None),
            (7, "port=4", None),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn keywords_come_in_any_case_and_nothing_else_is_one() {
        let keyword = |text: &str| LogicalLines::new(text).next().and_then(|l| l.keyword);
        assert_eq!(keyword("\u{a0}\u{200b} Server\u{a0}h"), Some(Keyword::Server));
        assert_eq!(keyword("daemon\\"), Some(Keyword::Daemon));
        assert_eq!(keyword("USE_SERVER"), Some(Keyword::UseServer));
        for other in ["SERVERS h", "#SERVER h", "VENDOR_STRING=x", "", "\"SERVER\" h", "port=27000"] {
            assert_eq!(keyword(other), None, "{other}");
        }
    }

    #[test]
    fn words_keep_what_quotes_hold_and_drop_comments() {
        let words = |text: &str| Words::of(text).words;
        assert_eq!(words(" a\u{a0}b\t c "), ["a", "b", "c"]);
        assert_eq!(words(r#"x "C:\Program Files\a" port="1" """#), ["x", r"C:\Program Files\a", "port=1", ""]);
        assert_eq!(words("a b#c #d e"), ["a", "b#c"]);
        assert_eq!(words("\"#a\" b"), ["#a", "b"]);
        assert!(Words::of("a \"b c").open_quote && !Words::of("\"\"").open_quote);
        assert_eq!(words("a \"b c"), ["a", "b c"]);
    }
}
