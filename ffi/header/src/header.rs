//! `include/pcrseal.h`: what cbindgen reads off the sources of the C ABI, with the status codes of the one registry.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use cbindgen::{Builder, Config, DocumentationStyle, Language, Style};
use pcrseal_core::error::Code;

use crate::declarations::Header;

/// Longest line, in characters.
const LINE_LEN: usize = 120;

/// The rules, on top of the header.
const RULES: &str = include_str!("rules.h");

/// What the handles are called in Rust and in C.
const TYPES: &[(&str, &str)] = &[
    ("Status", "pcrseal_status"),
    ("Error", "pcrseal_error"),
    ("Report", "pcrseal_report"),
    ("PcrSet", "pcrseal_pcr_set"),
    ("Verifier", "pcrseal_verifier"),
    ("AttestationPolicy", "pcrseal_attestation_policy"),
    ("Attestation", "pcrseal_attestation"),
    ("Recipient", "pcrseal_recipient"),
    ("Quorum", "pcrseal_quorum"),
    ("Config", "pcrseal_config"),
    ("Attester", "pcrseal_attester"),
    ("Session", "pcrseal_session"),
    ("Cancel", "pcrseal_cancel"),
    ("Secret", "pcrseal_secret"),
    ("HostUnseal", "pcrseal_host_unseal"),
    ("KmsRequest", "pcrseal_kms_request"),
    ("LogCallback", "pcrseal_log_callback"),
];

/// What a function is marked with whose result must be looked at, and how the compilers are told.
const MUST_USE: &str = "PCRSEAL_MUST_USE";
const MUST_USE_MACRO: &str = "
// Lets the compiler warn where the status of a function is not looked at.
#if defined(__cplusplus) && __cplusplus >= 201703L
#define PCRSEAL_MUST_USE [[nodiscard]]
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 202311L
#define PCRSEAL_MUST_USE [[nodiscard]]
#elif defined(__GNUC__)
#define PCRSEAL_MUST_USE __attribute__((warn_unused_result))
#else
#define PCRSEAL_MUST_USE
#endif
";

/// The header.
pub(crate) fn write(ffi: &Path) -> Result<String, Box<dyn Error>> {
    let mut config = Config {
        language: Language::C,
        style: Style::Type,
        header: Some(RULES.to_owned()),
        include_guard: Some("PCRSEAL_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stdbool.h".to_owned(), "stddef.h".to_owned(), "stdint.h".to_owned()],
        after_includes: Some(format!("{MUST_USE_MACRO}{}", codes())),
        cpp_compat: true,
        usize_is_size_t: true,
        line_length: LINE_LEN,
        documentation_style: DocumentationStyle::C99,
        ..Config::default()
    };
    config.export.rename = TYPES.iter().map(|(rust, c)| ((*rust).to_owned(), (*c).to_owned())).collect();
    let mut header = Vec::new();
    Builder::new().with_config(config).with_crate(ffi).generate()?.write(&mut header);
    let header = with_must_use(String::from_utf8(header)?)?;
    Ok(header.replacen("\n\n\n#ifndef", "\n\n#ifndef", 1))
}

/// Puts `PCRSEAL_MUST_USE` before every function that can fail.
fn with_must_use(mut header: String) -> Result<String, String> {
    for function in Header::read(&header)?.functions.iter().filter(|function| function.is_fallible()) {
        let declaration = format!("\npcrseal_status {}(", function.name());
        header = header.replacen(&declaration, &format!("\n{MUST_USE}{declaration}"), 1);
    }
    Ok(header)
}

/// The status codes.
fn codes() -> String {
    let mut text = String::from(
        "\n// How a call ended, as a constant. The numbers never change their meaning and are never reused.\n\
         enum {\n    // The call succeeded.\n    PCRSEAL_OK = 0,\n",
    );
    for code in Code::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", comment(&format!("{}.", capitalized(code.text()))));
        let _ = writeln!(text, "    PCRSEAL_E_{} = {},", code.name().to_ascii_uppercase(), code.number());
    }
    text.truncate(text.trim_end_matches([',', '\n']).len());
    text.push_str("\n};\n");
    text
}

/// A comment within the enum, in lines of at most [`LINE_LEN`] characters.
fn comment(text: &str) -> String {
    let mut lines = vec![String::from("    //")];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= LINE_LEN => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("    // {word}")),
        }
    }
    lines.join("\n")
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
