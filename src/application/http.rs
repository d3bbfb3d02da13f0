//! HTTP/1 (RFC 9110, RFC 9112), and what begins as such: WebSocket (RFC 6455 section 4) and Engine.IO, the transport of
//! Socket.IO (github.com/socketio/engine.io-protocol).
//!
//! Read: the first request and the first response with their header fields, by `httparse`. Not read: bodies, queries but for
//! Engine.IO's `EIO` and `transport`, and whatever follows. HTTP/2 is another protocol, and so are those that borrowed the
//! form of a message: RTSP, SIP, ICY say so in their version.
//!
//! Layouts, constants and quoted examples are from memory, unverified against the text; checked on captures only.

use super::heard::{Heard, readable, text};
use super::opening::{Look, Opening};
use super::text::{first_line, host_of, is_host_name};
use crate::model::{Certainty, DetailKind, NameSource, Protocol, Recognised, Side};
use std::borrow::Cow;

/// Methods with which a first line is waited for: RFC 9110, RFC 5789, WebDAV (RFC 4918, 3253, 3744, 5323), UPnP eventing,
/// RPC over HTTP (MS-RPCH), BITS. A first line that is complete may have any.
const METHODS: [&[u8]; 32] = [
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"CONNECT",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"SEARCH",
    b"REPORT",
    b"ACL",
    b"CHECKOUT",
    b"CHECKIN",
    b"MERGE",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
    b"CCM_POST",
    b"BITS_POST",
    b"BPROPFIND",
    b"POLL",
    b"PURGE",
];
/// Longest method that is believed.
const LONGEST_METHOD: usize = 20;
/// Header fields of a message that are read.
const MOST_FIELDS: usize = 100;
const VERSION: &[u8] = b"HTTP/1.";
const HEAD_ENDS: &[u8] = b"\r\n\r\n";
/// Statuses with which an Engine.IO server answers: it switches, it serves, it complains.
const ENGINE_ANSWERS: [u16; 3] = [101, 200, 400];

/// With what a side begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begins {
    Nothing,
    Other,
    Unclear,
    /// A request whose first line is not complete, of a known method and a target that fits.
    RequestSoFar,
    Request,
    /// A response, and its status.
    Response(u16),
}

fn begins(bytes: &[u8]) -> Begins {
    if bytes.is_empty() {
        return Begins::Nothing;
    }
    let there = bytes.len().min(VERSION.len());
    if bytes[..there] == VERSION[..there] {
        return begins_response(bytes);
    }
    match first_line(bytes) {
        Some(line) if request_parts(line).is_some() => Begins::Request,
        Some(_) => Begins::Other,
        None => begins_request(bytes),
    }
}

