//! Three-valued logic (Kleene's): what follows when something is not known.

/// Ordered so that a conjunction is the least of its parts and a disjunction the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    No,
    Unknown,
    Yes,
}

impl Truth {
    pub(super) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    pub(super) fn or(self, other: Self) -> Self {
        self.max(other)
    }

    pub(super) const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }

    /// Whether all hold; of none: yes.
    pub(super) fn all(parts: impl Iterator<Item = Self>) -> Self {
        parts.min().unwrap_or(Self::Yes)
    }

    /// Whether any holds; of none: no.
    pub(super) fn any(parts: impl Iterator<Item = Self>) -> Self {
        parts.max().unwrap_or(Self::No)
    }
}

impl From<bool> for Truth {
    fn from(known: bool) -> Self {
        if known { Self::Yes } else { Self::No }
    }
}
