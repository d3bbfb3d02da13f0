//! The most ports held at once.

use std::collections::BTreeMap;

/// When a local port was held: port, first packet, last packet.
pub(super) type Hold = (u16, i64, i64);

/// The largest number of distinct ports held at the same time, and when it was first reached. A hold includes its last
/// instant.
pub(super) fn peak(holds: &[Hold]) -> (u32, Option<i64>) {
    let mut events: Vec<(i64, bool, u16)> = Vec::with_capacity(holds.len() * 2);
    for (port, start_ns, end_ns) in holds {
        events.push((*start_ns, false, *port));
        events.push((*end_ns, true, *port));
    }
    // At one instant ports are taken before they are given back.
    events.sort_unstable();
    let mut users: BTreeMap<u16, u32> = BTreeMap::new();
    let (mut most, mut at_ns) = (0, None);
    for (time_ns, gives_back, port) in events {
        let count = users.entry(port).or_insert(0);
        if gives_back {
            *count -= 1;
            if *count == 0 {
                users.remove(&port);
            }
        } else {
            *count += 1;
            if users.len() > most {
                (most, at_ns) = (users.len(), Some(time_ns));
            }
        }
    }
    (u32::try_from(most).unwrap_or(u32::MAX), at_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_count_once_and_the_last_instant_is_held() {
        let holds = [(1, 0, 10), (1, 5, 20), (2, 20, 30), (3, 21, 22), (4, 40, 40)];
        assert_eq!(peak(&holds), (2, Some(20)));
        assert_eq!(peak(&[]), (0, None));
    }
}
