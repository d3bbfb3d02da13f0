//! The words of a filter, before libpcap sees them: it takes every word that it does not know for the name of a host, a
//! network or a service, and asks the name service of the system for it (getaddrinfo(3)), which may ask the network.
//!
//! So only what needs no such question is let through: the words of pcap-filter(7), numbers, addresses, and words in places
//! where libpcap looks into tables of its own (names of protocols, interfaces, kinds of frames). Everything else is refused,
//! also services by name: getaddrinfo(3) may ask for them, too. What is refused here and need not be costs a message; what
//! is let through and must not be would cost a look-up.

use std::net::Ipv6Addr;

/// What a word may be that is no keyword.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// An address, a network, a number. Also where libpcap expects no word at all.
    Address,
    /// A number, behind `port` and `portrange`.
    Port,
    /// A protocol, by number or name: /etc/protocols, and tables of libpcap.
    Protocol,
    /// One word of tables or of the recording: a kind of frame, an interface, a rule.
    Any,
}

/// Words of the language as libpcap 1.9 and later have them, sorted. Not `gateway`: it takes names only.
const KEYWORDS: &[&str] = &[
    "aarp",
    "addr1",
    "addr2",
    "addr3",
    "addr4",
    "address1",
    "address2",
    "address3",
    "address4",
    "ah",
    "and",
    "arp",
    "atalk",
    "bcc",
    "broadcast",
    "byte",
    "carp",
    "clnp",
    "connectmsg",
    "csnp",
    "decnet",
    "dpc",
    "dst",
    "es-is",
    "esis",
    "esp",
    "ether",
    "fddi",
    "fisu",
    "geneve",
    "greater",
    "hdpc",
    "hfisu",
    "hlssu",
    "hmsu",
    "hopc",
    "host",
    "hsio",
    "hsls",
    "icmp",
    "icmp-echo",
    "icmp-echoreply",
    "icmp-ireq",
    "icmp-ireqreply",
    "icmp-maskreply",
    "icmp-maskreq",
    "icmp-paramprob",
    "icmp-redirect",
    "icmp-routeradvert",
    "icmp-routersolicit",
    "icmp-sourcequench",
    "icmp-timxceed",
    "icmp-tstamp",
    "icmp-tstampreply",
    "icmp-unreach",
    "icmp6",
    "icmpcode",
    "icmptype",
    "igmp",
    "igrp",
    "iih",
    "ilmic",
    "inbound",
    "ip",
    "ip6",
    "ipx",
    "is-is",
    "isis",
    "iso",
    "l1",
    "l2",
    "lane",
    "lat",
    "len",
    "length",
    "less",
    "link",
    "lsp",
    "lssu",
    "lsu",
    "mask",
    "metac",
    "metaconnect",
    "mopdl",
    "moprc",
    "mpls",
    "msu",
    "multicast",
    "net",
    "netbeui",
    "not",
    "oam",
    "oamf4",
    "oamf4ec",
    "oamf4sc",
    "opc",
    "or",
    "outbound",
    "pim",
    "ppp",
    "pppoed",
    "pppoes",
    "psnp",
    "ra",
    "radio",
    "rarp",
    "sc",
    "sca",
    "sctp",
    "sio",
    "slip",
    "sls",
    "snp",
    "src",
    "stp",
    "ta",
    "tcp",
    "tcp-ack",
    "tcp-fin",
    "tcp-push",
    "tcp-rst",
    "tcp-syn",
    "tcp-urg",
    "tcpflags",
    "tr",
    "udp",
    "vci",
    "vlan",
    "vpi",
    "vrrp",
    "wlan",
];

