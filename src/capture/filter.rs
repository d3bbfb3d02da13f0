//! A filter over recorded frames, in the language of pcap-filter(7), compiled by libpcap: one program for each link type.
//!
//! A filter sees the captured bytes and nothing else: a frame that was cut before the byte that is asked for does not match,
//! and `len` is the captured length. Where the language cannot express the filter for a link type, no frame of it passes:
//! they are counted, and the notes say so. Without the feature `live` no filter can be made.
//!
//! libpcap asks the name service for every word that it does not know; such filters are refused, see `filter_words`.

#[cfg(feature = "live")]
use std::collections::BTreeMap;

/// Why a filter cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// It does not compile.
    #[error(
        "the filter \"{filter}\" is not valid: {reason}. Its language is that of tcpdump, see pcap-filter(7): for example \
         \"host 10.0.0.5 and not port 3389\", \"net 10.1.0.0/16 and tcp\""
    )]
    Invalid {
        /// The filter.
        filter: String,
        /// What libpcap says.
        reason: String,
    },
    /// It has a name that libpcap would look up, maybe over the network.
    #[error("the filter \"{filter}\" is not used: {reason}")]
    Name {
        /// The filter.
        filter: String,
        /// Which name, and what to write.
        reason: String,
    },
    /// This program has no compiler for it.
    #[error(
        "this portproof was built without libpcap, whose compiler filters need: build it with the feature \"live\" \
         (cargo build --features live; Debian: libpcap-dev), or filter the capture first with \"tcpdump -r IN -w OUT FILTER\""
    )]
    NotBuilt,
}

/// What became of the filter for one link type.
#[cfg(feature = "live")]
enum Compiled {
    Program(pcap::BpfProgram),
    /// It cannot be expressed there.
    Impossible {
        reason: String,
        frames: u64,
    },
}

/// A compiled filter.
pub struct Filter {
    text: String,
    #[cfg(feature = "live")]
    programs: BTreeMap<u16, Compiled>,
    /// The program that was used last: most recordings have one link type.
    #[cfg(feature = "live")]
    latest: Option<(u16, pcap::BpfProgram)>,
}

#[cfg(feature = "live")]
mod with_libpcap {
    use super::super::filter_words;
    use super::{Compiled, Filter, FilterError};
    use crate::model::LinkType;
    use pcap::{BpfProgram, Capture, Linktype};
    use std::collections::BTreeMap;

    /// Link types for which a filter is tried before any reading begins: Ethernet, raw IP, cooked, radio.
    const TRIED: [u16; 5] = [1, 101, 113, 127, 105];

    /// Notes on link types that are told; the rest is counted.
    const NOTES: usize = 10;

    /// libpcap's own number for a link type of a file (linktype_to_dlt in its pcap-common.c, as on Linux).
    fn dlt(link_type: u16) -> i32 {
        match LinkType(link_type) {
            LinkType::RAW | LinkType::RAW_OPENBSD => 12,
            // ATM RFC 1483; BSD/OS SLIP and PPP; Linux classical IP over ATM.
            LinkType(100) => 11,
            LinkType(102) => 15,
            LinkType(103) => 16,
            LinkType(106) => 19,
            LinkType(same) => i32::from(same),
        }
    }

    fn compile(text: &str, link_type: u16) -> Result<BpfProgram, String> {
        let dlt = dlt(link_type);
        let reason = |error: pcap::Error| match error {
            pcap::Error::PcapError(reason) => reason,
            other => other.to_string(),
        };
        let dead = Capture::dead(Linktype(dlt)).map_err(reason)?;
        dead.compile(text, true).map_err(reason)
    }

    impl Filter {
        /// Checks a filter: it may name no host, and has to compile for one of the usual link types.
        ///
        /// # Errors
        /// What is wrong with it.
        pub fn new(text: &str) -> Result<Self, FilterError> {
            filter_words::check(text).map_err(|reason| FilterError::Name { filter: text.to_owned(), reason })?;
            let mut first = None;
            for link_type in TRIED {
                match compile(text, link_type) {
                    Ok(_) => return Ok(Self { text: text.to_owned(), programs: BTreeMap::new(), latest: None }),
                    Err(reason) => first = first.or(Some(reason)),
                }
            }
            Err(FilterError::Invalid { filter: text.to_owned(), reason: first.unwrap_or_default() })
        }

        /// Whether a frame passes.
        pub(in super::super) fn passes(&mut self, link_type: LinkType, data: &[u8]) -> bool {
            if let Some((of, program)) = &self.latest
                && *of == link_type.0
            {
                return program.filter(data);
            }
            self.passes_other(link_type.0, data)
        }

        /// A frame of another link type than the one before.
        fn passes_other(&mut self, link_type: u16, data: &[u8]) -> bool {
            if let Some((of, program)) = self.latest.take() {
                self.programs.insert(of, Compiled::Program(program));
            }
            let compiled = self.programs.remove(&link_type).unwrap_or_else(|| match compile(&self.text, link_type) {
                Ok(program) => Compiled::Program(program),
                Err(reason) => Compiled::Impossible { reason, frames: 0 },
            });
            match compiled {
                Compiled::Program(program) => {
                    let passes = program.filter(data);
                    self.latest = Some((link_type, program));
                    passes
                }
                Compiled::Impossible { reason, frames } => {
                    self.programs.insert(link_type, Compiled::Impossible { reason, frames: frames + 1 });
                    false
                }
            }
        }

