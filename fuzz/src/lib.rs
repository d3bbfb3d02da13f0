//! What the fuzz targets share. Each target is a function here, so that the seeder and a debugger can call it as well;
//! `fuzz_targets/` holds the entry points.
//!
//! | target | input | what must hold |
//! |---|---|---|
//! | [`capture_file`] | first byte: how many files; the rest is cut into them | no panic, every frame once, fates sum to frames |
//! | [`decode_frame`] | first byte: link type; second: bytes that were not captured; the rest is a frame | what a stop and a packet say is possible |
//! | [`metering`] | six bytes of settings, then steps of eight bytes | packets over records are the metered frames, the cache keeps its bound |
//! | [`documents`] | first byte: which reader; the rest is its text | no panic, what was read prints and reads back, lint agrees with the reader |
//! | [`recognisers`] | a byte of ports and transport, then pieces of a conversation | no panic, little kept, texts short, no more facts than bytes |
//! | [`followers`] | protocol, server, then pieces of a conversation that is followed from its first byte | the same |
//!
//! To add one (host tables): a module here, an entry in `fuzz_targets/`, a `[[bin]]` in
//! `Cargo.toml`, seeds in `examples/seeds.rs`. The script finds it by its file in `fuzz_targets/`. At most eight, so that a
//! run of all stays short.

#[path = "../../tests/support/accounting.rs"]
mod accounting;

mod application;
mod capture_file;
mod decode;
mod documents;
mod metering;

pub use application::{followers, recognisers};
pub use capture_file::{capture_file, of_files};
pub use decode::{LINK_TYPES, decode_frame};
pub use documents::{Reader, documents};
pub use metering::metering;