/// Why a filter may not be given to libpcap: the word, and what to write in its place.
pub(super) fn check(filter: &str) -> Result<(), String> {
    let mut place = Place::Address;
    let mut brackets = 0_u32;
    // A word that has to come next: an address behind `host` and `net`, and behind a slash.
    let mut only_address = false;
    let mut rest = filter;
    while let Some(first) = rest.chars().next() {
        let in_brackets = brackets > 0;
        let separates =
            |c: char| c.is_ascii_whitespace() || "()[]!&|=<>+*/%^,".contains(c) || (in_brackets && ":-".contains(c));
        // No word begins with a hyphen; there it is a minus.
        if separates(first) || first == '-' {
            match first {
                '[' => brackets = brackets.saturating_add(1),
                ']' => brackets = brackets.saturating_sub(1),
                _ => {}
            }
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, behind) = rest.split_at(rest.find(separates).unwrap_or(rest.len()));
        // "tcp-syn" and the like also stand in brackets and behind them.
        let (word, behind) = if in_brackets { longest_keyword(rest).unwrap_or((word, behind)) } else { (word, behind) };
        rest = behind;
        let after = std::mem::take(&mut only_address);
        let taken = place;
        if taken == Place::Any {
            place = Place::Address;
        }
        if is_number(word) || (!in_brackets && is_address(word)) {
            continue;
        }
        let next = match word {
            _ if after => None,
            "port" | "portrange" => Some(Place::Port),
            "proto" | "protochain" => Some(Place::Protocol),
            "type" | "subtype" | "dir" | "direction" | "llc" | "on" | "ifname" | "rset" | "ruleset" | "rnr"
            | "rulenum" | "srnr" | "subrulenum" | "reason" | "action" => Some(Place::Any),
            // They carry on with what stood before them.
            "and" | "or" | "not" => Some(if taken == Place::Any { Place::Address } else { taken }),
            "host" | "net" | "mask" => {
                only_address = true;
                Some(Place::Address)
            }
            _ if KEYWORDS.binary_search(&word).is_ok() || is_icmp6(word) => Some(Place::Address),
            _ => None,
        };
        place = match (next, taken) {
            (Some(next), _) => next,
            (None, Place::Any) if !after => Place::Address,
            (None, Place::Protocol) if !after && is_protocol(word) => Place::Protocol,
            (None, Place::Port) if !after && is_range(word) => Place::Port,
            (None, taken) => return Err(refusal(word, taken, after)),
        };
    }
    Ok(())
}

fn refusal(word: &str, place: Place, after: bool) -> String {
    let what = match (word, place) {
        ("gateway", _) => return "\"gateway\" takes the name of a host, and looking it up may use the network".into(),
        (_, Place::Port) if !after => {
            "no word of pcap-filter(7) and no port: if it is the name of a service, write its number"
        }
        _ if after => "no address, as it has to be here: write the address of the host or network, such as 10.0.0.5",
        _ => {
            "no word of pcap-filter(7) and no address: if it is the name of a host, write its address, such as 10.0.0.5"
        }
    };
    format!("\"{word}\" is {what} (names are not looked up, since that may use the network)")
}

/// A keyword with a hyphen at the start of text in brackets, and what is behind it.
fn longest_keyword(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(text.len());
    let (word, behind) = text.split_at(end);
    (word.contains('-') && (KEYWORDS.binary_search(&word).is_ok() || is_icmp6(word))).then_some((word, behind))
}

/// Types of ICMPv6 messages, as libpcap 1.9 and later name them.
fn is_icmp6(word: &str) -> bool {
    matches!(word, "icmp6type" | "icmp6code")
        || word.strip_prefix("icmp6-").is_some_and(|kind| {
            matches!(
                kind,
                "destinationunreach"
                    | "packettoobig"
                    | "timeexceeded"
                    | "parameterproblem"
                    | "echo"
                    | "echoreply"
                    | "multicastlistenerquery"
                    | "multicastlistenerreportv1"
                    | "multicastlistenerdone"
                    | "routersolicit"
                    | "routeradvert"
                    | "neighborsolicit"
                    | "neighboradvert"
                    | "redirect"
                    | "routerrenum"
                    | "multicastlistenerreportv2"
            )
        })
}

/// 80, 0x50.
fn is_number(word: &str) -> bool {
    let digits = |text: &str, hexadecimal: bool| {
        !text.is_empty() && text.bytes().all(|b| if hexadecimal { b.is_ascii_hexdigit() } else { b.is_ascii_digit() })
    };
    match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        Some(text) => digits(text, true),
        None => digits(word, false),
    }
}

