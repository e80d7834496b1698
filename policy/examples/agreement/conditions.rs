//! `Condition`: tests whose values meet the request's in a good part of the cases.

use std::collections::BTreeSet;

use pcrseal_policy::document::Comparison::{
    self, ArnEquals, ArnLike, ArnNotEquals, ArnNotLike, Bool, DateEquals, DateGreaterThan,
    DateGreaterThanEquals, DateLessThan, DateLessThanEquals, DateNotEquals, IpAddress, NotIpAddress, Null,
    NumericEquals, NumericGreaterThan, NumericGreaterThanEquals, NumericLessThan, NumericLessThanEquals,
    NumericNotEquals, StringEquals, StringEqualsIgnoreCase, StringLike, StringNotEquals,
    StringNotEqualsIgnoreCase, StringNotLike,
};
use pcrseal_policy::document::{Condition, Operator, SetOperator, Values};

use crate::generate::one_or_some;
use crate::pair::Pair;
use crate::random::Random;
use crate::words::{KEYS, Key, Kind};

const STRING: &[Comparison] = &[
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    StringNotEquals,
    StringNotEqualsIgnoreCase,
    StringNotLike,
];
const ARN: &[Comparison] = &[ArnEquals, ArnLike, ArnNotEquals, ArnNotLike, StringEquals, StringLike];
const NUMERIC: &[Comparison] = &[
    NumericEquals,
    NumericNotEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
];
const DATE: &[Comparison] =
    &[DateEquals, DateNotEquals, DateLessThan, DateLessThanEquals, DateGreaterThan, DateGreaterThanEquals];
const IP: &[Comparison] = &[IpAddress, NotIpAddress];
/// What is put on keys of other types too, whose values are then no such thing. Numbers and dates are not among
/// them: the oracle reads a number or a date into nearly any text. Nor are ARNs where addresses are: an address of
/// IPv6 has the colons of an ARN, and AWS does not say what becomes of a text that is nearly one.
const ANYWHERE: &[Comparison] =
    &[Bool, StringLike, StringNotEquals, IpAddress, NotIpAddress, ArnLike, ArnNotLike];
const ON_ADDRESSES: &[Comparison] = &[Bool, StringLike, StringNotEquals];

/// Values with policy variables (IAM user guide, "IAM policy elements: Variables and tags").
const VARIABLES: &[&str] = &[
    "${aws:PrincipalAccount}",
    "${kms:CallerAccount}",
    "${aws:PrincipalTag/team}",
    "${aws:principaltag/TEAM}*",
    "${aws:PrincipalTag/team, 'crypto'}",
    "${aws:username}",
    "${kms:EncryptionContextKeys}",
];
/// The same in ARNs.
const ARN_VARIABLES: &[&str] = &[
    "arn:aws:iam::${aws:PrincipalAccount}:role/*",
    "arn:aws:iam::${kms:CallerAccount}:*",
    "arn:aws:iam::111122223333:user/${aws:username}",
    "${aws:PrincipalArn}",
];

/// The conditions of a statement, perhaps none.
pub(crate) fn conditions(random: &mut Random, pair: &Pair) -> Vec<Condition> {
    let mut seen = BTreeSet::new();
    let mut conditions = Vec::new();
    for _ in 0..*random.pick(&[0, 0, 1, 1, 1, 2, 3]) {
        let condition = condition(random, pair);
        // A name may stand once in an object of JSON.
        if seen.insert((condition.operator, condition.key.clone())) {
            conditions.push(condition);
        }
    }
    conditions
}

/// One condition.
pub(crate) fn condition(random: &mut Random, pair: &Pair) -> Condition {
    // A key that the request has, as a rule: of one that it lacks there is less to say.
    let mut key = random.pick(KEYS);
    for _ in 0..2 {
        if !has(pair, key) {
            key = random.pick(KEYS);
        }
    }
    if random.chance(12) {
        let values = one_or_some(random, |random| (*random.pick(&["true", "false", "True", "maybe"])).into());
        return Condition { operator: Null.into(), key: key.name.into(), values };
    }
    let fitting = match (random.chance(6), key.kind) {
        (true, Kind::Ip) => ON_ADDRESSES,
        (true, _) => ANYWHERE,
        (false, kind) => comparisons(kind),
    };
    let comparison = *random.pick(fitting);
    let several = if key.kind == Kind::List { 80 } else { 10 };
    let set =
        random.chance(several).then(|| *random.pick(&[SetOperator::ForAnyValue, SetOperator::ForAllValues]));
    let operator = Operator { set, comparison, if_exists: random.chance(12) };
    Condition { operator, key: key.name.into(), values: values(random, pair, key, comparison) }
}

fn has(pair: &Pair, key: &Key) -> bool {
    pair.context.iter().any(|(name, _)| name.eq_ignore_ascii_case(key.name))
}

const fn comparisons(kind: Kind) -> &'static [Comparison] {
    match kind {
        Kind::Text | Kind::List => STRING,
        Kind::Arn => ARN,
        Kind::Number => NUMERIC,
        Kind::Date => DATE,
        Kind::Bool => &[Bool],
        Kind::Ip => IP,
    }
}

/// Values for a test of this key.
pub(crate) fn values(random: &mut Random, pair: &Pair, key: &Key, comparison: Comparison) -> Values {
    let own: Vec<&str> = pair
        .context
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(key.name))
        .flat_map(|(_, values)| values.iter())
        .collect();
    let variables = match comparison {
        ArnEquals | ArnLike | ArnNotEquals | ArnNotLike => ARN_VARIABLES,
        _ if STRING.contains(&comparison) => VARIABLES,
        _ => &[],
    };
    one_or_some(random, |random| {
        if !variables.is_empty() && random.chance(14) {
            return (*random.pick(variables)).to_owned();
        }
        if own.is_empty() || random.chance(45) {
            return (*random.pick(key.values)).to_owned();
        }
        let own = *random.pick(&own);
        match (random.below(8), STRING.contains(&comparison)) {
            (0, true) => own.to_ascii_uppercase(),
            (1, true) => format!("{}*", own.get(..own.len() / 2).unwrap_or_default()),
            (2, true) => own.replace('*', "${*}").replace('?', "${?}"),
            (3, true) => format!("?{}", own.get(1..).unwrap_or_default()),
            _ => own.to_owned(),
        }
    })
}