        /// Link types to which it could not be applied, in sentences.
        pub(in super::super) fn notes(&self) -> Vec<String> {
            let note = |(link_type, compiled): (&u16, &Compiled)| match compiled {
                Compiled::Program(_) => None,
                Compiled::Impossible { reason, frames } => Some(format!(
                    "the filter \"{}\" cannot be applied to link type {}: {reason}; its {frames} frames count as filtered",
                    self.text,
                    LinkType(*link_type)
                )),
            };
            let mut notes: Vec<String> = self.programs.iter().filter_map(note).take(NOTES).collect();
            let impossible = self.programs.values().filter_map(|compiled| match compiled {
                Compiled::Program(_) => None,
                Compiled::Impossible { frames, .. } => Some(frames),
            });
            let (types, frames) = impossible.skip(NOTES).fold((0_u64, 0), |(types, sum), n| (types + 1, sum + n));
            if types > 0 {
                notes.push(format!(
                    "the filter \"{}\" cannot be applied to {types} more link types; their {frames} frames count as filtered",
                    self.text
                ));
            }
            notes
        }
    }
}

#[cfg(not(feature = "live"))]
impl Filter {
    /// There is no compiler.
    ///
    /// # Errors
    /// Always.
    pub fn new(_: &str) -> Result<Self, FilterError> {
        Err(FilterError::NotBuilt)
    }

    pub(super) fn passes(&mut self, _: crate::model::LinkType, _: &[u8]) -> bool {
        false
    }

    pub(super) fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Filter {
    /// The filter as given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(all(test, feature = "live"))]
mod tests {
    use super::*;
    use crate::model::LinkType;

    /// IPv4 and UDP, from 10.0.0.1 port 1000 to 10.0.0.2 port 53.
    const PACKET: [u8; 28] =
        [0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 3, 232, 0, 53, 0, 8, 0, 0];

    #[test]
    fn every_link_type_has_its_program() {
        let mut filter = Filter::new("udp port 53").unwrap();
        let ethernet = [&[0; 12], &[8, 0][..], &PACKET].concat();
        for _ in 0..2 {
            assert!(filter.passes(LinkType::ETHERNET, &ethernet));
            assert!(filter.passes(LinkType::RAW, &PACKET));
            assert!(filter.passes(LinkType::IPV4, &PACKET));
            assert!(!filter.passes(LinkType::ETHERNET, &PACKET));
            assert!(!filter.passes(LinkType::ETHERNET, &ethernet[..30]), "cut before the ports");
        }
        assert_eq!(filter.notes(), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_asked_of_a_link_type_passes_nothing_and_is_told() {
        let mut filter = Filter::new("wlan addr1 02:00:00:00:00:01").unwrap();
        assert!(!filter.passes(LinkType::ETHERNET, &[0; 60]));
        assert!(!filter.passes(LinkType::ETHERNET, &[0; 60]));
        let notes = filter.notes();
        assert!(notes.len() == 1 && notes[0].contains("ETHERNET") && notes[0].contains("2 frames"), "{notes:?}");
    }

    #[test]
    fn link_types_that_libpcap_numbers_otherwise_have_programs() {
        let mut filter = Filter::new("udp port 53").unwrap();
        let llc_snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &PACKET].concat();
        assert!(filter.passes(LinkType::RAW_BSD, &PACKET) && filter.passes(LinkType::RAW_OPENBSD, &PACKET));
        assert!(filter.passes(LinkType(100), &llc_snap));
        assert_eq!(filter.notes(), Vec::<String>::new());
    }

    #[test]
    fn thousands_of_link_types_are_told_in_few_lines() {
        let mut filter = Filter::new("udp port 53").unwrap();
        (10_000..12_000).for_each(|link_type| assert!(!filter.passes(LinkType(link_type), &PACKET)));
        let notes = filter.notes();
        assert_eq!(notes.len(), 11);
        assert!(notes[10].contains("1990 more link types; their 1990 frames"), "{}", notes[10]);
    }

    #[test]
    fn names_are_refused() {
        let error = Filter::new("host plc-line1.example").err().unwrap().to_string();
        assert!(error.contains("\"plc-line1.example\"") && error.contains("address"), "{error}");
    }

    #[test]
    fn a_mistake_is_told_before_reading() {
        let error = Filter::new("port 53 adn host 10.0.0.1").err().unwrap().to_string();
        assert!(error.contains("\"adn\"") && error.contains("pcap-filter(7)"), "{error}");
        let error = Filter::new("port 53 and and host 10.0.0.1").err().unwrap().to_string();
        assert!(error.contains("syntax error") && error.contains("pcap-filter(7)"), "{error}");
    }
}
