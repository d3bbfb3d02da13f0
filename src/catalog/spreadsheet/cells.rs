//! What people write into cells: protocols, ports, directions.

use super::super::document::Direction;
use super::super::port_range::PortRange;
use super::text::quoted;
use crate::model::Transport;

/// Ports and ranges that are read from one cell.
pub(super) const MAX_PORTS_OF_CELL: usize = 1_000;

/// Protocols over TCP that people name instead of it.
const OVER_TCP: [&str; 9] = ["http", "https", "tls", "ssl", "ssh", "ftp", "sftp", "smtp", "rdp"];

/// What a protocol cell says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Protocol {
    /// These transports.
    Stated(Vec<Transport>),
    /// Nothing.
    Empty,
    /// These transports follow from what it says; the text says why.
    Read(Vec<Transport>, String),
    /// No transport that has ports; the text says what it says instead.
    Other(String),
}

/// Reads "TCP", "tcp/udp", "TCP, UDP", "6".
pub(super) fn protocol(cell: &str) -> Protocol {
    let lower = cell.to_lowercase();
    let words: Vec<&str> = words(&lower).collect();
    let says = |names: &[&str]| words.iter().any(|word| names.contains(word));
    let transports = transports(says(&["tcp", "6", "both", "tcpudp"]), says(&["udp", "17", "both", "tcpudp"]));
    if !transports.is_empty() {
        return Protocol::Stated(transports);
    }
    if words.iter().all(|word| is_dynamic(word)) {
        return Protocol::Empty;
    }
    if says(&["any", "all"]) {
        let both = vec![Transport::Tcp, Transport::Udp];
        return Protocol::Read(both, format!("{} is read as TCP and UDP", quoted(cell)));
    }
    if says(&OVER_TCP) {
        return Protocol::Read(vec![Transport::Tcp], format!("{} names no transport: taken as TCP", quoted(cell)));
    }
    Protocol::Other(cell.to_owned())
}

fn transports(tcp: bool, udp: bool) -> Vec<Transport> {
    [tcp.then_some(Transport::Tcp), udp.then_some(Transport::Udp)].into_iter().flatten().collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

fn is_dynamic(word: &str) -> bool {
    matches!(word, "dynamic" | "dynamically" | "dyn" | "ephemeral" | "random")
}

/// Whether a text says that ports change.
pub(super) fn says_dynamic(text: &str) -> bool {
    words(&text.to_lowercase()).any(is_dynamic)
}

/// Reads "inbound", "out", "listens"; `None` where it says neither.
pub(super) fn direction(cell: &str) -> Option<Direction> {
    let lower = cell.to_lowercase();
    let says = |names: &[&str]| words(&lower).any(|word| names.contains(&word));
    let inwards = says(&["in", "inbound", "incoming", "ingress", "listen", "listens", "listening"]);
    let outwards = says(&["out", "outbound", "outgoing", "egress", "connects"]);
    match (inwards, outwards) {
        (true, false) => Some(Direction::Listens),
        (false, true) => Some(Direction::ConnectsOut),
        (true, true) => Some(Direction::NotStated),
        (false, false) => {
            let open = lower.is_empty() || says(&["both", "bidirectional", "bi", "two", "stated"]);
            open.then_some(Direction::NotStated)
        }
    }
}

/// A port or range of a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CellPorts {
    pub(super) range: PortRange,
    /// Transports that the cell itself names beside it.
    pub(super) transports: Vec<Transport>,
}

/// What a port cell says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PortCell {
    pub(super) ports: Vec<CellPorts>,
    /// What of it is no port, and why.
    pub(super) problems: Vec<String>,
    /// What had to be assumed.
    pub(super) assumed: Vec<String>,
}