/// `HTTP/1.1 200 OK`: the version has one digit, the status three.
fn begins_response(bytes: &[u8]) -> Begins {
    let model = b"HTTP/1.d ddd";
    let fits = bytes.iter().zip(model).skip(VERSION.len()).all(|(byte, model)| match model {
        b'd' => byte.is_ascii_digit(),
        _ => byte == model,
    });
    match bytes.get(model.len() - 3..model.len()) {
        _ if !fits => Begins::Other,
        None => Begins::Unclear,
        Some(digits) => Begins::Response(digits.iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'))),
    }
}

/// Method, target and version of a complete first line.
fn request_parts(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let method = line.iter().position(|byte| *byte == b' ').map(|end| &line[..end])?;
    let is_method = |byte: &u8| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-');
    let rest = &line[method.len() + 1..];
    let at = rest.iter().rposition(|byte| *byte == b' ')?;
    let (target, version) = (&rest[..at], &rest[at + 1..]);
    let fits = (1..=LONGEST_METHOD).contains(&method.len())
        && method.iter().all(is_method)
        && !target.is_empty()
        && version.strip_prefix(VERSION).is_some_and(|minor| matches!(minor, [b'0'..=b'9']));
    fits.then_some((method, target))
}

fn has_known_method(bytes: &[u8]) -> bool {
    let parts = first_line(bytes).and_then(request_parts);
    parts.is_some_and(|(method, _)| METHODS.contains(&method))
}

fn begins_request(bytes: &[u8]) -> Begins {
    let there = |method: &&[u8]| {
        let length = bytes.len().min(method.len());
        bytes[..length] == method[..length] && bytes.get(method.len()).is_none_or(|byte| *byte == b' ')
    };
    // Some methods begin like others: the longest that fits is meant.
    let Some(method) = METHODS.iter().filter(|method| there(method)).max_by_key(|method| method.len()) else {
        return Begins::Other;
    };
    let target = bytes.get(method.len() + 1..).unwrap_or_default();
    let graphic = target.iter().all(|byte| byte.is_ascii_graphic() || *byte >= 0x80 || matches!(byte, b' ' | b'\r'));
    let absolute = b"http";
    let begins = match target.first() {
        None => return Begins::Unclear,
        Some(b'/') => true,
        Some(b'*') => *method == b"OPTIONS",
        Some(_) if *method == b"CONNECT" => true,
        Some(_) => {
            let length = target.len().min(absolute.len());
            target[..length].eq_ignore_ascii_case(&absolute[..length])
        }
    };
    if begins && graphic { Begins::RequestSoFar } else { Begins::Other }
}

pub(super) fn look(opening: &Opening<'_>) -> Look {
    let sides = [Side::A, Side::B].map(|side| begins(opening.bytes(side)));
    for client in [Side::A, Side::B] {
        let server = client.other();
        match (sides[client as usize], sides[server as usize]) {
            // A method of its own proves nothing until it is answered as HTTP is.
            (Begins::Request, Begins::Nothing | Begins::Unclear) if !has_known_method(opening.bytes(client)) => {
                return if opening.is_over() { Look::No } else { Look::Maybe };
            }
            (Begins::Request, Begins::Nothing | Begins::Unclear) => {
                let (protocol, certainty) = request_protocol(opening.bytes(client), None);
                return http(protocol, certainty, server, false);
            }
            (Begins::Request, Begins::Response(status)) => {
                let (protocol, certainty) = request_protocol(opening.bytes(client), Some(status));
                let protocol = if switches(status, opening.bytes(server)) && protocol == Protocol::Http {
                    Protocol::WebSocket
                } else {
                    protocol
                };
                return http(protocol, certainty, server, has_head(opening.bytes(server)));
            }
            // It asked so and was answered in another language, or in the middle of something: a method of its own then makes
            // it a protocol of its own.
            (Begins::Request, Begins::Other) if has_known_method(opening.bytes(client)) => {
                return http(Protocol::Http, Certainty::Likely, server, true);
            }
            _ => {}
        }
    }
    for server in [Side::A, Side::B] {
        let client = server.other();
        match (sides[server as usize], sides[client as usize]) {
            (Begins::Response(status), Begins::Nothing | Begins::Unclear | Begins::RequestSoFar) => {
                let switches = switches(status, opening.bytes(server));
                let protocol = if switches { Protocol::WebSocket } else { Protocol::Http };
                return http(protocol, Certainty::Certain, server, has_head(opening.bytes(server)));
            }
            // The request's beginning lacks.
            (Begins::Response(_), _) if !opening.from(client).whole => {
                return http(Protocol::Http, Certainty::Certain, server, has_head(opening.bytes(server)));
            }
            (Begins::Response(_), _) => return http(Protocol::Http, Certainty::Likely, server, true),
            (Begins::RequestSoFar, Begins::Nothing | Begins::Unclear) => {
                return match opening.is_over() {
                    true => http(Protocol::Http, Certainty::Likely, client, true),
                    false => Look::Maybe,
                };
            }
            _ => {}
        }
    }
    if sides.contains(&Begins::Unclear) { Look::Maybe } else { Look::No }
}

fn http(protocol: Protocol, certainty: Certainty, server: Side, closed: bool) -> Look {
    match closed {
        true => Look::yes(protocol, certainty, Some(server)),
        false => Look::yes_so_far(protocol, certainty, Some(server)),
    }
}

fn has_head(bytes: &[u8]) -> bool {
    let bytes = final_response(bytes);
    bytes.windows(HEAD_ENDS.len()).any(|window| window == HEAD_ENDS)
}

/// The response behind a `100 Continue`, which says nothing of the server.
fn final_response(bytes: &[u8]) -> &[u8] {
    if begins(bytes) != Begins::Response(100) {
        return bytes;
    }
    let end = bytes.windows(HEAD_ENDS.len()).position(|window| window == HEAD_ENDS);
    end.map_or(&[], |end| &bytes[end + HEAD_ENDS.len()..])
}

/// HTTP, or Engine.IO where the target asks for its transport and no answer denies it.
fn request_protocol(bytes: &[u8], status: Option<u16>) -> (Protocol, Certainty) {
    let target = first_line(bytes).and_then(request_parts).map_or(&[][..], |(_, target)| target);
    let answered = status.is_none_or(|status| ENGINE_ANSWERS.contains(&status));
    match EngineIo::read(&readable(target)) {
        Some(_) if answered => {
            (Protocol::SocketIo, if status.is_some() { Certainty::Certain } else { Certainty::Likely })
        }
        _ => (Protocol::Http, Certainty::Certain),
    }
}

/// What a target says of Engine.IO.
#[derive(Debug, PartialEq, Eq)]
struct EngineIo {
    version: Option<String>,
    transport: Option<&'static str>,
}

impl EngineIo {
    fn read(target: &str) -> Option<Self> {
        let (path, query) = target.split_once('?')?;
        let path = format!("{path}/");
        if !path.contains("/socket.io/") && !path.contains("/engine.io/") {
            return None;
        }
        let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        let digit = |version: &&str| matches!(version.as_bytes(), [b'0'..=b'9']);
        let version = value("EIO").filter(digit).map(str::to_owned);
        let transport = match value("transport") {
            Some("polling") => Some("polling"),
            Some("websocket") => Some("websocket"),
            _ => None,
        };
        (version.is_some() || transport.is_some()).then_some(Self { version, transport })
    }
}

/// Whether a response agrees to speak WebSocket.
fn switches(status: u16, bytes: &[u8]) -> bool {
    let upgrades = |field: &httparse::Header<'_>| {
        field.name.eq_ignore_ascii_case("Upgrade") && field.value.trim_ascii().eq_ignore_ascii_case(b"websocket")
    };
    status == 101 && with_response(bytes, |_, fields| fields.iter().any(upgrades)).unwrap_or_default()
}

