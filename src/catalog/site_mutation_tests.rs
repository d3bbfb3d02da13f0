//! Whatever stands in a site file, reading it ends with a site or an error, and the catalogue that it makes agrees with itself.

use super::*;
use crate::model::{Endpoint, Transport};
use std::ops::Range;

/// Numbers that look random (splitmix64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    /// A stretch between two characters of a text.
    fn stretch(&mut self, text: &str, longest: usize) -> Range<usize> {
        let boundary = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = self.below(text.len() + 1);
        let end = (start + self.below(longest)).min(text.len());
        boundary(start)..boundary(end)
    }

    fn mutated(&mut self, text: &str) -> String {
        const PIECES: &[&str] = &[
            "\"",
            "[",
            "]",
            "[[pin]]\n",
            "[[override]]\n",
            "[[zone]]\n",
            "=",
            "\n",
            "0",
            "65535",
            "-1",
            "any",
            "\u{0}",
            "\u{202e}",
            "ä",
            "7002/tcp",
            "10.0.0.0/8",
            "fd00::/64",
            "2027-01-31",
            "[site]\n",
            "= []",
            "'",
            "\\u0007",
            "1e9",
            "role = \"server\"\n",
        ];
        let mut text = text.to_owned();
        for _ in 0..=self.below(4) {
            let stretch = self.stretch(&text, 40);
            match self.below(4) {
                0 => text.replace_range(stretch, ""),
                1 => text.truncate(stretch.start),
                2 => text.replace_range(stretch, PIECES[self.below(PIECES.len())]),
                _ => {
                    let copy = text[stretch].to_owned();
                    let place = self.stretch(&text, 1).start;
                    text.insert_str(place, &copy);
                }
            }
        }
        text
    }
}

#[test]
fn mutated_site_files_never_panic_and_the_catalogue_they_make_agrees_with_itself() {
    let catalog = Catalog::builtin().unwrap();
    let whole = include_str!("../../docs/site-file.example.toml");
    Site::from_toml("site.toml", whole, &catalog).unwrap();
    let mut seeded = Seeded(7);
    let mut read = 0;
    for _ in 0..4_000 {
        let text = seeded.mutated(whole);
        let site = match Site::from_toml("site.toml", &text, &catalog) {
            Ok(site) => site,
            Err(error) => {
                assert!(matches!(error, SiteError::Text { .. }), "{error}");
                continue;
            }
        };
        read += 1;
        let effective = catalog.for_site(&site);
        for port in [443, 7002, 17_002, 22_350, 27_001, 27_005, 54_967] {
            let naive = effective.documents().iter().flat_map(|document| &document.ports).filter(|s| {
                let covers = s.ports.contains(port) || s.fallback_ports.contains(&port);
                s.standing != Standing::Mention && s.transports.contains(&Transport::Tcp) && covers
            });
            assert!(effective.statements(Transport::Tcp, port).map(|m| m.statement).eq(naive), "{port}\n{text}");
            for ip in ["10.0.5.9", "10.0.6.1", "fd00::1"] {
                let at = Endpoint { ip: ip.parse().unwrap(), port };
                let roles = site.roles(at.ip).to_vec();
                let _ = effective.statements_of(Transport::Tcp, at, &roles).count();
                let _ = (effective.withdrawn(Transport::Tcp, at, &roles), effective.is_stated(Transport::Tcp, at));
                let _: Option<&Zone> = site.zone(at.ip);
                let _ = site.accepted(at.ip, at.ip, Transport::Tcp, port, i64::MIN);
            }
        }
    }
    assert!(read > 300, "{read} of 4000 could be read: too few to say anything");
}

#[test]
fn a_site_file_cut_anywhere_is_answered() {
    let whole = include_str!("../../docs/site-file.example.toml");
    let catalog = Catalog::builtin().unwrap();
    for end in (0..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        if let Err(error) = Site::from_toml("site.toml", &whole[..end], &catalog) {
            assert!(matches!(error, SiteError::Text { .. }), "{error}");
        }
    }
}
