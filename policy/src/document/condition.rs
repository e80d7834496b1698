//! `Condition` (IAM user guide, "IAM JSON policy elements: Condition operators").

use std::fmt;

use super::Values;

/// One test of one condition key: it holds when the key's value matches any of the values (for a negated operator:
/// none of them).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// How to compare.
    pub operator: Operator,
    /// The condition key as written; keys are not case-sensitive.
    pub key: String,
    /// What to compare with.
    pub values: Values,
}

impl Condition {
    /// A test without set operator and `…IfExists`.
    pub fn new(comparison: Comparison, key: impl Into<String>, values: impl Into<Values>) -> Self {
        Self { operator: comparison.into(), key: key.into(), values: values.into() }
    }
}

/// A condition operator: `ForAnyValue:StringEqualsIfExists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operator {
    /// The prefix for keys with several values.
    pub set: Option<SetOperator>,
    /// The comparison.
    pub comparison: Comparison,
    /// `…IfExists`: holds too where the key is missing.
    pub if_exists: bool,
}

impl From<Comparison> for Operator {
    fn from(comparison: Comparison) -> Self {
        Self { set: None, comparison, if_exists: false }
    }
}

impl Operator {
    /// Reads an operator; `None` for one that the language does not have.
    pub fn from_name(name: &str) -> Option<Self> {
        let (set, rest) = match name.split_once(':') {
            Some((prefix, rest)) => (Some(SetOperator::from_name(prefix)?), rest),
            None => (None, name),
        };
        let (base, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |base| (base, true));
        let comparison = Comparison::ALL.iter().copied().find(|comparison| comparison.as_str() == base)?;
        // Null asks for existence itself.
        (!if_exists || comparison != Comparison::Null).then_some(Self { set, comparison, if_exists })
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(set) = self.set {
            write!(f, "{}:", set.as_str())?;
        }
        f.write_str(self.comparison.as_str())?;
        f.write_str(if self.if_exists { "IfExists" } else { "" })
    }
}

/// How a key with several values is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SetOperator {
    /// `ForAnyValue`: some value of the request matches; a missing key does not.
    ForAnyValue,
    /// `ForAllValues`: every value of the request matches; a missing key does too.
    ForAllValues,
}

impl SetOperator {
    /// As policies write it, without the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ForAnyValue => "ForAnyValue",
            Self::ForAllValues => "ForAllValues",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::ForAnyValue, Self::ForAllValues].into_iter().find(|set| set.as_str() == name)
    }
}

macro_rules! comparisons {
    ($($name:ident)*) => {
        /// The comparison of a condition operator.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)] // each is the operator of that name
        pub enum Comparison {
            $($name,)*
        }

        impl Comparison {
            /// Every comparison.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// As policies write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

comparisons! {
    StringEquals StringNotEquals StringEqualsIgnoreCase StringNotEqualsIgnoreCase StringLike StringNotLike
    NumericEquals NumericNotEquals NumericLessThan NumericLessThanEquals NumericGreaterThan
    NumericGreaterThanEquals
    DateEquals DateNotEquals DateLessThan DateLessThanEquals DateGreaterThan DateGreaterThanEquals
    Bool BinaryEquals IpAddress NotIpAddress
    ArnEquals ArnLike ArnNotEquals ArnNotLike
    Null
}

impl Comparison {
    /// Whether it holds where nothing matches, and so where the key is missing.
    pub const fn is_negated(self) -> bool {
        matches!(
            self,
            Self::StringNotEquals
                | Self::StringNotEqualsIgnoreCase
                | Self::StringNotLike
                | Self::NumericNotEquals
                | Self::DateNotEquals
                | Self::NotIpAddress
                | Self::ArnNotEquals
                | Self::ArnNotLike
        )
    }
}