/// The head of a message: up to the last line that is complete, and ended there where its own end lacks.
fn head(bytes: &[u8]) -> Cow<'_, [u8]> {
    if let Some(end) = bytes.windows(HEAD_ENDS.len()).position(|window| window == HEAD_ENDS) {
        return Cow::Borrowed(&bytes[..end + HEAD_ENDS.len()]);
    }
    let lines = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    Cow::Owned([&bytes[..lines], b"\r\n"].concat())
}

fn with_request<R>(bytes: &[u8], read: impl FnOnce(&httparse::Request<'_, '_>) -> R) -> Option<R> {
    let head = head(bytes);
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let mut config = httparse::ParserConfig::default();
    config.ignore_invalid_headers_in_requests(true).allow_multiple_spaces_in_request_line_delimiters(true);
    config.parse_request(&mut request, &head).ok().map(|_| read(&request))
}

fn with_response<R>(bytes: &[u8], read: impl FnOnce(u8, &[httparse::Header<'_>]) -> R) -> Option<R> {
    let head = head(final_response(bytes));
    let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    let mut config = httparse::ParserConfig::default();
    config.ignore_invalid_headers_in_responses(true).allow_spaces_after_header_name_in_responses(true);
    let parsed = config.parse_response(&mut response, &head);
    parsed.ok().map(|_| read(response.version.unwrap_or_default(), response.headers))
}

fn field(fields: &[httparse::Header<'_>], name: &str) -> String {
    let found = fields.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    found.map(|field| text(field.value.trim_ascii())).unwrap_or_default()
}

pub(super) fn describe(opening: &Opening<'_>, recognised: Recognised, heard: &mut Heard) {
    let Some(server) = recognised.server else { return };
    let client = server.other();
    let response = with_response(opening.bytes(server), |version, fields| {
        heard.detail(server, DetailKind::ServerSoftware, field(fields, "Server"));
        version
    });
    let request = with_request(opening.bytes(client), |request| {
        describe_request(client, recognised.protocol, request, heard);
        request.version.unwrap_or_default()
    });
    let version = response.map(|version| (server, version)).or(request.map(|version| (client, version)));
    if let (Some((side, version)), false) = (version, recognised.protocol == Protocol::SocketIo) {
        heard.detail(side, DetailKind::Version, format!("1.{version}"));
    }
}

fn describe_request(client: Side, protocol: Protocol, request: &httparse::Request<'_, '_>, heard: &mut Heard) {
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    let engine = EngineIo::read(target).filter(|_| protocol == Protocol::SocketIo);
    heard.detail(client, DetailKind::Request, format!("{method} {}", told_target(method, target, engine.as_ref())));
    if let Some(EngineIo { version, transport }) = engine {
        heard.detail(client, DetailKind::Version, version.map(|version| format!("EIO{version}")).unwrap_or_default());
        heard.detail(client, DetailKind::Command, transport.unwrap_or_default());
    }
    heard.detail(client, DetailKind::ClientSoftware, field(request.headers, "User-Agent"));
    let host = field(request.headers, "Host");
    let host = host_of(&host);
    heard.detail(client, DetailKind::ServerName, host);
    // What a proxy is asked for is another's name.
    if target.starts_with('/') && is_host_name(host) {
        heard.name(client.other(), NameSource::HttpHost, host);
    }
}

/// Method and path without whatever could be somebody's: query, parameters, user and password before a host.
fn told_target(method: &str, target: &str, engine: Option<&EngineIo>) -> String {
    if method == "CONNECT" {
        return if target.contains('@') { String::new() } else { target.to_owned() };
    }
    let absolute = target.split_once("://").map(|(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let path = absolute.filter(|_| !target.starts_with('/')).unwrap_or(target);
    let path = path.split(['?', '#', ';']).next().unwrap_or_default();
    let Some(EngineIo { version, transport }) = engine else { return path.to_owned() };
    let words =
        [version.as_ref().map(|version| format!("EIO={version}")), transport.map(|one| format!("transport={one}"))];
    format!("{path}?{}", words.into_iter().flatten().collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
