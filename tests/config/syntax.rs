//! What is JSON, beside another reader.

use pcrseal::Code;
use pcrseal::config::Config;
use serde_json::Value;

use super::{at, documents, refused};

/// With every form of escape, and white space of every kind.
const SOUND: &str = " \t\r\n{\"cluster\":\"te\\u0073t \\\"\\\\\\/\\b\\f\\n\\r\\t\\ud83d\\ude00ä\\u00E4\",\n\
    \"credentials\" : {\"source\":\"static\",\"access_key_id\":\"A\",\"secret_access_key\":\"hunter2\"} , \
    \"required_pcrs\":[ 0,1 ,10 ],\"unseal_quorums\":[ ],\"kms\":{ },\"allow_debug_mode\":false,\n\
    \"allow_vouched_reseal\":true,\"minimum_generation\":120} \n";

/// Of texts that are JSON to another reader, and of no other, more is said than that they are none.
fn compare(json: &[u8]) -> bool {
    let ours = Config::from_json(json);
    let theirs = serde_json::from_slice::<Value>(json);
    let shown = String::from_utf8_lossy(json);
    match (&ours, &theirs) {
        (Ok(config), Ok(value)) => assert_eq!(config.cluster, value["cluster"], "{shown}"),
        (Err(error), Ok(_)) => assert_ne!(error.code(), Code::ConfigSyntax, "{shown}: {error}"),
        (Err(error), Err(_)) => assert_eq!(error.code(), Code::ConfigSyntax, "{shown}: {error}"),
        (Ok(_), Err(theirs)) => panic!("{shown}: {theirs}"),
    }
    if let Err(error) = &ours {
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hunter"), "{told}");
    }
    theirs.is_ok()
}

#[test]
fn what_is_json_is_what_another_reader_says() {
    assert!(compare(SOUND.as_bytes()));
    let mut read = 0;
    for position in 0..SOUND.len() {
        assert_eq!(compare(&SOUND.as_bytes()[..position]), position >= SOUND.trim_end().len());
        for byte in *b" \0\t\n\x0b\x1f\x7f\"\\/{}[]:,.-+eEu019adtnx\xc3\xff" {
            let mut mutant = SOUND.as_bytes().to_vec();
            mutant[position] = byte;
            read += usize::from(compare(&mutant));
            mutant.insert(position, SOUND.as_bytes()[position]);
            read += usize::from(compare(&mutant));
        }
        let mut mutant = SOUND.as_bytes().to_vec();
        mutant.remove(position);
        read += usize::from(compare(&mutant));
    }
    assert!(read > 1000, "{read}");

    for value in [
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\ud800\"",
        "\"\\ud800x\"",
        "\"\\ud800\\udc00\"",
        "\"\\udbff\\udfff\"",
        "\"\\u12\"",
        "\"\\u123g\"",
        "\"\\u+123\"",
        "\"\\U0041\"",
        "\"\\x41\"",
        "\"\\'\"",
        "'a'",
        "\"\u{7f}\u{2028}\u{feff}\"",
        "\"\\u0000\"",
        "\"",
        "\"\\",
        "\"\\u",
        "01",
        "-01",
        "00",
        "-",
        "+1",
        "1.",
        ".5",
        "1.e1",
        "1e",
        "1e+",
        "1e5",
        "-0",
        "0x1",
        "1_000",
        "NaN",
        "Infinity",
        "tru",
        "True",
        "nul",
        "nulll",
        "truefalse",
        "[1,]",
        "[,1]",
        "[1 2]",
        "[",
        "]",
        "{\"a\":1,}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\" 1}",
        "// a\n1",
        "1 /* a */",
        "\u{feff}1",
        "",
        "1 1",
        "\u{a0}1",
        "[[[[]]]]",
        "{\"a\":[{\"b\":[]}]}",
    ] {
        compare(format!("{{\"transport\":\"host\",\"cluster\":{value}}}").as_bytes());
        compare(value.as_bytes());
    }
}

#[test]
fn faults_of_syntax_have_a_line_and_a_column() {
    for (json, place) in [
        ("", "line 1, column 1"),
        ("\u{feff}{}", "line 1, column 1"),
        ("{\n  \"cluster\": x}", "line 2, column 14"),
        ("{\"ä\": x}", "line 1, column 7"),
        ("{}\n\n {}", "line 3, column 2"),
        ("{\"a\": \"x\ny\"}", "line 1, column 9"),
        ("[01]", "line 1, column 2"),
    ] {
        assert_eq!(refused(json), at(Code::ConfigSyntax, place), "{json:?}");
    }
    let error = Config::from_json(b"{\"a\":\n \"\xc3\xa4\xff\"}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration is not JSON [line 2, column 4: expected UTF-8, found another byte]"
    );
}

#[test]
fn length_and_depth_are_bounded() {
    let document = documents().remove(0).to_string();
    let padded = |len: usize| document.clone() + &" ".repeat(len - document.len());
    assert!(Config::from_json(padded(262_144).as_bytes()).is_ok());
    let error = Config::from_json(padded(262_145).as_bytes()).unwrap_err();
    assert_eq!(error.code(), Code::ConfigTooLong);
    assert!(error.to_string().contains("expected at most 262144, found 262145"), "{error}");

    let nested = |open: &str, close: &str, depth| open.repeat(depth) + "1" + &close.repeat(depth);
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        assert_ne!(refused(&nested(open, close, 8)).0, Code::ConfigSyntax);
        for depth in [9, 10_000] {
            let column = 8 * open.len() + 1;
            let place = format!("line 1, column {column}");
            assert_eq!(refused(&nested(open, close, depth)), at(Code::ConfigSyntax, &place));
        }
    }
    let many = (0..25_000).map(|number| format!("\"{number}\":1,")).collect::<Vec<_>>().concat();
    assert_eq!(refused(&format!("{{{many}\"cluster\":\"a\"}}")).0, Code::ConfigMember);
}
