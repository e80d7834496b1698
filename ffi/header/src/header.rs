//! `include/pcrseal.h`: what cbindgen reads off the sources of the C ABI, with the status codes of the one registry.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use cbindgen::{Builder, Config, DocumentationStyle, Language, Style};
use pcrseal_core::error::Code;

/// The rules, on top of the header.
const RULES: &str = include_str!("rules.h");

/// What the handles are called in Rust and in C.
const TYPES: [(&str, &str); 15] = [
    ("Status", "pcrseal_status"),
    ("Error", "pcrseal_error"),
    ("Report", "pcrseal_report"),
    ("PcrSet", "pcrseal_pcr_set"),
    ("Verifier", "pcrseal_verifier"),
    ("AttestationPolicy", "pcrseal_attestation_policy"),
    ("Attestation", "pcrseal_attestation"),
    ("Recipient", "pcrseal_recipient"),
    ("Config", "pcrseal_config"),
    ("Session", "pcrseal_session"),
    ("Cancel", "pcrseal_cancel"),
    ("Secret", "pcrseal_secret"),
    ("LogCallback", "pcrseal_log_callback"),
    ("Quorum", "pcrseal_quorum"),
    ("Attester", "pcrseal_attester"),
];

/// The header.
pub(crate) fn write(ffi: &Path) -> Result<String, Box<dyn Error>> {
    let mut config = Config {
        language: Language::C,
        style: Style::Type,
        header: Some(RULES.to_owned()),
        include_guard: Some("PCRSEAL_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stdbool.h".to_owned(), "stddef.h".to_owned(), "stdint.h".to_owned()],
        after_includes: Some(codes()),
        cpp_compat: true,
        usize_is_size_t: true,
        line_length: 118,
        documentation_style: DocumentationStyle::C99,
        ..Config::default()
    };
    config.export.rename = TYPES.map(|(rust, c)| (rust.to_owned(), c.to_owned())).into();
    config.function.must_use = Some("PCRSEAL_MUST_USE".to_owned());
    let mut header = Vec::new();
    Builder::new().with_config(config).with_crate(ffi).generate()?.write(&mut header);
    Ok(String::from_utf8(header)?)
}

/// The status codes.
fn codes() -> String {
    let mut text = String::from(
        "\n// How a call ended, as a constant. The numbers never change their meaning and are never reused.\n\
         enum {\n    // The call succeeded.\n    PCRSEAL_OK = 0,\n",
    );
    for code in Code::ALL {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    // {}.", capitalized(code.text()));
        let _ = writeln!(text, "    PCRSEAL_E_{} = {},", code.name().to_ascii_uppercase(), code.number());
    }
    text.truncate(text.trim_end_matches([',', '\n']).len());
    text.push_str("\n};\n");
    text
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}
