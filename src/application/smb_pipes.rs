//! Which named pipes a client of SMB opens, and which dialect was agreed: behind a pipe stands an RPC service.
//!
//! Read: NEGOTIATE, TREE_CONNECT and CREATE of SMB 2 and 3 (MS-SMB2 sections 2.2.3 to 2.2.13), NEGOTIATE, TREE_CONNECT_ANDX and
//! NT_CREATE_ANDX of SMB 1 (MS-CIFS sections 2.2.4.52, 2.2.4.55, 2.2.4.64). Of any message its beginning is kept, at most
//! [`HEAD`] bytes; data is passed over by the lengths of session packets. Names of files and shares are not told: a name counts
//! only where the tree is known to hold pipes, or where it is one of [`WELL_KNOWN`] and the tree is not known.

use super::heard::{Heard, text, text_utf16};
use super::reader::{le16, le32, slice};
use super::smb::{COMPRESSED, ENCRYPTED, KEEP_ALIVE, MESSAGE, SMB, SMB1, SMB1_NEGOTIATE, SMB2, packet_length};
use crate::model::{DetailKind, Recognised, Side};

/// What is kept of a message that is read, in bytes: names of pipes and lists of dialects are far shorter.
const HEAD: usize = 2048;
/// What is kept of any message: its header, and a little more.
const FIRST: usize = 72;
/// Different pipes of one connection that are told, and trees that are remembered.
const MOST: usize = 64;
/// Messages in one, and commands chained in one.
const MOST_CHAINED: usize = 16;
/// A name in a list of dialects.
const DIALECT: u8 = 0x02;

/// Commands of SMB 2.
const NEGOTIATE: u16 = 0;
const TREE_CONNECT: u16 = 3;
const TREE_DISCONNECT: u16 = 4;
const CREATE: u16 = 5;

/// Commands of SMB 1.
const SESSION_SETUP_ANDX: u8 = 0x73;
const TREE_CONNECT_ANDX: u8 = 0x75;
const NT_CREATE_ANDX: u8 = 0xa2;

/// Pipes of Windows services, for recordings that begin behind the tree's connection.
const WELL_KNOWN: [&str; 22] = [
    "atsvc",
    "browser",
    "cert",
    "dnsserver",
    "efsrpc",
    "epmapper",
    "eventlog",
    "initshutdown",
    "lsarpc",
    "lsass",
    "netdfs",
    "netlogon",
    "ntsvcs",
    "plugplay",
    "protected_storage",
    "samr",
    "spoolss",
    "srvsvc",
    "svcctl",
    "trkwks",
    "winreg",
    "wkssvc",
];

pub(super) fn follow(_: Recognised) -> super::Follower {
    super::Follower::Smb(Box::default())
}

/// A connection whose pipes are heard.
#[derive(Debug, Default)]
pub struct Pipes {
    sides: [Framing; 2],
    /// What kind of tree it is: identifier, and whether it holds pipes.
    trees: Vec<(u32, bool)>,
    told: Vec<String>,
    /// SMB 1: the names that the client offered, as it wrote them.
    dialects: Vec<u8>,
    version_told: bool,
    encrypted: bool,
}

/// Where in a message one side is.
#[derive(Debug, Default)]
struct Framing {
    /// The beginning of the message, its session packet's header included.
    head: Vec<u8>,
    /// Bytes that are still to be passed over.
    passes: usize,
    /// Where messages begin is not known.
    lost: bool,
}

/// What has to be done with a beginning.
enum Next {
    /// Have so many bytes of it.
    Want(usize),
    /// Read it: the packet has so many bytes.
    Read(usize),
    /// It is no session packet.
    Lost,
}

fn next(head: &[u8]) -> Next {
    let Some(length) = packet_length(head) else { return Next::Want(4) };
    let inside = &head[4..];
    if head[0] != MESSAGE {
        let passed = matches!(head[0], 0x81..=KEEP_ALIVE) && length <= 68;
        return if passed { Next::Read(4 + length) } else { Next::Lost };
    }
    let there = inside.len().min(4);
    if there == 4 && (inside[1..4] != *SMB || !(COMPRESSED..=SMB1).contains(&inside[0])) {
        return Next::Lost;
    }
    let enough = if inside.len() >= FIRST && is_read(inside) { HEAD } else { FIRST };
    if inside.len() < length.min(enough) { Next::Want(4 + length.min(enough)) } else { Next::Read(4 + length) }
}

/// Whether more of a message than its header is of interest.
fn is_read(message: &[u8]) -> bool {
    match message[0] {
        SMB1 => matches!(message[4], SMB1_NEGOTIATE | SESSION_SETUP_ANDX | TREE_CONNECT_ANDX | NT_CREATE_ANDX),
        SMB2 => {
            let chained = le32(message, 20).is_some_and(|next| next > 0);
            chained || matches!(le16(message, 12), Some(NEGOTIATE | TREE_CONNECT | CREATE))
        }
        _ => false,
    }
}

