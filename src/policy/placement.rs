//! Where to put a range for RPC listeners: where nobody else is known to need a port.
//!
//! Above 5000 (KB154596) and below the dynamic ranges of Windows and Linux, so that no outgoing connection takes its ports:
//! 20000 to 32767 first, then 5001 on. A proposal from what documents name and what was seen; other programs may still want a port
//! there.

use super::settings::RPC_ABOVE;
use crate::catalog::PortRange;
use std::collections::BTreeSet;

/// Where ranges are looked for, in this order; steps of [`STEP`].
const PLACES: [(u16, u16); 2] = [(20_000, 32_767), (RPC_ABOVE + 1, 32_767)];
/// Ranges begin at multiples of it.
const STEP: usize = 100;

/// The first range of so many ports without any that is `taken`; `None` where there is none.
#[must_use]
pub fn place(ports: u32, taken: &BTreeSet<u16>) -> Option<PortRange> {
    let beyond = u16::try_from(ports.checked_sub(1)?).ok()?;
    PLACES.into_iter().find_map(|(lowest, highest)| {
        let begins = (lowest.next_multiple_of(STEP as u16)..=highest).step_by(STEP);
        let ranges =
            begins.filter_map(|first| Some((first, first.checked_add(beyond).filter(|last| *last <= highest)?)));
        let mut free = ranges.filter(|(first, last)| taken.range(first..=last).next().is_none());
        free.next().map(|(first, last)| PortRange::spanning(first, last))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_place_without_a_taken_port_is_proposed() {
        let range = |ports, taken: &[u16]| {
            place(ports, &taken.iter().copied().collect()).map(|range| (range.first(), range.last()))
        };
        assert_eq!(range(130, &[]), Some((20_000, 20_129)));
        assert_eq!(range(130, &[20_129]), Some((20_200, 20_329)), "20100 to 20229 holds the taken one too");
        assert_eq!(range(130, &[20_130]), Some((20_000, 20_129)));
        let crowded: Vec<u16> = (20_000..32_768).step_by(50).collect();
        assert_eq!(range(130, &crowded), Some((5_100, 5_229)));
        assert_eq!((range(0, &[]), range(60_000, &[]), range(12_768, &[])), (None, None, Some((20_000, 32_767))));
    }
}
