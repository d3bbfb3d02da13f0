//! SERVER, VENDOR and DAEMON lines, one by one.

use super::lines::{Keyword, LogicalLine, LogicalLines, Words};
use super::warning::BarePort;
use super::{
    DaemonLine, LICENCE_MANAGER, LicenceFile, LicenceProblem, LksVersion, MAX_LINE_CHARACTERS, PassedOver, ServerLine,
};
use crate::catalog::error::closest;

/// Longest name of a vendor daemon.
const MAX_NAME_CHARACTERS: usize = 64;

/// The words that begin a line that is read, for whoever misspelt one.
const READ: [&str; 3] = ["SERVER", "VENDOR", "DAEMON"];

/// Reads every line; what only two lines together show is for the review.
pub(super) fn read(name: &str, text: &str, version: Option<LksVersion>) -> LicenceFile {
    let mut file = LicenceFile {
        name: name.to_owned(),
        servers: Vec::new(),
        daemons: Vec::new(),
        warnings: Vec::new(),
        passed_over: PassedOver::default(),
        version,
    };
    let (mut unusual, mut first_unusual) = (0, None);
    // A byte order mark is no part of the first line.
    for line in LogicalLines::new(text.strip_prefix('\u{feff}').unwrap_or(text)) {
        match line.keyword {
            Some(keyword) if keyword.is_read() => {
                if line.unusual_spaces {
                    unusual += 1;
                    first_unusual.get_or_insert(line.line);
                }
                read_line(&mut file, keyword, &line);
            }
            Some(Keyword::UseServer) => file.passed_over.use_server += 1,
            Some(_) => file.passed_over.licences += 1,
            None => pass_over(&mut file, &line),
        }
    }
    if unusual > 0 {
        file.warn(first_unusual, LicenceProblem::UnusualSpaces(unusual));
    }
    file
}

fn pass_over(file: &mut LicenceFile, line: &LogicalLine) {
    let Some(word) = Words::of(&line.text).words.into_iter().next() else { return };
    file.passed_over.others += 1;
    if let Some(keyword) = closest(&word, READ) {
        file.warn(Some(line.line), LicenceProblem::NearlyKeyword(word, keyword));
    }
}

fn read_line(file: &mut LicenceFile, keyword: Keyword, line: &LogicalLine) {
    let at = Some(line.line);
    // Notes that would explain a refusal as well.
    if let Some(joined) = line.joined_without_backslash {
        file.warn(at, LicenceProblem::JoinedWithoutBackslash(joined));
    }
    if line.runs_into_keyword {
        file.warn(at, LicenceProblem::RunsIntoKeyword);
    }
    let characters = line.text.chars().count();
    if characters > MAX_LINE_CHARACTERS {
        file.warn(at, LicenceProblem::LineTooLong(keyword.name(), characters));
        return;
    }
    let words = Words::of(&line.text);
    if words.open_quote {
        file.warn(at, LicenceProblem::OpenQuote);
    }
    let arguments = words.words.get(1..).unwrap_or_default();
    match keyword {
        Keyword::Server => server(file, line.line, arguments),
        _ => daemon(file, line.line, arguments),
    }
}

fn server(file: &mut LicenceFile, line: usize, arguments: &[String]) {
    let at = Some(line);
    if let Some(host) = arguments.first().filter(|host| is_port_at_host(host)) {
        return file.warn(at, LicenceProblem::PortAtHost(host.clone()));
    }
    let [host, host_id, rest @ ..] = arguments else {
        return file.warn(at, LicenceProblem::ServerIncomplete);
    };
    let (mut ports, mut unknown) = (Vec::new(), None);
    for word in rest {
        if is_server_flag(word) {
            continue;
        }
        match value_of(word, "port=").or_else(|| value_of(word, "tcp:")) {
            Some(value) => {
                file.warn(at, LicenceProblem::PortSpelling(word.clone()));
                ports.push(value);
            }
            None if is_number(word) => ports.push(word.as_str()),
            None => unknown = unknown.or(Some((word, None))),
        }
    }
    tell_unknown(file, line, unknown);
    let port = match settle(LICENCE_MANAGER, &ports) {
        Ok(Some(port)) => Some(port),
        Ok(None) => {
            file.warn(at, LicenceProblem::NoServerPort);
            None
        }
        Err(problem) => {
            file.warn(at, problem);
            None
        }
    };
    file.servers.push(ServerLine { line, host: host.clone(), host_id: host_id.clone(), port });
}