/// 10.0.0.5, 10.1, fe80::1, 02:00:00:00:00:01. Network lengths stand behind a slash, which separates words.
fn is_address(word: &str) -> bool {
    let parts = word.split('.').collect::<Vec<_>>();
    let ipv4 = parts.len() <= 4 && parts.iter().all(|part| part.parse::<u8>().is_ok() && !part.starts_with('+'));
    let groups = word.split(':').collect::<Vec<_>>();
    let is_byte = |group: &&str| (1..=2).contains(&group.len()) && group.bytes().all(|b| b.is_ascii_hexdigit());
    ipv4 || (groups.len() == 6 && groups.iter().all(is_byte)) || word.parse::<Ipv6Addr>().is_ok()
}

/// 6000-6008.
fn is_range(word: &str) -> bool {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    word.split_once('-').is_some_and(|(from, to)| is_port(from) && is_port(to))
}

/// Names of protocols are escaped where they are keywords.
fn is_protocol(word: &str) -> bool {
    let word = word.strip_prefix('\\').unwrap_or(word);
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn what_needs_no_look_up_is_let_through() {
        for filter in [
            "",
            "tcp port 135 or (vlan and tcp port 135)",
            "host 10.0.0.5 and not port 3389",
            "src net 10.1.0.0/16 and tcp",
            "net 10",
            "net 10.1.0.0 mask 255.255.0.0",
            "host (10.0.0.1 or 10.0.0.2)",
            "host fe80::1 or net 2001:db8::/32 or host ::ffff:10.0.0.1",
            "ether host 02:00:00:00:00:01 or ether broadcast",
            "portrange 6000-6008 or port (80 or 443)",
            "ip proto ospf or ip proto \\tcp and ether proto \\ip or ip proto (\\icmp or 47)",
            "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and not src and dst net 10.0.0.0/8",
            "tcp[13]&2!=0 and ip[2:2]-((ip[0]&0xf)<<2) > 576 and len <= 100",
            "ip[ip[0]&0xf:2] = 5 and udp port 53",
            "icmp[icmptype]=icmp-echo or icmp6[icmp6type] == icmp6-neighborsolicit",
            "wlan addr1 02:00:00:00:00:01 and type mgt subtype beacon",
            "llc xid or on eth0 or !(udp&&ip6)||greater 100",
            "dst host 10.0.0.1 && (src port 53||dst port 53)",
            "udp dst port 0x35 or ip[8] = -1 or mpls 1000 or vlan 5",
        ] {
            assert_eq!(check(filter), Ok(()), "{filter}");
        }
    }

    #[test]
    fn names_are_refused_wherever_they_stand() {
        for (filter, word) in [
            ("host plc-line1.example", "plc-line1.example"),
            ("host 10.0.0.1 or plc1", "plc1"),
            ("not(src plc1)", "plc1"),
            ("src host plc1", "plc1"),
            ("net plant/16", "plant"),
            ("net 10.0.0.0 mask plant", "plant"),
            ("ether host plc1", "plc1"),
            ("host \\tcp", "\\tcp"),
            ("host tcp", "tcp"),
            ("ip proto \\tcp and host \\udp", "\\udp"),
            ("ip proto \\tcp and src \\udp", "\\udp"),
            ("ip proto a.example", "a.example"),
            ("port http", "http"),
            ("portrange http-https", "http-https"),
            ("tcp port 80 or https", "https"),
            ("host dead.beef", "dead.beef"),
            ("host 1.2.3.4.5", "1.2.3.4.5"),
            ("host 1.2.3.4.", "1.2.3.4."),
            ("host 12ab", "12ab"),
            ("host deadbeefcafe", "deadbeefcafe"),
            ("host 6000-6008", "6000-6008"),
            ("port 80 and host 80-90", "80-90"),
            ("type mgt or plc1", "plc1"),
            ("type mgt plc1", "plc1"),
            ("on eth0 or plc1", "plc1"),
            ("host on", "on"),
            ("on 5 plc1", "plc1"),
            ("ip[plc1]", "plc1"),
            ("ip[0:plc1]", "plc1"),
            ("host plc\u{fc}", "plc\u{fc}"),
            ("host\u{a0}plc1", "host\u{a0}plc1"),
            ("host\u{b}plc1", "host\u{b}plc1"),
            ("HOST plc1", "HOST"),
            ("gateway plc1", "gateway"),
        ] {
            let told = check(filter).expect_err(filter);
            assert!(told.contains(&format!("\"{word}\"")), "{filter}: {told}");
        }
    }
}
