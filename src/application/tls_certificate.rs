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

/// Whom a certificate is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Subject {
    /// Its common name.
    CommonName(String),
    /// The whole of it, where it has no common name.
    Whole(String),
}

/// The subject of a certificate in DER; `None` where it cannot be read.
pub(super) fn subject(der: &[u8]) -> Option<Subject> {
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