fn daemon(file: &mut LicenceFile, line: usize, arguments: &[String]) {
    let at = Some(line);
    let Some((name, rest)) = arguments.split_first() else {
        return file.warn(at, LicenceProblem::NoDaemonName);
    };
    if !is_daemon_name(name) {
        return file.warn(at, LicenceProblem::BadDaemonName(name.clone()));
    }
    let (mut ports, mut options, mut places, mut unknown) = (Vec::new(), None, Vec::new(), None);
    for word in rest {
        if let Some(value) = value_of(word, "port=") {
            ports.push(value);
        } else if let Some(value) = value_of(word, "options=") {
            options = Some(value);
        } else if let Some((key, _)) = assignment(word) {
            let meant = closest(key, ["port", "options"]).map(|key| if key == "port" { "port=" } else { "options=" });
            unknown = unknown.or(Some((word, meant)));
        } else {
            places.push(word.as_str());
        }
    }
    tell_unknown(file, line, unknown);
    if ports.is_empty() {
        ports.extend(bare_port(file, line, name, &mut places));
    }
    let port = match settle(name, &ports) {
        Ok(port) => port,
        Err(problem) => {
            file.warn(at, problem);
            None
        }
    };
    // A port that is none was told as such.
    if ports.is_empty() {
        file.warn(at, LicenceProblem::NoDaemonPort(name.clone()));
    }
    let mut places = places.into_iter();
    let path = places.next().map(str::to_owned);
    let options = options.or_else(|| places.next()).map(str::to_owned);
    if places.next().is_some() {
        file.warn(at, LicenceProblem::UnquotedPath);
    }
    file.daemons.push(DaemonLine { line, name: name.clone(), path, options, port });
}

/// The first word of a line that means nothing there. One is enough to look at the line.
fn tell_unknown(file: &mut LicenceFile, line: usize, unknown: Option<(&String, Option<&'static str>)>) {
    if let Some((word, meant)) = unknown {
        file.warn(Some(line), LicenceProblem::UnknownWord(word.clone(), meant));
    }
}

/// The port without `port=` at the end of a VENDOR or DAEMON line. The guide knows it after a path; IBM's note always
/// writes `port=`.
fn bare_port<'a>(file: &mut LicenceFile, line: usize, name: &str, places: &mut Vec<&'a str>) -> Option<&'a str> {
    let text = places.pop_if(|last| is_number(last))?;
    if let Some(port) = port(text) {
        let place = if places.is_empty() { BarePort::WithoutPath } else { BarePort::AfterPath };
        file.warn(Some(line), LicenceProblem::Bare(name.to_owned(), port, place));
    }
    Some(text)
}

/// The one port that a line gives, where it gives one.
fn settle(daemon: &str, texts: &[&str]) -> Result<Option<u16>, LicenceProblem> {
    let mut settled = None;
    for text in texts {
        let found = port(text).ok_or_else(|| LicenceProblem::BadPort(daemon.to_owned(), (*text).to_owned()))?;
        match settled {
            Some(other) if other != found => return Err(LicenceProblem::PortTwice(daemon.to_owned(), other, found)),
            _ => settled = Some(found),
        }
    }
    Ok(settled)
}

/// A port: digits, 1 to 65535.
fn port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten().filter(|port| *port != 0)
}

/// Whether a word was meant as a number, whatever its size.
fn is_number(word: &str) -> bool {
    let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// What follows a key of ASCII letters, in any case.
fn value_of<'a>(word: &'a str, key: &str) -> Option<&'a str> {
    let (found, value) = word.split_at_checked(key.len())?;
    found.eq_ignore_ascii_case(key).then_some(value)
}

/// `key=value`, where the key is a word and not part of a path.
fn assignment(word: &str) -> Option<(&str, &str)> {
    let found = word.split_once('=')?;
    (!found.0.is_empty() && found.0.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')).then_some(found)
}

/// What may follow the port of a SERVER line and is no port.
fn is_server_flag(word: &str) -> bool {
    let valued = ["heartbeat_interval=", "server_timeout=", "plat="];
    word.eq_ignore_ascii_case("primary_is_master") || valued.iter().any(|key| value_of(word, key).is_some())
}

/// `27000@host`: how clients name a server.
fn is_port_at_host(word: &str) -> bool {
    word.split_once('@').is_some_and(|(port, _)| port.bytes().all(|b| b.is_ascii_digit()))
}

/// Names of daemons are names of programs: whatever else stands there is a mistake, or hostile.
fn is_daemon_name(word: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.+".contains(&b);
    (1..=MAX_NAME_CHARACTERS).contains(&word.len()) && word.bytes().all(plain)
}