/// Reads "443", "27000-27009", "27000 – 27009", "5798 and 5799", "80, 443", "443/tcp", "TCP 80; UDP 53".
///
/// A comma between digits may also group thousands: where the list makes no sense and the number does, it is the number.
pub(super) fn ports(cell: &str) -> PortCell {
    let tokens = outside_parentheses(tokens(cell));
    let listed = Reading::of(&tokens);
    let Some(joined) = joined_thousands(&tokens) else { return listed };
    let alternative = Reading::of(&joined);
    let mut chosen = if listed.problems.is_empty() || !alternative.problems.is_empty() { listed } else { alternative };
    let numbers: Vec<String> = chosen.ports.iter().map(|entry| entry.range.to_string()).collect();
    if chosen.problems.is_empty() {
        chosen.assumed.push(format!(
            "{} is read as {}: write numbers without commas",
            quoted(cell),
            numbers.join(" and ")
        ));
    }
    chosen
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Number(String),
    Dash,
    /// A comma; whether digits stand on both sides of it.
    Comma {
        tight: bool,
    },
    Word(String),
    Open,
    Close,
}

/// Where a number stands outside of parentheses, those within are none: "443 (since version 2008)".
fn outside_parentheses(tokens: Vec<Token>) -> Vec<Token> {
    let mut depth = 0_usize;
    let mut levels = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            token => levels.push((depth > 0, token)),
        }
    }
    let outside = levels.iter().any(|(inside, token)| !inside && matches!(token, Token::Number(_)));
    let kept = |(inside, token)| match token {
        Token::Number(number) if inside && outside => Token::Word(number),
        token => token,
    };
    levels.into_iter().map(kept).collect()
}

fn tokens(cell: &str) -> Vec<Token> {
    let characters: Vec<char> = cell.to_lowercase().chars().collect();
    let digit = |at: Option<usize>| at.and_then(|at| characters.get(at)).is_some_and(char::is_ascii_digit);
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = characters.get(at) {
        let before = digit(at.checked_sub(1));
        let start = at;
        at += 1;
        if c.is_alphanumeric() {
            // A point inside belongs to it: an address is no list of ports.
            let goes_on = |at: usize| match characters.get(at) {
                Some('.') => characters.get(at + 1).is_some_and(|next| next.is_alphanumeric()),
                Some(next) => next.is_alphanumeric(),
                None => false,
            };
            while goes_on(at) {
                at += 1;
            }
            let text: String = characters.get(start..at).unwrap_or_default().iter().collect();
            tokens.push(word(text));
        } else if c == '.' && characters.get(at) == Some(&'.') && before {
            at += 1;
            tokens.push(Token::Dash);
        } else if matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '~') || c == ':' && before && digit(Some(at))
        {
            tokens.push(Token::Dash);
        } else if c == ',' {
            tokens.push(Token::Comma { tight: before && digit(Some(at)) });
        } else if matches!(c, '(' | '[') {
            tokens.push(Token::Open);
        } else if matches!(c, ')' | ']') {
            tokens.push(Token::Close);
        } else if matches!(c, '>' | '<' | '+' | '≥' | '≤') {
            tokens.push(Token::Word(c.to_string()));
        }
    }
    tokens
}

fn word(text: String) -> Token {
    let number = text.strip_suffix(".0").unwrap_or(&text);
    if number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Token::Number(number.to_owned());
    }
    if matches!(text.as_str(), "to" | "through" | "thru" | "until") { Token::Dash } else { Token::Word(text) }
}

/// The tokens with numbers such as 49,152 in one; `None` where there is none.
fn joined_thousands(tokens: &[Token]) -> Option<Vec<Token>> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    let mut found = false;
    while let [first, behind @ ..] = rest {
        rest = behind;
        if let [Token::Comma { tight: true }, Token::Number(thousands), others @ ..] = behind
            && let Token::Number(number) = first
            && number.len() <= 2
            && thousands.len() == 3
            && format!("{number}{thousands}").parse::<u16>().is_ok()
        {
            joined.push(Token::Number(format!("{number}{thousands}")));
            (rest, found) = (others, true);
        } else {
            joined.push(first.clone());
        }
    }
    found.then_some(joined)
}

/// Reads tokens one after the other.
#[derive(Default)]
struct Reading {
    cell: PortCell,
    /// The cell begins with a protocol: it holds for what follows, otherwise for what stands before.
    protocol_first: bool,
    /// Protocols in force, where they come first.
    current: Vec<Transport>,
    /// Ports before this one have their protocol.
    settled: usize,
    last_was_protocol: bool,
    unread: Vec<String>,
}

