//! What is decided holds whatever the unknown turns out to be: every unknown of many small policies is replaced by
//! every value that tells them apart.

use pcrseal_core::names::KeyArn;
use pcrseal_policy::actions::Action;
use pcrseal_policy::evaluate::{Decision, Request};

use super::setup::{FOREIGN_ROLE, KEY, ROLE, ROOT, SESSION, World, caller, one};

const OTHER_KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// `SplitMix64`.
struct Random(u64);

impl Random {
    fn pick<'a>(&mut self, items: &[&'a str]) -> &'a str {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        items[usize::try_from(mixed % items.len() as u64).unwrap()]
    }

    fn test(&mut self) -> String {
        let operators = [
            "StringEquals",
            "StringNotEquals",
            "StringLikeIfExists",
            "StringNotLike",
            "ForAnyValue:StringLike",
            "ForAllValues:StringEquals",
            "ForAllValues:StringNotEqualsIgnoreCase",
            "ArnLike",
            "ArnNotEquals",
        ];
        let values =
            ["x", "y", "${aws:One}", "${aws:Two}", "${aws:One}${aws:Two}", "${aws:One}*", "a:b:c:d:e:x"];
        let operator = self.pick(&operators);
        let key = self.pick(&["aws:Single", "aws:List", "aws:Arn", "aws:Missing"]);
        let (first, second) = (self.pick(&values), self.pick(&values));
        format!(r#""{operator}":{{"{key}":["{first}","a:b:c:d:e:{second}"]}}"#)
    }

    fn statement(&mut self, principals: &[&str]) -> String {
        let effect = self.pick(&["Allow", "Allow", "Deny"]);
        let condition = self.test();
        let resource = self.pick(&[
            r#""Resource":"*""#,
            r#""Resource":"arn:aws:kms:eu-central-1:*""#,
            r#""NotResource":"arn:aws:kms:eu-central-1:*""#,
            r#""Resource":["arn:aws:s3:::x","arn:aws:kms:*:*:key/${aws:One}*"]"#,
        ]);
        let principal = if principals.is_empty() {
            String::new()
        } else {
            format!(r#""Principal":{{"AWS":"{}"}},"#, self.pick(principals))
        };
        format!(
            r#"{{"Effect":"{effect}",{principal}"Action":"kms:*",{resource},"Condition":{{{condition}}}}}"#
        )
    }
}

fn ask(world: &World, who: &str, key: Option<&str>, variables: Option<(&str, &str)>) -> Decision {
    let key = key.map(|key| KeyArn::new(key).unwrap());
    let mut request = Request::new(caller(who), Action::Decrypt, key.as_ref())
        .context("aws:Single", one("x"))
        .context("aws:List", super::setup::many(&["x", "y"]))
        .context("aws:Arn", one("a:b:c:d:e:x"));
    if let Some((first, second)) = variables {
        request = request.context("aws:One", one(first)).context("aws:Two", one(second));
    }
    world.ask(&request).decision
}

#[test]
fn a_decision_holds_in_every_world() {
    let mut random = Random(1);
    let (mut decided, mut open) = (0, 0);
    for _ in 0..1000 {
        let who = random.pick(&[ROLE, SESSION, FOREIGN_ROLE, ROOT]);
        let principals = ["*", who, ROOT, "444455556666"];
        let key_policy = [random.statement(&principals), random.statement(&principals)].join(",");
        let identity = [random.statement(&[]), random.statement(&[])].join(",");
        let world = World::new(&key_policy).iam(&identity);
        let worlds = |key: Option<&'static str>| {
            let world = &world;
            let keys = key.map_or(vec![KEY, OTHER_KEY], |key| vec![key]);
            let values = ["x", "y", "", "1234", "a:b:c:d:e:x"];
            let pairs = values.into_iter().flat_map(move |first| values.map(|second| (first, second)));
            keys.into_iter()
                .flat_map(move |key| pairs.clone().map(move |pair| ask(world, who, Some(key), Some(pair))))
        };
        for key in [None, Some(KEY)] {
            let decision = ask(&world, who, key, None);
            if decision == Decision::Undecided {
                open += 1;
                continue;
            }
            decided += 1;
            for (position, other) in worlds(key).enumerate() {
                // Where nothing allows, a Deny that may or may not match changes the message alone.
                let same = decision == other
                    || decision == Decision::ImplicitDeny && other == Decision::ExplicitDeny;
                assert!(same, "{who} {decision} {other} {key:?} {position}\n{key_policy}\n{identity}");
            }
        }
    }
    assert!(decided > 300 && open > 300, "{decided} {open}");
}
