//! The stack of open objects and arrays: one bit each, so a reader needs no memory of its own.

use super::NESTING_DEPTH_MAX;

const WORD_BITS: usize = 64;

/// Which containers are open, outermost first.
#[derive(Debug, Clone)]
pub(super) struct Nesting {
    /// Bit n is set when the container at depth n is an object.
    objects: [u64; NESTING_DEPTH_MAX.div_ceil(WORD_BITS)],
    depth: usize,
}

impl Nesting {
    pub(super) const fn new() -> Self {
        Self { objects: [0; NESTING_DEPTH_MAX.div_ceil(WORD_BITS)], depth: 0 }
    }

    pub(super) const fn depth(&self) -> usize {
        self.depth
    }

    /// Opens a container. False, and nothing changed, when the bound is reached.
    pub(super) fn open(&mut self, object: bool) -> bool {
        if self.depth == NESTING_DEPTH_MAX {
            return false;
        }
        let bit = 1 << (self.depth % WORD_BITS);
        let word = &mut self.objects[self.depth / WORD_BITS];
        *word = if object { *word | bit } else { *word & !bit };
        self.depth += 1;
        true
    }

    /// Closes the innermost container. The caller knows that one is open.
    pub(super) const fn close(&mut self) {
        self.depth -= 1;
    }

    /// Whether the innermost container is an object: `None` when nothing is open.
    pub(super) fn in_object(&self) -> Option<bool> {
        let top = self.depth.checked_sub(1)?;
        Some(self.objects[top / WORD_BITS] >> (top % WORD_BITS) & 1 == 1)
    }
}