impl Reading {
    fn of(tokens: &[Token]) -> PortCell {
        let mut reading = Self::default();
        let first = tokens.iter().find(|token| matches!(token, Token::Number(_) | Token::Word(_)));
        reading.protocol_first = matches!(first, Some(Token::Word(word)) if transport(word).is_some());
        let mut rest = tokens;
        while let [token, behind @ ..] = rest {
            rest = behind;
            match token {
                Token::Number(first) => match behind {
                    [Token::Dash, Token::Number(last), others @ ..] => {
                        rest = others;
                        reading.range(first, last);
                    }
                    _ => reading.range(first, first),
                },
                Token::Word(word) => reading.word(word),
                Token::Dash | Token::Comma { .. } | Token::Open | Token::Close => {}
            }
        }
        reading.finish()
    }

    fn range(&mut self, first: &str, last: &str) {
        self.last_was_protocol = false;
        let number = |text: &str| match text.parse::<u16>() {
            Ok(_) if text.len() > 1 && text.starts_with('0') => Err(format!("{} begins with a zero", quoted(text))),
            Ok(port) => Ok(port),
            Err(_) => Err(format!("{} is not a port: ports are 1 to 65535", quoted(text))),
        };
        let range = number(first).and_then(|first| PortRange::new(first, number(last)?));
        match range {
            Err(problem) => self.cell.problems.push(problem),
            Ok(_) if self.cell.ports.len() >= MAX_PORTS_OF_CELL => {
                let problem = format!("the cell has more than {MAX_PORTS_OF_CELL} ports");
                if !self.cell.problems.contains(&problem) {
                    self.cell.problems.push(problem);
                }
            }
            Ok(range) => self.cell.ports.push(CellPorts { range, transports: self.current.clone() }),
        }
    }

    fn word(&mut self, word: &str) {
        let Some(transport) = transport(word) else {
            const PLAIN: [&str; 11] =
                ["and", "or", "und", "port", "ports", "range", "from", "static", "fixed", "default", "inclusive"];
            if !PLAIN.contains(&word) && !is_dynamic(word) {
                self.unread.push(word.to_owned());
            }
            return;
        };
        if self.protocol_first {
            if !self.last_was_protocol {
                self.current.clear();
            }
            add(&mut self.current, transport);
        } else {
            if !self.last_was_protocol {
                self.settled =
                    self.cell.ports.iter().position(|entry| entry.transports.is_empty()).unwrap_or(usize::MAX);
            }
            for entry in self.cell.ports.iter_mut().skip(self.settled) {
                add(&mut entry.transports, transport);
            }
        }
        self.last_was_protocol = true;
    }

    fn finish(mut self) -> PortCell {
        let mut seen = std::collections::BTreeSet::new();
        self.cell.ports.retain(|entry| seen.insert((entry.range, entry.transports.clone())));
        if self.unread.iter().any(|word| matches!(word.as_str(), ">" | "<" | "+" | "≥" | "≤" | "above" | "higher"))
        {
            self.cell.problems.push("it does not say where the range ends".to_owned());
        } else if !self.unread.is_empty() && !self.cell.ports.is_empty() {
            self.cell.assumed.push(format!("of the port cell, {} is not read", quoted(&self.unread.join(" "))));
        }
        self.cell
    }
}

fn transport(word: &str) -> Option<Transport> {
    word.parse().ok()
}

