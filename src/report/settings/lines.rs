//! The text of a script: commands as they are, comments through an allow-list.

/// Columns of a comment, its mark left out.
const WIDTH: usize = 96;

/// How a dialect writes lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// cmd.exe.
    Cmd,
    /// PowerShell.
    PowerShell,
    /// A file for regedit.
    Registry,
    /// sysctl.d, the POSIX shell, smb.conf.
    Unix,
}

impl Dialect {
    fn mark(self) -> &'static str {
        match self {
            Self::Cmd => "rem",
            Self::PowerShell | Self::Unix => "#",
            Self::Registry => ";",
        }
    }

    fn line_end(self) -> &'static str {
        match self {
            Self::Cmd | Self::PowerShell | Self::Registry => "\r\n",
            Self::Unix => "\n",
        }
    }
}

/// A script in the making.
#[derive(Debug)]
pub(super) struct Lines {
    dialect: Dialect,
    text: String,
}

impl Lines {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, text: String::new() }
    }

    /// A line as it is. The caller vouches for it: it is made of constants and numbers.
    pub(super) fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push_str(self.dialect.line_end());
    }

    pub(super) fn lines(&mut self, lines: &[&str]) {
        lines.iter().for_each(|line| self.line(line));
    }

    pub(super) fn blank(&mut self) {
        self.line("");
    }

    /// A paragraph of comment, wrapped. The text may be hostile.
    pub(super) fn comment(&mut self, text: &str) {
        let text = commentable(text);
        let mut line = String::new();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if !line.is_empty() && line.len() + 1 + word.len() > WIDTH {
                self.comment_line(&line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.comment_line(&line);
    }

    /// A command that is not run. As with [`Self::line`] the caller vouches for it.
    pub(super) fn commented_command(&mut self, command: &str) {
        self.comment_line(&format!("  {command}"));
    }

    fn comment_line(&mut self, line: &str) {
        let line = format!("{} {line}", self.dialect.mark());
        self.line(line.trim_end());
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// Text that ends no comment and starts no command in any dialect. cmd.exe expands percent signs even behind `rem`, so they
/// are no part of it, nor are quotes, carets, redirections, ampersands and backslashes (which continue a line of smb.conf).
/// Other characters become underscores.
pub(super) fn commentable(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ._-,:;/()=".contains(c);
    text.chars().map(|c| if plain(c) { c } else { '_' }).collect()
}
