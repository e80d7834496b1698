//! `go/codes.go`: the status codes as Go constants.

use std::fmt::Write;

use pcrseal_core::error::Code;

/// The file.
pub(crate) fn codes() -> String {
    let mut text = String::from(
        "// Code generated from core/src/error.rs by `cargo run -p pcrseal-header`; DO NOT EDIT.\n\npackage pcrseal\n\n\
         // The status codes. Numbers and names never change their meaning and are never reused.\nconst (\n",
    );
    for code in Code::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\t// Code{code:?}: {}.", code.text());
        let _ = writeln!(text, "\tCode{code:?} Code = {}", code.number());
    }
    text.push_str(")\n");
    text
}