/// Adds a transport once, TCP first.
fn add(transports: &mut Vec<Transport>, transport: Transport) {
    if !transports.contains(&transport) {
        transports.push(transport);
        transports.sort_unstable();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Transport::{Tcp, Udp};

    /// "443/tcp 27000-27009 | problems | assumptions".
    fn told(cell: &str) -> String {
        let PortCell { ports, problems, assumed } = ports(cell);
        let mut parts: Vec<String> = Vec::new();
        for CellPorts { range, transports } in ports {
            let names: Vec<String> = transports.iter().map(|transport| format!("/{transport}")).collect();
            parts.push(format!("{range}{}", names.concat()));
        }
        format!("{} | {} | {}", parts.join(" "), problems.join("; "), assumed.join("; "))
    }

    #[test]
    fn ports_are_read_as_people_write_them() {
        for (cell, expected) in [
            ("443", "443"),
            ("27000-27009", "27000-27009"),
            ("27000 – 27009", "27000-27009"),
            ("27000 to 27009", "27000-27009"),
            ("27000..27009", "27000-27009"),
            ("27000:27009", "27000-27009"),
            ("5798 and 5799", "5798 5799"),
            ("80, 443", "80 443"),
            ("80,443", "80 443"),
            ("80/443;8080", "80 443 8080"),
            ("443.0", "443"),
            ("22350*", "22350"),
            ("443/tcp, 161/UDP", "443/tcp 161/udp"),
            ("443, 8443 (TCP), 53 tcp/udp", "443/tcp 8443/tcp 53/tcp/udp"),
            ("TCP: 80, 443; UDP: 53", "80/tcp 443/tcp 53/udp"),
            ("UDP/TCP 53", "53/tcp/udp"),
            ("Dynamic (49152-65535)", "49152-65535"),
            ("443, 443", "443"),
            ("", ""),
            ("n/a", ""),
        ] {
            assert_eq!(told(cell), format!("{expected} |  | "), "{cell}");
        }
    }

    #[test]
    fn what_is_no_port_or_not_clear_is_told() {
        for (cell, expected) in [
            ("0", " | 0 is not a port: ports are 1 to 65535 | "),
            ("80, 70000", "80 | \"70000\" is not a port: ports are 1 to 65535 | "),
            ("9-3", " | the range 9-3 ends before it begins: write 3-9 | "),
            ("10.0.0.1", " |  | "),
            ("0443", " | \"0443\" begins with a zero | "),
            ("1024+", "1024 | it does not say where the range ends | "),
            (">1023", "1023 | it does not say where the range ends | "),
            ("all but 445", "445 |  | of the port cell, \"all but\" is not read"),
            (
                "49,152-65,535",
                "49152-65535 |  | \"49,152-65,535\" is read as 49152-65535: write numbers without commas",
            ),
            ("443 (since 2008)", "443 |  | of the port cell, \"since 2008\" is not read"),
            ("8,080", "8080 |  | \"8,080\" is read as 8080: write numbers without commas"),
            ("22,443", "22 443 |  | \"22,443\" is read as 22 and 443: write numbers without commas"),
        ] {
            assert_eq!(told(cell), expected, "{cell}");
        }
        let many: Vec<String> = (1..=2000).map(|port| port.to_string()).collect();
        let cell = ports(&many.join(" "));
        assert_eq!((cell.ports.len(), cell.problems.len()), (MAX_PORTS_OF_CELL, 1));
    }

    #[test]
    fn protocols_are_read_as_people_write_them() {
        for (cell, expected) in [
            ("TCP", vec![Tcp]),
            ("udp", vec![Udp]),
            ("tcp/udp", vec![Tcp, Udp]),
            ("UDP, TCP", vec![Tcp, Udp]),
            ("6", vec![Tcp]),
            ("17", vec![Udp]),
            ("TCP (HTTPS)", vec![Tcp]),
            ("Both", vec![Tcp, Udp]),
        ] {
            assert_eq!(protocol(cell), Protocol::Stated(expected), "{cell}");
        }
        assert_eq!(protocol(""), Protocol::Empty);
        assert_eq!(protocol("dynamic"), Protocol::Empty);
        assert!(matches!(protocol("HTTPS"), Protocol::Read(found, _) if found == [Tcp]));
        assert!(matches!(protocol("any"), Protocol::Read(found, _) if found == [Tcp, Udp]));
        assert!(matches!(protocol("ICMP"), Protocol::Other(_)));
        assert!(matches!(protocol("SNMP"), Protocol::Other(_)));
    }

    #[test]
    fn directions_are_read_as_people_write_them() {
        for (cell, expected) in [
            ("Inbound", Some(Direction::Listens)),
            ("listens", Some(Direction::Listens)),
            ("OUT", Some(Direction::ConnectsOut)),
            ("connects-out", Some(Direction::ConnectsOut)),
            ("in/out", Some(Direction::NotStated)),
            ("not-stated", Some(Direction::NotStated)),
            ("", Some(Direction::NotStated)),
            ("sideways", None),
        ] {
            assert_eq!(direction(cell), expected, "{cell}");
        }
    }
}
