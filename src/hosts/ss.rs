//! `ss -tunap` of Linux (iproute2), with or without header (`-H`); `ss -tulpn`, and `-t` or `-u` alone, which leave out the
//! first column.
//!
//! ```text
//! Netid State  Recv-Q Send-Q Local Address:Port Peer Address:Port Process
//! tcp   LISTEN 0      128          0.0.0.0:22        0.0.0.0:*    users:(("sshd",pid=1,fd=3))
//! ```
//!
//! Source: ss(8). Of several processes that share a socket the first is kept.

use super::builder::{Builder, Draft};
use super::endpoint::end;
use super::error::quoted;
use super::state;
use super::text::for_lines;
use crate::model::{SocketState, Transport};

/// Sockets of other kinds, which `ss` without `-t` and `-u` lists too.
const OTHERS: [&str; 13] =
    ["nl", "p_raw", "p_dgr", "u_str", "u_dgr", "u_seq", "raw", "icmp6", "v_str", "v_dgr", "tipc", "sctp", "mptcp"];

pub(super) fn read(text: &str, first_line: u64, builder: &mut Builder) {
    let alone = only_transport(text);
    for_lines(text, first_line, builder, |number, line, builder| row(number, line, alone, builder));
}

/// Whether a line is a row or the header of `ss`.
pub(super) fn is_row(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().take(8).collect();
    let columns = match words.as_slice() {
        [kind, rest @ ..] if kind.parse::<Transport>().is_ok() || OTHERS.contains(kind) || *kind == "Netid" => rest,
        all => all,
    };
    match columns {
        ["State", "Recv-Q", "Send-Q", ..] => true,
        [word, received, sent, local, ..] => {
            state::of_word(word).is_some() && is_count(received) && is_count(sent) && local.contains(':')
        }
        _ => false,
    }
}

fn is_count(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit())
}

/// The transport of a listing without its column, by states that only one of them has.
fn only_transport(text: &str) -> Option<Transport> {
    text.lines().take(10_000).find_map(|line| match line.split_whitespace().next()? {
        "LISTEN" | "TIME-WAIT" | "CLOSE-WAIT" | "SYN-SENT" | "LAST-ACK" => Some(Transport::Tcp),
        "UNCONN" => Some(Transport::Udp),
        _ => None,
    })
}

fn row(number: u64, line: &str, alone: Option<Transport>, builder: &mut Builder) {
    // Continuation lines of -i and -m are indented.
    if line.trim().is_empty() || line.starts_with([' ', '\t']) {
        return;
    }
    let words: Vec<&str> = line.split_whitespace().take(6).collect();
    let (transport, columns) = match words.as_slice() {
        ["Netid" | "State", ..] => return,
        [kind, ..] if OTHERS.contains(kind) => return,
        [kind, rest @ ..] if kind.parse::<Transport>().is_ok() => (kind.parse::<Transport>().ok(), rest),
        all => (alone, all),
    };
    let [word, received, sent, local, peer, ..] = columns else {
        return builder.misread(number, format!("{} is no row of ss", quoted(line)));
    };
    let known = state::of_word(word).filter(|_| is_count(received) && is_count(sent));
    let (Some(transport), Some(known)) = (transport, known) else {
        return builder.misread(number, format!("{} is no row of ss -tunap", quoted(line)));
    };
    let Some((local, peer)) = end(local).zip(end(peer)) else {
        let reason = "names instead of numbers; write the table with ss -tunap > ss.txt";
        return builder.misread(number, format!("{} has {reason}", quoted(line)));
    };
    let state = match (transport, known) {
        // UDP knows two states; what else stands there is no state of it.
        (Transport::Udp, SocketState::Established | SocketState::Unconnected) => known,
        (Transport::Udp, _) => SocketState::Other,
        // A TCP socket that is neither connected nor listens.
        (Transport::Tcp, SocketState::Unconnected) => SocketState::Closed,
        (Transport::Tcp, _) => known,
    };
    let (process, process_id) = first_process(line);
    let draft = Draft {
        local: local.local,
        port: local.port,
        remote: peer.endpoint(),
        state: Some(state),
        process_id,
        process,
        ..Draft::default()
    };
    builder.socket(number, transport, &draft);
}

/// Longest name of a process that the kernel keeps, bytes (TASK_COMM_LEN less its end).
const NAME_BYTES: usize = 15;

/// Name and number of the first process of `users:(("name",pid=1,fd=3),…)`.
///
/// ss escapes nothing, and a name may hold anything, also `",pid=9,fd=3)`. What follows a name of at most 15 bytes is the last thing
/// of that shape within reach: the next process of the list is further away.
fn first_process(line: &str) -> (&str, Option<u32>) {
    let Some((_, users)) = line.split_once("users:((\"") else { return ("", None) };
    let ends = users.match_indices("\",pid=").take_while(|(at, _)| *at <= NAME_BYTES);
    let found = ends.filter_map(|(at, mark)| Some((users.get(..at)?, number(users.get(at + mark.len()..)?)?)));
    found.last().map_or(("", None), |(name, id)| (name, Some(id)))
}

/// The number of `9,fd=3)…`.
fn number(text: &str) -> Option<u32> {
    let (id, rest) = text.split_once(",fd=")?;
    let (fd, _) = rest.split_once(')')?;
    id.parse().ok().filter(|_| is_count(id) && is_count(fd))
}

#[cfg(test)]
#[path = "ss_tests.rs"]
mod tests;
