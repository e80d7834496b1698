//! Arbitrary bytes as the answer to every operation of a Nitro Secure Module: no panic, one operation at most that they
//! are an answer to, the values that a second reader over ciborium finds, and the same values once they are written
//! again; errors of the module's own range, short and printable.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pcrseal_core::error::Code;
use pcrseal_fuzz::nsm::{OPERATIONS, model, read, write};

fuzz_target!(|data: &[u8]| {
    let mut answered = 0;
    let mut refusals = Vec::new();
    for (operation, ask) in OPERATIONS {
        match read(ask, data) {
            Ok(fields) => {
                answered += 1;
                let written = write(operation, &fields);
                assert_eq!(read(ask, &written).as_ref(), Ok(&fields), "{operation}");
                let Some(theirs) = model(operation, data) else { continue };
                for (name, value) in &fields {
                    let mut found = theirs.iter().filter(|(key, _)| key.as_text() == Some(*name));
                    let (_, theirs) = found.next().expect("the field");
                    assert!(found.next().is_none(), "{operation}.{name} twice");
                    match *name {
                        "random" => assert!(
                            theirs.as_bytes().expect("bytes").starts_with(value.as_bytes().expect("bytes"))
                        ),
                        "locked_pcrs" => {
                            let theirs = theirs.as_array().expect("an array");
                            let ours = value.as_array().expect("an array");
                            assert!(
                                theirs.len() == ours.len() && ours.iter().all(|index| theirs.contains(index))
                            );
                        }
                        _ => assert_eq!(value, theirs, "{operation}.{name}"),
                    }
                }
            }
            Err(error) => {
                let text = error.to_string();
                assert!(text.len() < 1024 && !text.contains(char::is_control), "{text:?}");
                match error.code() {
                    // The scripted module has no room for longer answers than a real one.
                    Code::Attester => assert!(data.len() > 12_288),
                    Code::NsmAnswerMalformed => {}
                    code => refusals.push(code),
                }
            }
        }
    }
    assert!(answered <= 1, "an answer to more than one operation");
    // The module's own errors: the same whatever was asked.
    assert!(refusals.is_empty() || refusals.len() == OPERATIONS.len(), "{refusals:?}");
    assert!(refusals.iter().all(|code| (2002..=2010).contains(&code.number())), "{refusals:?}");
    assert!(refusals.windows(2).all(|pair| pair[0] == pair[1]), "{refusals:?}");
});
