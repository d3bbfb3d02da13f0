//! What all files of an observation may hold together, however many are read at once.

use std::cell::Cell;
use std::rc::Rc;

/// Something that several files share and none may exhaust.
#[derive(Debug, Clone)]
pub(super) struct Budget(Rc<Cell<u64>>);

impl Budget {
    pub(super) fn new(amount: u64) -> Self {
        Self(Rc::new(Cell::new(amount)))
    }

    /// What nobody holds.
    pub(super) fn left(&self) -> u64 {
        self.0.get()
    }

    /// An empty share.
    pub(super) fn share(&self) -> Share {
        Share { budget: self.clone(), held: 0 }
    }
}

/// A part of a budget; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Share {
    budget: Budget,
    held: u64,
}

impl Share {
    /// Takes more, if it is there.
    pub(super) fn take(&mut self, amount: u64) -> bool {
        let Some(left) = self.budget.left().checked_sub(amount) else { return false };
        self.budget.0.set(left);
        self.held += amount;
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.set(self.budget.left() + self.held);
    }
}

/// The budgets of one observation.
#[derive(Debug, Clone)]
pub(super) struct Budgets {
    /// Bytes of the windows of decompressors.
    pub(super) windows: Budget,
    /// Names of addresses.
    pub(super) names: Budget,
}

/// Windows of all decompressors at once: 1 GiB.
const WINDOWS_BYTES: u64 = 1 << 30;
/// Names of all captures of an observation.
const NAMES: u64 = 400_000;

impl Default for Budgets {
    fn default() -> Self {
        Self { windows: Budget::new(WINDOWS_BYTES), names: Budget::new(NAMES) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_given_back() {
        let budget = Budget::new(10);
        let mut share = budget.share();
        assert!(share.take(7) && !share.take(4) && share.take(3));
        drop(share);
        assert_eq!(budget.left(), 10);
    }
}
