//! The demo recording under `captures/` is what its generator makes, byte for byte.

#![allow(clippy::unwrap_used)]

#[path = "../examples/backup_run/generator/mod.rs"]
mod generator;

use std::path::Path;

fn captures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

/// Where two files begin to differ, for the message: nobody wants to see 1.5 MB of bytes.
fn first_difference(made: &[u8], stored: &[u8]) -> Option<usize> {
    let common = made.iter().zip(stored).position(|(a, b)| a != b);
    common.or_else(|| (made.len() != stored.len()).then(|| made.len().min(stored.len())))
}

#[test]
fn regenerating_gives_the_stored_files() {
    let recording = generator::play().unwrap();
    for (name, made) in recording.files() {
        let stored = std::fs::read(captures().join(&name)).unwrap_or_default();
        let difference = first_difference(made, &stored);
        assert_eq!(
            difference,
            None,
            "captures/{name} ({} bytes, generated: {}) differs from this byte on; if the generator was changed on \
             purpose, run `cargo run --example backup_run` and bring captures/README.md up to date",
            stored.len(),
            made.len(),
        );
    }
}

#[test]
fn generating_twice_gives_the_same() {
    let (once, again) = (generator::play().unwrap(), generator::play().unwrap());
    for ((name, first), (_, second)) in once.files().into_iter().zip(again.files()) {
        assert_eq!(first_difference(first, second), None, "{name}");
    }
}

#[test]
fn the_numbers_of_the_guide_are_played() {
    let recording = generator::play().unwrap();
    assert!(recording.summary.ends_with("51 on the server, 68 on the agent"), "{}", recording.summary);
    // Small enough to live in the repository.
    assert!(recording.files()[0].1.len() < 1_500_000);
}
