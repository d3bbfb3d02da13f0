//! `netstat -ano`, `-anob`, `-anoq` of Windows, in any language: rows are known by their shape, headers and most states are
//! translated.
//!
//! ```text
//!   TCP    0.0.0.0:135      0.0.0.0:0     LISTENING    1072
//!   RpcSs
//!  [svchost.exe]
//!   UDP    [fe80::1%12]:546 *:*                        980
//!  Can not obtain ownership information
//! ```
//!
//! Source: learn.microsoft.com, windows-server/administration/windows-commands/netstat. What stands below a row (component,
//! `[program]`, or that the owner is unknown) belongs to it. The foreign end of a socket that listens is `:0`; so is that of one
//! that is only bound, which `-q` lists. A state word that is not known is taken for *listening* only where it is the only one
//! that such rows have: told apart by nothing, a bound port must not pass for a service.

use super::builder::{Builder, Draft, Local};
use super::endpoint::end;
use super::error::quoted;
use super::state;
use super::text::for_lines;
use crate::model::{SocketState, Transport};
use std::collections::BTreeSet;

/// Advice for rows with names instead of numbers.
const NUMBERS: &str = "write the table with numbers: netstat -anob > netstat.txt";

/// What is known between lines.
#[derive(Default)]
struct State {
    /// Row to which the lines below it belong.
    row: Option<usize>,
    /// A row was seen: what comes before is header.
    begun: bool,
    /// Rows whose foreign end is `:0` and whose state has an unknown name, with line and name.
    unknown: Vec<(usize, u64)>,
    words: BTreeSet<String>,
}

pub(super) fn read(text: &str, first_line: u64, builder: &mut Builder) {
    let mut state = State::default();
    for_lines(text, first_line, builder, |number, line, builder| state.line(number, line, builder));
    state.settle(builder);
}

impl State {
    fn line(&mut self, number: u64, line: &str, builder: &mut Builder) {
        let words: Vec<&str> = line.split_whitespace().take(12).collect();
        match words.as_slice() {
            [] => self.row = None,
            [protocol, rest @ ..] if protocol.parse::<Transport>().is_ok() => {
                let transport = protocol.parse::<Transport>().unwrap_or(Transport::Tcp);
                self.begun = true;
                self.row = self.socket(number, transport, rest, builder);
            }
            _ if self.row.is_some() => self.below(line.trim(), builder),
            _ => {
                self.row = None;
                if self.begun {
                    builder.skip();
                }
            }
        }
    }

    /// A row: local end, foreign end, state unless UDP, process, and (`-t`) what follows.
    fn socket(&mut self, number: u64, transport: Transport, rest: &[&str], builder: &mut Builder) -> Option<usize> {
        let ends = match rest {
            [local, foreign, ..] => end(local).zip(end(foreign)),
            _ => None,
        };
        let Some((local, foreign)) = ends else {
            builder
                .misread(number, format!("{} is no pair of an address and a port; {NUMBERS}", quoted(&rest.join(" "))));
            return None;
        };
        let rest = rest.get(2..).unwrap_or_default();
        let is_number = |word: &&str| word.bytes().all(|b| b.is_ascii_digit());
        let words: Vec<&str> = rest.iter().copied().take_while(|word| !is_number(word)).collect();
        let process_id = rest.iter().find(|word| is_number(word)).and_then(|id| id.parse().ok());
        let word = words.join(" ");
        let known = match transport {
            Transport::Tcp => state::of_word(&word),
            Transport::Udp => None,
        };
        let draft = Draft {
            local: local.local,
            port: local.port,
            remote: foreign.endpoint(),
            state: known,
            process_id,
            ..Draft::default()
        };
        let row = builder.socket(number, transport, &draft)?;
        let waits = transport == Transport::Tcp && foreign.port == 0 && matches!(foreign.local, Local::Any(_));
        if known.is_none() && waits {
            self.unknown.push((row, number));
            if self.words.len() < 4 {
                self.words.insert(word);
            }
        }
        Some(row)
    }

    /// A line below a row: `[program.exe]`, the name of a service or component, or a sentence.
    fn below(&mut self, text: &str, builder: &mut Builder) {
        let program = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
        let name = match program {
            Some(program) => builder.name(program),
            // A sentence, or one in a script without spaces: that the owner is not known.
            None if text.chars().all(is_name) => builder.name(text),
            None => return,
        };
        let Some(socket) = self.row.and_then(|row| builder.socket_mut(row)) else { return };
        match program {
            Some(_) if socket.process.is_none() => socket.process = name,
            None if socket.services.is_none() => socket.services = name,
            _ => {}
        }
    }

    /// Rows that wait in a state of which only the translated name is known.
    fn settle(self, builder: &mut Builder) {
        let only_one = self.words.len() == 1 && !self.words.contains("");
        if let Some((_, number)) = self.unknown.first().filter(|_| !only_one) {
            let reason = "listening and bound sockets cannot be told apart in this language: run \"chcp 437\" and netstat \
                          without -q, or use scripts/portproof-collect.ps1";
            builder.warn(*number, reason);
        }
        for (row, _) in self.unknown.iter().filter(|_| only_one) {
            if let Some(socket) = builder.socket_mut(*row) {
                socket.state = SocketState::Listen;
            }
        }
    }
}

#[cfg(test)]
#[path = "netstat_tests.rs"]
mod tests;
