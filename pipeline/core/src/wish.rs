//! The wishes of row takers: the elements that each wants to be told of, and sets of takers.

/// The elements of the outermost data set that a taker is told of: of sequences everything inside, of others the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TopElements {
    /// Those of these tags.
    These(Vec<u32>),
    /// Every sequence.
    EverySequence,
    /// Of every sequence what holds a wanted value, and nothing else: beginnings are told when the value is met.
    AroundLeaves,
    /// Sequences of these tags wherever they stand, told of with the sequences and items around; and these elements at top level.
    Anywhere {
        /// The tags of the sequences.
        sequences: Vec<u32>,
        /// The tags of the elements at top level.
        top: Vec<u32>,
    },
}

/// The elements that a taker wants to hear of. All tags are public ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakerWish {
    /// At top level.
    pub top: TopElements,
    /// The tags of elements whose values are wanted, wherever they stand inside the sequences.
    pub leaves: Vec<u32>,
}

/// Some of the takers of a plan: a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TakerSet(u32);

impl TakerSet {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// The most takers that a plan may have.
    pub const LIMIT: usize = u32::BITS as usize;

    /// One of them, by its place in the plan.
    #[must_use]
    pub fn of(place: usize) -> Self {
        Self(u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place)).unwrap_or(0))
    }

    /// Whether there is none.
    #[must_use]
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of both sets.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those that are in both sets.
    #[must_use]
    pub const fn common(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are not in the other set.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether all of the other set belong to it.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Their places, in order.
    pub fn places(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let place = (left != 0).then(|| left.trailing_zeros())?;
            left &= left.wrapping_sub(1);
            Some(place as usize)
        })
    }
}
