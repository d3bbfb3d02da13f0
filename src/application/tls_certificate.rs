//! The subject of a certificate (RFC 5280 section 4.1.2.6), read by `x509-cert`.

use super::heard::text;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::{Decode, Tag, Tagged, asn1::ObjectIdentifier};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// Parts of a whole subject that are told: country, place, organisation, unit, and what else directories give to things, no
/// persons' addresses.
const TOLD: [(ObjectIdentifier, &str); 7] = [
    (COMMON_NAME, "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.5"), "serialNumber"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
];

/// Certificates that are remembered.
const REMEMBERED: usize = 128;

/// Whom a certificate is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// Its common name.
    CommonName(String),
    /// The whole of it, where it has no common name.
    Whole(String),
}

/// Certificates that were read lately: a server shows the same one in every conversation, and reading one costs as much as
/// metering two dozen packets. Keeps at most [`REMEMBERED`] of them, none longer than an opening.
#[derive(Debug, Default)]
pub(super) struct Certificates {
    places: Vec<Read>,
}

#[derive(Debug, Default)]
struct Read {
    der: Box<[u8]>,
    subject: Option<Subject>,
}

impl Certificates {
    /// The subject of a certificate in DER; `None` where it cannot be read.
    pub(super) fn subject(&mut self, der: &[u8]) -> Option<&Subject> {
        // It ends with its signature, of which any bits are as good as a hash.
        let place = der.last_chunk().map_or(0, |end| usize::from(u16::from_be_bytes(*end))) % REMEMBERED;
        self.places.resize_with(REMEMBERED, Read::default);
        let read = &mut self.places[place];
        if *read.der != *der {
            *read = Read { der: der.into(), subject: subject(der) };
        }
        read.subject.as_ref()
    }
}

fn subject(der: &[u8]) -> Option<Subject> {
    // Devices show certificates whose serial numbers and times break the rules: their subject counts all the same.
    let certificate = CertificateInner::<Raw>::from_der(der).ok()?;
    let attributes = || certificate.tbs_certificate().subject().iter();
    // The last one is the most specific one.
    if let Some(name) = attributes().filter(|one| one.oid == COMMON_NAME).last() {
        return Some(Subject::CommonName(value(name)));
    }
    let told = attributes().filter_map(|one| {
        let (_, key) = TOLD.iter().find(|(oid, _)| *oid == one.oid)?;
        Some(format!("{key}={}", value(one)))
    });
    Some(Subject::Whole(told.collect::<Vec<_>>().join(", ")))
}

/// What an attribute says: PrintableString, UTF8String, and BMPString in UTF-16 with the highest byte first.
fn value(attribute: &AttributeTypeAndValue) -> String {
    let bytes = attribute.value.value();
    if attribute.value.tag() != Tag::BmpString {
        return text(bytes);
    }
    let units = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}
