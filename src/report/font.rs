//! The font that chart texts are measured with: a Latin subset of DejaVu Sans, bundled so that the same data gives the
//! same chart on every machine. The SVG names the font and common look-alikes of the same width; it does not embed it.

use super::ReportError;
use plotters::style::{FontStyle, register_font};
use std::sync::OnceLock;

/// Family name in the SVG. Verdana has nearly the same widths.
pub(super) const FAMILY: &str = "DejaVu Sans, Verdana, sans-serif";

/// DejaVu Sans 2.37, Latin, punctuation, arrows; no hinting, no layout tables. Licence: fonts/LICENSE-DejaVu.txt.
static LATIN: &[u8] = include_bytes!("fonts/DejaVuSans-Latin.ttf");

/// Makes the font known to the drawing library, once per process.
pub(super) fn register() -> Result<(), ReportError> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    if *REGISTERED.get_or_init(|| register_font(FAMILY, FontStyle::Normal, LATIN).is_ok()) {
        Ok(())
    } else {
        Err(ReportError::Chart { chart: "any", reason: String::from("the bundled font is not readable") })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_font_is_small_and_its_licence_is_beside_it() {
        assert!(super::LATIN.len() < 60_000);
        assert!(include_str!("fonts/LICENSE-DejaVu.txt").contains("Bitstream Vera Fonts Copyright"));
        super::register().unwrap();
        super::register().unwrap();
    }
}
