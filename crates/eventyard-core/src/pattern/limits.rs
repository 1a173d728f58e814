//! How much an event pattern may ask for.

/// Bounds on what a pattern may expand to. The length of its text is the caller's to bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternLimits {
    /// The largest complexity score of a field's wildcards. `None` leaves them unscored.
    ///
    /// Matching here costs the same whatever the score, so it may be lifted; patterns beyond it will be refused by
    /// Amazon's service.
    pub wildcard_complexity_max: Option<u32>,
    /// How many branches the `$or` objects of a pattern may multiply to. `None`, or more than
    /// [`BRANCHES_CEILING`](Self::BRANCHES_CEILING), means that ceiling.
    pub branches_max: Option<u32>,
}

impl PatternLimits {
    /// The most branches that a pattern can ever have.
    pub const BRANCHES_CEILING: u32 = 10_000;

    /// The number of branches that is really allowed.
    pub(super) fn branches_allowed(&self) -> usize {
        let allowed = self.branches_max.unwrap_or(u32::MAX).min(Self::BRANCHES_CEILING);
        usize::try_from(allowed).unwrap_or(usize::MAX)
    }
}

impl Default for PatternLimits {
    /// The bounds of Amazon's service.
    fn default() -> Self {
        Self { wildcard_complexity_max: Some(10), branches_max: Some(1_000) }
    }
}
