//! `go/codes.go`: the status codes as Go constants, and the table of their names and texts.

use std::fmt::Write;

use pcrseal_core::error::Code;

/// Longest line, a tab counted as four columns.
const MAX_LINE_LEN: usize = 110;
/// Words that Go writes in capitals (Go Code Review Comments, "Initialisms"), as they stand in the variants' names.
const INITIALISMS: [(&str, &str); 20] = [
    ("Aad", "AAD"),
    ("Abi", "ABI"),
    ("Arn", "ARN"),
    ("Cbor", "CBOR"),
    ("Cms", "CMS"),
    ("Cose", "COSE"),
    ("Http", "HTTP"),
    ("Id", "ID"),
    ("Iv", "IV"),
    ("Json", "JSON"),
    ("Kms", "KMS"),
    ("Nsm", "NSM"),
    ("Oaep", "OAEP"),
    ("Pcr", "PCR"),
    ("Pcrs", "PCRs"),
    ("Sha1", "SHA1"),
    ("Tls", "TLS"),
    ("Tpm", "TPM"),
    ("Uri", "URI"),
    ("Url", "URL"),
];

/// The file, as gofmt has it.
pub(crate) fn codes() -> String {
    let mut text = String::from(
        "// Code generated from core/src/error.rs by `cargo run -p pcrseal-header`; DO NOT EDIT.\n\npackage pcrseal\n\n\
         // The status codes. Numbers and names never change their meaning and are never reused.\nconst (\n",
    );
    for &code in Code::ALL {
        comment(&mut text, &format!("{}: {}.", constant(code), code.text()));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\t{} Code = {}", constant(code), code.number());
    }
    text.push_str(")\n\n// codeTable has every code, in ascending order.\nvar codeTable = [...]codeEntry{\n");
    for &code in Code::ALL {
        let start = format!("{{{}, {:?},", constant(code), code.name());
        let line = format!("{start} {:?}}},", code.text());
        let _ = if 4 + line.chars().count() <= MAX_LINE_LEN {
            writeln!(text, "\t{line}")
        } else {
            writeln!(text, "\t{start}\n\t\t{:?}}},", code.text())
        };
    }
    text.push_str("}\n");
    text
}

/// The constant of a code: `CodePCRDrift` of `PcrDrift`.
fn constant(code: Code) -> String {
    let variant = format!("{code:?}");
    let mut name = String::from("Code");
    let mut rest = variant.as_str();
    while !rest.is_empty() {
        let next = rest.char_indices().skip(1).find(|(_, character)| character.is_ascii_uppercase());
        let (word, after) = rest.split_at(next.map_or(rest.len(), |(at, _)| at));
        name.push_str(INITIALISMS.iter().find(|(plain, _)| *plain == word).map_or(word, |(_, go)| go));
        rest = after;
    }
    name
}

/// A comment within a block, wrapped.
fn comment(text: &mut String, words: &str) {
    let mut column = usize::MAX;
    for word in words.split(' ') {
        let len = word.chars().count();
        if column.saturating_add(len + 1) > MAX_LINE_LEN {
            text.push_str(if column == usize::MAX { "\t//" } else { "\n\t//" });
            column = 6;
        }
        text.push(' ');
        text.push_str(word);
        column += len + 1;
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_go_writes_in_capitals() {
        assert_eq!(constant(Code::PcrDrift), "CodePCRDrift");
        assert_eq!(constant(Code::ReleasePcrs), "CodeReleasePCRs");
        assert_eq!(constant(Code::KmsKeyId), "CodeKMSKeyID");
        assert_eq!(constant(Code::CmsOaepSha1), "CodeCMSOAEPSHA1");
        assert_eq!(constant(Code::AttestationCabundle), "CodeAttestationCabundle");
        // `Id` is a word there, not a part of one.
        assert_eq!(constant(Code::CmsKeyIdentifier), "CodeCMSKeyIdentifier");
    }

    #[test]
    fn no_line_is_too_long() {
        for line in codes().lines() {
            let columns = line.replace('\t', "    ").chars().count();
            // A sentence of the table stands in one line of its own.
            assert!(columns <= MAX_LINE_LEN || line.starts_with("\t\t\""), "{columns}: {line}");
        }
    }
}
