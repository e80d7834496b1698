//! Every operator, by the values that it holds for and those that it does not.

use super::setup::{holds, one};

/// Operator, the policy's values, request values that hold, request values that do not.
type Case = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

fn check(cases: &[Case]) {
    for &(operator, policy, yes, no) in cases {
        for (values, expected) in [(yes, true), (no, false)] {
            for value in values {
                let found = holds(operator, "aws:Example", policy, &[("aws:Example", one(value))]);
                assert_eq!(found, Some(expected), "{operator} {policy} {value:?}");
            }
        }
    }
}

#[test]
fn strings() {
    check(&[
        ("StringEquals", r#""aB""#, &["aB"], &["ab", "AB", "a", "aBc", ""]),
        ("StringEquals", r#"["x","y"]"#, &["x", "y"], &["xy", "z", "[\"x\"]"]),
        ("StringEquals", r#""a*?""#, &["a*?"], &["a", "abc", "a*b"]),
        ("StringEquals", r#""""#, &[""], &["a"]),
        ("StringEquals", "[]", &[], &["", "a"]),
        ("StringEquals", "true", &["true"], &["True", "false"]),
        ("StringEquals", "7", &["7"], &["7.0"]),
        ("StringNotEquals", r#""aB""#, &["ab", ""], &["aB"]),
        ("StringNotEquals", r#"["x","y"]"#, &["z"], &["x", "y"]),
        ("StringNotEquals", "[]", &["", "a"], &[]),
        ("StringEqualsIgnoreCase", r#""aBÄ""#, &["ABä", "aBÄ"], &["aBa", "a", "aBÄ "]),
        ("StringEqualsIgnoreCase", r#""a*""#, &["A*"], &["ab"]),
        ("StringNotEqualsIgnoreCase", r#"["aB","c"]"#, &["a"], &["AB", "C"]),
    ]);
}

#[test]
fn string_like() {
    check(&[
        ("StringLike", r#""a*c""#, &["ac", "abc", "aacc", "a\nc", "a:/c"], &["ab", "bac", "aC", "acb", ""]),
        ("StringLike", r#""a?c""#, &["abc", "aäc", "a?c"], &["ac", "abbc", "a?"]),
        ("StringLike", r#""*""#, &["", "anything"], &[]),
        ("StringLike", r#""?*""#, &["a", "ab"], &[""]),
        ("StringLike", r#""*a*b*""#, &["ab", "xaxbx", "aab"], &["ba", "a", "b"]),
        ("StringLike", r#""*aab""#, &["aab", "aaab", "aabaab"], &["aabb", "ab"]),
        ("StringLike", r#""??""#, &["ab"], &["a", "abc"]),
        ("StringNotLike", r#"["a*","*z"]"#, &["b", ""], &["a", "abz", "bz"]),
    ]);
}

#[test]
fn numbers() {
    const FIVE: &str = "\"5\"";
    check(&[
        (
            "NumericEquals",
            FIVE,
            &["5", "5.0", "+5", "05", "5.000"],
            &["4", "6", "-5", "5.1", "55", "five", ""],
        ),
        ("NumericEquals", "5", &["5"], &["4"]),
        ("NumericEquals", r#"["0","1.50"]"#, &["0", "-0", "0.0", "1.5"], &["1.05", "1"]),
        ("NumericEquals", r#""five""#, &[], &["five", "5"]),
        ("NumericNotEquals", FIVE, &["4", "5.01"], &["5", "5.0", "five", "", "5e0"]),
        ("NumericNotEquals", r#""five""#, &[], &["4", "six"]),
        ("NumericLessThan", FIVE, &["4", "4.999", "-6", "0"], &["5", "5.0", "6", "10", "1e0", "0x1", "inf"]),
        ("NumericLessThan", r#""-5""#, &["-6", "-5.5", "-10"], &["-5", "-4", "0", "5"]),
        ("NumericLessThanEquals", FIVE, &["5", "4"], &["6", "5.1"]),
        ("NumericGreaterThan", FIVE, &["6", "10", "5.1", "00000000000000006"], &["5", "4", "-6"]),
        ("NumericGreaterThanEquals", FIVE, &["5", "6"], &["4", "-6"]),
        ("NumericGreaterThan", r#""9007199254740992""#, &["9007199254740993"], &["9007199254740992"]),
        ("NumericLessThan", r#"["1","5"]"#, &["3", "0"], &["5"]),
    ]);
    for bad in ["", "-", "+", ".", "5.", ".5", "--5", "5.5.5", " 5", "5 ", "NaN", "١"] {
        assert_eq!(holds("NumericLessThan", "k", "\"9\"", &[("k", one(bad))]), Some(false), "{bad:?}");
        assert_eq!(holds("NumericNotEquals", "k", "\"9\"", &[("k", one(bad))]), Some(false), "{bad:?}");
    }
}

#[test]
fn dates() {
    // 1782820800 is 2026-06-30T12:00:00Z.
    const NOON: &str = "\"2026-06-30T12:00:00Z\"";
    check(&[
        (
            "DateEquals",
            NOON,
            &[
                "2026-06-30T12:00:00Z",
                "2026-06-30T12:00Z",
                "2026-06-30T12:00:00",
                "2026-06-30T12:00:00.000Z",
                "2026-06-30T14:00:00+02:00",
                "2026-06-30T07:30-04:30",
                "2026-07-01T00:00+12:00",
                "1782820800",
            ],
            &["2026-06-30T12:00:01Z", "2026-06-30T12:00:00.001Z", "2026-06-30", "1782820801", "noon", ""],
        ),
        ("DateEquals", r#""1782820800""#, &["2026-06-30T12:00:00Z", "1782820800"], &["2026-06-30"]),
        ("DateEquals", r#""2026-06-30""#, &["2026-06-30T00:00:00Z", "1782777600"], &["2026-06-30T00:00:01Z"]),
        ("DateEquals", r#""2026-07""#, &["2026-07-01"], &["2026-07-02"]),
        ("DateEquals", r#""2024""#, &["2024-01-01T00:00:00Z", "1704067200"], &["2024-01-02"]),
        ("DateEquals", r#""0""#, &["1970-01-01"], &["1970-01-02"]),
        ("DateNotEquals", NOON, &["2026-06-30T12:00:01Z"], &["1782820800", "noon", ""]),
        ("DateNotEquals", r#""noon""#, &[], &["2026-06-30"]),
        (
            "DateLessThan",
            NOON,
            &["2026-06-30T11:59:59.999999999Z", "0000-01-01", "1969-12-31"],
            &["1782820800"],
        ),
        ("DateLessThanEquals", NOON, &["1782820800", "1782820799"], &["1782820801", "9999-12-31"]),
        ("DateGreaterThan", NOON, &["1782820801", "2026-06-30T12:00:00.1Z"], &["1782820800", "2026"]),
        ("DateGreaterThanEquals", NOON, &["1782820800", "2027"], &["1782820799"]),
    ]);
    for good in ["2024-02-29", "2000-02-29", "2026-12-31", "2026-04-30", "2026-06-30T23:59:59.999Z"] {
        assert_eq!(
            holds("DateNotEquals", "k", "\"1970-01-01\"", &[("k", one(good))]),
            Some(true),
            "{good:?}"
        );
    }
    for bad in [
        "2026-02-29",
        "1900-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "2026-04-31",
        "2026-1-1",
        "26-01-01",
        "2026-01-01-01",
        "2026-01-01T",
        "2026-01T12:00Z",
        "2026-01-01T12Z",
        "2026-01-01T24:00Z",
        "2026-01-01T12:60Z",
        "2026-01-01T12:00:60Z",
        "2026-01-01T12:00.5Z",
        "2026-01-01T12:00:00.Z",
        "2026-01-01T12:00:00.0000000001Z",
        "2026-01-01T12:00:00:00Z",
        "2026-01-01T12:00:00+24:00",
        "2026-01-01T12:00:00+0100",
        "2026-01-01T12:00:00Zulu",
        "2026-01-01 12:00:00Z",
        "-1",
        "99999999999999999999",
        "1782820800.5",
        "é026",
    ] {
        assert_eq!(holds("DateNotEquals", "k", "\"1970-01-01\"", &[("k", one(bad))]), Some(false), "{bad:?}");
    }
}

#[test]
fn booleans() {
    check(&[
        ("Bool", r#""true""#, &["true", "TRUE"], &["false", "1", "yes", ""]),
        ("Bool", "false", &["false", "False"], &["true", ""]),
        ("Bool", r#"["true","false"]"#, &["true", "false"], &["maybe"]),
        ("Bool", r#""yes""#, &[], &["yes", "true"]),
    ]);
}

#[test]
fn binary() {
    check(&[(
        "BinaryEquals",
        r#""QmluYXJ5VmFsdWVJbkJhc2U2NA==""#,
        &["QmluYXJ5VmFsdWVJbkJhc2U2NA=="],
        &["qmluYXJ5", ""],
    )]);
}

#[test]
fn addresses() {
    check(&[
        (
            "IpAddress",
            r#""203.0.113.0/24""#,
            &["203.0.113.0", "203.0.113.255"],
            &["203.0.114.0", "::cb00:7101"],
        ),
        ("IpAddress", r#""203.0.113.9/24""#, &["203.0.113.7"], &["203.0.112.9"]),
        ("IpAddress", r#""203.0.113.7""#, &["203.0.113.7"], &["203.0.113.6", "203.0.113.70", "2001:db8::7"]),
        ("IpAddress", r#""0.0.0.0/0""#, &["0.0.0.0", "255.255.255.255"], &["::"]),
        (
            "IpAddress",
            r#""203.0.113.6/31""#,
            &["203.0.113.6", "203.0.113.7"],
            &["203.0.113.8", "203.0.113.5"],
        ),
        (
            "IpAddress",
            r#""2001:db8::/32""#,
            &["2001:db8::1", "2001:0DB8:0:0:0:0:0:1"],
            &["2001:db9::", "32.1.13.184"],
        ),
        ("IpAddress", r#""2001:db8::1""#, &["2001:db8:0::0:1"], &["2001:db8::2"]),
        ("IpAddress", r#""::/0""#, &["2001:db8::1"], &["203.0.113.7"]),
        ("IpAddress", r#"["10.0.0.0/8","192.0.2.1"]"#, &["10.9.8.7", "192.0.2.1"], &["11.0.0.0"]),
        (
            "NotIpAddress",
            r#""203.0.113.0/24""#,
            &["203.0.114.1", "2001:db8::1"],
            &["203.0.113.1", "nowhere", ""],
        ),
        ("NotIpAddress", r#"["10.0.0.0/8","192.0.2.1"]"#, &["11.0.0.0"], &["10.9.8.7", "192.0.2.1"]),
    ]);
    for bad in [
        "203.0.113.0/33",
        "203.0.113.0/",
        "203.0.113.0/-1",
        "203.0.113.0/+8",
        "203.0.113/24",
        "2001:db8::/129",
        "x",
        "",
        "1.2.3.4/8/8",
        "1.2.3.4/9999999999",
    ] {
        let policy = format!("{bad:?}");
        for operator in ["IpAddress", "NotIpAddress"] {
            assert_eq!(holds(operator, "k", &policy, &[("k", one("203.0.113.0"))]), Some(false), "{bad:?}");
        }
    }
}

#[test]
fn arns() {
    const TOPIC: &str = r#""arn:aws:sns:eu-*-1:1111????3333:Topic/*""#;
    const YES: &[&str] =
        &["arn:aws:sns:eu-central-1:111122223333:Topic/a:b/c", "arn:aws:sns:eu--1:111122223333:Topic/"];
    const NO: &[&str] = &[
        "arn:aws:sns:eu-central-1:111122223333:topic/a",
        "arn:aws:sqs:eu-central-1:111122223333:Topic/a",
        "arn:aws:sns:us-east-1:111122223333:Topic/a",
        "arn:aws:sns:eu-central-1:11112222333:Topic/a",
        "arn:aws-cn:sns:eu-central-1:111122223333:Topic/a",
        "urn:aws:sns:eu-central-1:111122223333:Topic/a",
        // The wildcard of one part does not reach into the next one.
        "arn:aws:sns:eu-:central-1:111122223333:Topic/a",
    ];
    check(&[
        ("ArnLike", TOPIC, YES, NO),
        ("ArnEquals", TOPIC, YES, NO),
        (
            "ArnLike",
            r#""arn:aws:sns:*:*:a:b*""#,
            &["arn:aws:sns:x:y:a:bc:d"],
            &["arn:aws:sns:x:y:a", "arn:aws:sns:x:y:a:c"],
        ),
        ("ArnNotLike", TOPIC, NO, YES),
        ("ArnNotEquals", TOPIC, NO, YES),
        (
            "ArnNotLike",
            r#"["arn:aws:sns:*:*:a","arn:aws:sns:*:*:b"]"#,
            &["arn:aws:sns:x:y:c"],
            &["arn:aws:sns:x:y:b"],
        ),
    ]);
    for operator in ["ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals"] {
        for (policy, request) in [
            ("*", "arn:aws:sns:eu-central-1:111122223333:Topic/a"),
            ("arn:aws:sns:*", "arn:aws:sns:eu-central-1:111122223333:Topic/a"),
            ("arn:aws:sns:*:*:*", "arn:aws:sns:eu-central-1:111122223333"),
            ("arn:aws:sns:*:*:*", ""),
        ] {
            let found = holds(operator, "k", &format!("{policy:?}"), &[("k", one(request))]);
            assert_eq!(found, Some(false), "{operator} {policy} {request}");
        }
    }
}
