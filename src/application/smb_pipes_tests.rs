//! Messages by MS-SMB2 section 2.2 and MS-CIFS section 2.2.4, built as they say; no session packet has the size of another.

use super::*;
use crate::application::hostile::cut_and_flipped;
use crate::application::smb::tests::{packet, smb1, smb2};

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A body of SMB 2 that has a text behind `fixed` bytes, whose offset and length stand at `at`.
fn with_text(fixed: usize, at: usize, text: &str) -> Vec<u8> {
    let mut body = vec![0; fixed];
    let text = utf16(text);
    body[at..at + 2].copy_from_slice(&(64 + fixed as u16).to_le_bytes());
    body[at + 2..at + 4].copy_from_slice(&(text.len() as u16).to_le_bytes());
    [body, text].concat()
}

fn create(tree: u32, name: &str) -> Vec<u8> {
    packet(&smb2(CREATE, false, tree, &with_text(56, 44, name)))
}

/// The answer to TREE_CONNECT: 1 disk, 2 pipe.
fn connected(tree: u32, kind: u8) -> Vec<u8> {
    packet(&smb2(TREE_CONNECT, true, tree, &[16, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
}

fn connect(path: &str) -> Vec<u8> {
    packet(&smb2(TREE_CONNECT, false, 0, &with_text(8, 4, path)))
}

fn told(pipes: &mut Pipes, said: &[(Side, Vec<u8>)]) -> Vec<(DetailKind, String)> {
    let mut heard = Heard::default();
    said.iter().for_each(|(side, bytes)| bytes.chunks(3).for_each(|part| pipes.bytes(*side, part, &mut heard)));
    heard.details.into_iter().map(|(_, detail)| (detail.kind, detail.text)).collect()
}

fn pipe(name: &str) -> (DetailKind, String) {
    (DetailKind::Pipe, name.to_owned())
}

#[test]
fn pipes_are_told_and_files_are_not() {
    let mut negotiated = [0; 64];
    negotiated[4..6].copy_from_slice(&0x0311_u16.to_le_bytes());
    let said = [
        (Side::B, packet(&smb2(NEGOTIATE, true, 0, &negotiated))),
        (Side::A, connect("\\\\files\\IPC$")),
        (Side::B, connected(7, 2)),
        (Side::A, connect("\\\\files\\alice")),
        (Side::B, connected(8, 1)),
        (Side::A, create(7, "lsarpc")),
        // Data, which is passed over.
        (Side::A, packet(&smb2(9, false, 8, &[0xff; 5000]))),
        (Side::A, create(8, "salaries.xls")),
        (Side::A, create(8, "svcctl")),
        (Side::A, create(7, "LSARPC")),
        (Side::A, create(7, "own-pipe")),
    ];
    let mut pipes = Pipes::default();
    let version = (DetailKind::Version, "SMB 3.1.1".to_owned());
    assert_eq!(told(&mut pipes, &said), [version, pipe("IPC$"), pipe("lsarpc"), pipe("own-pipe")]);
    assert!(pipes.held_bytes() < 8192);
}

#[test]
fn behind_an_unknown_tree_only_well_known_pipes_count() {
    let said = [(Side::A, create(3, "samr")), (Side::A, create(3, "report.doc"))];
    assert_eq!(told(&mut Pipes::default(), &said), [pipe("samr")]);
}

#[test]
fn messages_in_one_are_all_read() {
    let mut first = smb2(CREATE, false, 7, &with_text(56, 44, "a"));
    first.resize(128, 0);
    first[20..24].copy_from_slice(&128_u32.to_le_bytes());
    let both = packet(&[first, smb2(CREATE, false, 7, &with_text(56, 44, "b"))].concat());
    let said = [(Side::B, connected(7, 2)), (Side::A, both)];
    assert_eq!(told(&mut Pipes::default(), &said), [pipe("a"), pipe("b")]);
}

#[test]
fn what_is_encrypted_is_said_once_and_ends_it() {
    let secret = packet(&[b"\xfdSMB".as_slice(), &[7; 80]].concat());
    let mut pipes = Pipes::default();
    let said = [(Side::A, secret.clone()), (Side::B, secret), (Side::A, create(1, "samr"))];
    assert_eq!(told(&mut pipes, &said), [(DetailKind::Command, "encrypted".to_owned())]);
    assert!(pipes.is_done());
}

/// Words of a command that has a chain: 255 ends it.
fn words(words: &[u8]) -> Vec<u8> {
    [&[(words.len() / 2) as u8][..], words].concat()
}

#[test]
fn pipes_of_smb_1_are_told_too() {
    let dialects = b"\0\x17\0\x02LANMAN1.0\0\x02NT LM 0.12\0";
    let password = words(&[0xff, 0, 0, 0, 0, 0, 4, 0]);
    let connect = [password, b"\x14\0pass\\\\FILES\\IPC$\0IPC\0".to_vec()].concat();
    let connected = [words(&[0xff, 0, 0, 0, 0, 0]), b"\x04\0IPC\0".to_vec()].concat();
    let mut opened = vec![0; 48];
    (opened[0], opened[5]) = (0xff, 7);
    let open = [words(&opened), b"\x08\0\\svcctl\0".to_vec()].concat();
    let said = [
        (Side::A, packet(&smb1(SMB1_NEGOTIATE, false, 0, dialects))),
        (Side::B, packet(&smb1(SMB1_NEGOTIATE, true, 0, &[words(&[1, 0]), b"\0\0".to_vec()].concat()))),
        (Side::A, packet(&smb1(TREE_CONNECT_ANDX, false, 0, &connect))),
        (Side::B, packet(&smb1(TREE_CONNECT_ANDX, true, 9, &connected))),
        (Side::A, packet(&smb1(NT_CREATE_ANDX, false, 9, &open))),
        (Side::A, packet(&smb1(NT_CREATE_ANDX, false, 8, &[words(&opened), b"\x08\0\\secret\0".to_vec()].concat()))),
    ];
    let version = (DetailKind::Version, "NT LM 0.12".to_owned());
    assert_eq!(told(&mut Pipes::default(), &said), [version, pipe("IPC$"), pipe("svcctl")]);
}

#[test]
fn a_chain_that_leads_back_ends() {
    let back = packet(&smb1(SESSION_SETUP_ANDX, false, 0, &words(&[SESSION_SETUP_ANDX, 0, 32, 0])));
    assert_eq!(told(&mut Pipes::default(), &[(Side::A, back)]), []);
}

#[test]
fn a_gap_in_data_is_passed_over_and_any_other_is_got_over() {
    let mut pipes = Pipes::default();
    let mut heard = Heard::default();
    let data = packet(&smb2(9, false, 8, &[0xff; 5000]));
    pipes.bytes(Side::A, &data[..200], &mut heard);
    pipes.gap(Side::A, data.len() as u32 - 200);
    pipes.bytes(Side::A, &create(3, "samr"), &mut heard);
    pipes.gap(Side::A, 10);
    pipes.bytes(Side::A, b"the end of a message", &mut heard);
    pipes.bytes(Side::A, &create(3, "lsarpc"), &mut heard);
    // What is no session packet.
    pipes.bytes(Side::A, b"\x77\0\0\0", &mut heard);
    pipes.bytes(Side::A, &create(3, "winreg"), &mut heard);
    let texts: Vec<&str> = heard.details.iter().map(|(_, detail)| detail.text.as_str()).collect();
    assert_eq!(texts, ["samr", "lsarpc", "winreg"]);
}

#[test]
fn pipes_of_one_connection_are_bounded() {
    let mut pipes = Pipes::default();
    let mut said = vec![(Side::B, connected(7, 2))];
    said.extend((0..200).map(|number| (Side::A, create(7, &format!("pipe{number}")))));
    assert_eq!(told(&mut pipes, &said).len(), MOST);
    assert!(pipes.is_done());
    let trees: Vec<_> = (0..1000).map(|tree| (Side::B, connected(tree, 2))).collect();
    let mut pipes = Pipes::default();
    told(&mut pipes, &trees);
    assert_eq!(pipes.trees.len(), MOST);
}

#[test]
fn no_bytes_are_too_short_or_too_odd() {
    let samples = [
        create(3, "samr"),
        connect("\\\\a\\IPC$"),
        connected(1, 2),
        packet(&smb1(SMB1_NEGOTIATE, false, 0, b"\0\x0d\0\x02NT LM 0.12\0")),
        packet(&smb1(TREE_CONNECT_ANDX, false, 0, &words(&[0x75, 0, 41, 0, 0, 0, 4, 0]))),
        packet(&smb1(NT_CREATE_ANDX, false, 0, &words(&[0; 48]))),
        packet(&[b"\xfdSMB".as_slice(), &[7; 80]].concat()),
    ];
    for sample in samples {
        cut_and_flipped(&sample, |bytes| {
            let (mut pipes, mut heard) = (Pipes::default(), Heard::default());
            // The sample behind itself: what is left over meets a message.
            pipes.bytes(Side::A, bytes, &mut heard);
            pipes.bytes(Side::A, &sample, &mut heard);
        });
    }
}