impl Pipes {
    pub(super) fn bytes(&mut self, side: Side, mut data: &[u8], heard: &mut Heard) {
        while !data.is_empty() && !self.is_done() {
            let framing = &mut self.sides[side as usize];
            let passed = framing.passes.min(data.len());
            framing.passes -= passed;
            data = &data[passed..];
            // Messages usually begin where a segment does.
            if framing.lost && !(data.first() == Some(&MESSAGE) && slice(data, 5, 3) == Some(SMB)) {
                return;
            }
            framing.lost = false;
            if let Next::Want(length) = next(&framing.head) {
                let (taken, rest) = data.split_at((length - framing.head.len()).min(data.len()));
                framing.head.extend_from_slice(taken);
                data = rest;
            }
            match next(&framing.head) {
                Next::Want(_) => {}
                Next::Read(length) => {
                    let mut head = std::mem::take(&mut framing.head);
                    framing.passes = length.saturating_sub(head.len());
                    self.message(side, head.get(4..).unwrap_or_default(), heard);
                    // The same memory for the next message.
                    head.clear();
                    self.sides[side as usize].head = head;
                }
                Next::Lost => {
                    framing.head.clear();
                    framing.lost = true;
                    return;
                }
            }
        }
    }

    pub(super) fn gap(&mut self, side: Side, lost_bytes: u32) {
        let framing = &mut self.sides[side as usize];
        let lost = lost_bytes as usize;
        if framing.head.is_empty() && framing.passes >= lost {
            framing.passes -= lost;
        } else {
            *framing = Framing { lost: true, ..Framing::default() };
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.encrypted || self.told.len() >= MOST
    }

    pub(super) fn held_bytes(&self) -> usize {
        let heads: usize = self.sides.iter().map(|framing| framing.head.capacity()).sum();
        let told: usize = self.told.iter().map(|name| name.capacity() + size_of::<String>()).sum();
        size_of::<Self>() + heads + told + self.dialects.capacity() + self.trees.capacity() * size_of::<(u32, bool)>()
    }

    fn message(&mut self, side: Side, message: &[u8], heard: &mut Heard) {
        match message.first() {
            Some(&SMB1) => self.smb1(side, message, heard),
            Some(&SMB2) => self.smb2(side, message, heard),
            Some(&ENCRYPTED) => {
                self.encrypted = true;
                heard.detail(side, DetailKind::Command, "encrypted");
            }
            _ => {}
        }
    }

    fn smb2(&mut self, side: Side, message: &[u8], heard: &mut Heard) {
        let mut rest = message;
        for _ in 0..MOST_CHAINED {
            let (Some(command), Some(flags), Some(next)) = (le16(rest, 12), le32(rest, 16), le32(rest, 20)) else {
                return;
            };
            let answers = flags & 1 != 0;
            let succeeded = answers && le32(rest, 8) == Some(0);
            // What is answered later (bit 1) has no tree.
            let tree = le32(rest, 36).filter(|_| flags & 2 == 0);
            let body = rest.get(64..).unwrap_or_default();
            match (command, tree) {
                (NEGOTIATE, _) if succeeded => self.tell_version(side, dialect(le16(body, 4)), heard),
                (TREE_CONNECT, Some(tree)) if succeeded => {
                    // ShareType: 1 disk, 2 pipe, 3 printer.
                    if let Some(kind) = body.get(2) {
                        self.know_tree(tree, *kind == 2);
                    }
                }
                (TREE_CONNECT, _) if !answers => self.connects(side, &utf16_at(rest, body, 4), heard),
                (TREE_DISCONNECT, Some(tree)) if succeeded => self.trees.retain(|(of, _)| *of != tree),
                (CREATE, Some(tree)) if !answers => self.opens(side, tree, &utf16_at(rest, body, 44), heard),
                _ => {}
            }
            match rest.get(next as usize..) {
                Some(behind) if next >= 64 => rest = behind,
                _ => return,
            }
        }
    }

    fn smb1(&mut self, side: Side, message: &[u8], heard: &mut Heard) {
        let (Some(status), Some(flags), Some(flags2), Some(tree)) =
            (le32(message, 5), message.get(9), le16(message, 10), le16(message, 24))
        else {
            return;
        };
        let answers = flags & 0x80 != 0;
        if answers && status != 0 && message[4] != SESSION_SETUP_ANDX {
            return;
        }
        let (unicode, tree) = (flags2 & 0x8000 != 0, u32::from(tree));
        let (mut command, mut at) = (message[4], 32);
        for _ in 0..MOST_CHAINED {
            let Some(words) = message.get(at).map(|words| usize::from(*words)) else { return };
            let data = at + 1 + 2 * words + 2;
            match command {
                SMB1_NEGOTIATE if !answers => {
                    self.dialects = message.get(data..).unwrap_or_default().to_vec();
                    return;
                }
                SMB1_NEGOTIATE => {
                    let version = le16(message, at + 1).and_then(|index| offered(&self.dialects, index));
                    self.tell_version(side, version, heard);
                    return;
                }
                TREE_CONNECT_ANDX if answers => {
                    let service = message.get(data..).unwrap_or_default();
                    self.know_tree(tree, service.starts_with(b"IPC\0"));
                }
                TREE_CONNECT_ANDX if words == 4 => {
                    // Behind the password.
                    let password = usize::from(le16(message, at + 7).unwrap_or_default());
                    self.connects(side, &string(message, data + password, None, unicode), heard);
                }
                NT_CREATE_ANDX if !answers && words == 24 => {
                    let length = usize::from(le16(message, at + 6).unwrap_or_default());
                    self.opens(side, tree, &string(message, data, Some(length), unicode), heard);
                }
                SESSION_SETUP_ANDX => {}
                _ => return,
            }
            let (Some(then), Some(offset)) = (message.get(at + 1), le16(message, at + 3)) else { return };
            // 255: nothing follows. Offsets must lead on.
            if *then == 0xff || usize::from(offset) <= at || words < 2 {
                return;
            }
            (command, at) = (*then, usize::from(offset));
        }
    }

    fn tell_version(&mut self, side: Side, version: Option<String>, heard: &mut Heard) {
        if let Some(version) = version.filter(|_| !self.version_told) {
            self.version_told = true;
            heard.detail(side, DetailKind::Version, version);
        }
    }

    fn know_tree(&mut self, tree: u32, is_pipes: bool) {
        self.trees.retain(|(of, _)| *of != tree);
        if self.trees.len() >= MOST {
            self.trees.remove(0);
        }
        self.trees.push((tree, is_pipes));
    }

    fn connects(&mut self, side: Side, path: &str, heard: &mut Heard) {
        let share = path.rsplit('\\').next().unwrap_or_default();
        if share.eq_ignore_ascii_case("IPC$") {
            self.tell(side, "IPC$", heard);
        }
    }

    fn opens(&mut self, side: Side, tree: u32, name: &str, heard: &mut Heard) {
        let name = name.trim_start_matches('\\');
        let name = match name.get(..5) {
            Some(folder) if folder.eq_ignore_ascii_case("PIPE\\") => &name[5..],
            _ => name,
        };
        let known = || WELL_KNOWN.iter().any(|pipe| name.eq_ignore_ascii_case(pipe));
        match self.trees.iter().find(|(of, _)| *of == tree) {
            Some((_, true)) => self.tell(side, name, heard),
            None if known() => self.tell(side, name, heard),
            _ => {}
        }
    }

    fn tell(&mut self, side: Side, name: &str, heard: &mut Heard) {
        if !name.is_empty() && !self.is_done() && !self.told.iter().any(|told| told.eq_ignore_ascii_case(name)) {
            self.told.push(name.to_owned());
            heard.detail(side, DetailKind::Pipe, name);
        }
    }
}

/// DialectRevision of SMB 2 and 3 (MS-SMB2 section 2.2.4). 0x02ff asks for another negotiation.
fn dialect(revision: Option<u16>) -> Option<String> {
    let name = match revision? {
        0x0202 => "SMB 2.0.2",
        0x0210 => "SMB 2.1",
        0x0300 => "SMB 3.0",
        0x0302 => "SMB 3.0.2",
        0x0311 => "SMB 3.1.1",
        _ => return None,
    };
    Some(name.to_owned())
}

/// The dialect of that number in a list of SMB 1.
fn offered(dialects: &[u8], index: u16) -> Option<String> {
    let name = dialects.split(|byte| *byte == 0).nth(usize::from(index))?;
    name.strip_prefix(&[DIALECT]).map(text)
}

/// The text whose offset from the header and length stand in a body of SMB 2.
fn utf16_at(message: &[u8], body: &[u8], at: usize) -> String {
    let place = |at| le16(body, at).map(usize::from);
    let bytes = place(at).zip(place(at + 2)).and_then(|(offset, length)| slice(message, offset, length));
    bytes.map(text_utf16).unwrap_or_default()
}

/// A text of SMB 1: UTF-16 begins at an even place of the message. Ends where it is said to, and at a zero.
fn string(message: &[u8], at: usize, length: Option<usize>, unicode: bool) -> String {
    let at = if unicode { at.next_multiple_of(2) } else { at };
    let rest = message.get(at..).unwrap_or_default();
    let bytes = &rest[..length.unwrap_or(rest.len()).min(rest.len())];
    let text = if unicode { text_utf16(bytes) } else { text(bytes) };
    text.split('\0').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "smb_pipes_tests.rs"]
mod tests;
