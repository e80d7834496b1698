//! Writes the C program that calls every function of the header with each of its arguments at fault in turn. It is made
//! from the header, so that no function can be forgotten: one whose arguments have no value here is an error.
//!
//! `ffi/tests/c/arguments.h` has what the program rests on, `ffi/tests/c/world.h` its handles.

use std::fmt::Write;

use crate::declarations::{Argument, Function, Header, Kind};

/// The program.
pub(crate) fn program(header: &str) -> Result<String, String> {
    let header = Header::read(header)?;
    let mut program = String::from(
        "/* Written by `cargo run -p pcrseal-header -- arguments`. */\n#include \"arguments.h\"\n",
    );
    for function in &header.functions {
        let test = if function.is_fallible() { fallible(function)? } else { infallible(function)? };
        program.push_str(&test);
    }
    program.push_str("\nint main(void)\n{\n    world_open();\n");
    for function in &header.functions {
        push(&mut program, format_args!("    test_{}();\n", function.name()));
    }
    push(
        &mut program,
        format_args!(
            "    done_with_handles();\n    world_close();\n    return test_result(\"{} functions\");\n}}\n",
            header.functions.len()
        ),
    );
    Ok(program)
}

/// One call: what is wrong with it, the statements that make it so, and the status that it must end with.
struct Case {
    what: String,
    statements: String,
    status: String,
}

/// The test of a function that can fail.
fn fallible(function: &Function) -> Result<String, String> {
    let name = function.name();
    let outcome = outcome(name);
    let mut cases = vec![case("valid arguments", "", outcome)];
    for argument in &function.arguments {
        cases.extend(faults(function, argument, outcome));
    }
    let mut test = format!("\nstatic void test_{name}(void)\n{{\n    int fault;\n\n");
    push(&mut test, format_args!("    for (fault = 0; fault < {}; fault++) {{\n", cases.len()));
    let declared: Result<Vec<String>, String> =
        function.arguments.iter().map(|argument| declaration(name, argument)).collect();
    for line in declared?.iter().flat_map(|lines| lines.lines()) {
        push(&mut test, format_args!("        {line}\n"));
    }
    test.push_str(
        "        pcrseal_status status, expected = PCRSEAL_OK;\n        const char *what = NULL;\n\n",
    );
    test.push_str("        buffers_fill();\n        switch (fault) {\n");
    for (number, case) in cases.iter().enumerate() {
        push(
            &mut test,
            format_args!(
                "        case {number}: what = \"{name}: {}\"; {}expected = {}; break;\n",
                case.what, case.statements, case.status
            ),
        );
    }
    test.push_str("        }\n");
    // What may be NULL is left out: where everything takes fifty times as long, one call that does its work is enough.
    push(&mut test, format_args!("        if (fault > 0 && expected == {outcome} && is_brief()) {{\n"));
    for Argument { name, kind } in &function.arguments {
        if let Kind::Handle { of, shared: false } = kind {
            let unused = if is_costly(of) { "keep" } else { "free" };
            push(&mut test, format_args!("            {of}_{unused}({name}_made);\n"));
        }
    }
    test.push_str("            continue;\n        }\n");
    push(&mut test, format_args!("        status = {name}({});\n", passed(function)));
    test.push_str("        CHECK_STATUS(what, status, expected);\n");
    for argument in &function.arguments {
        test.push_str(&check(argument));
    }
    test.push_str("    }\n}\n");
    Ok(test)
}

/// The test of a function that cannot: NULL and misaligned pointers are answered with NULL or 0.
fn infallible(function: &Function) -> Result<String, String> {
    let name = function.name();
    let mut test = format!("\nstatic void test_{name}(void)\n{{\n");
    let returns = function.returns.as_str();
    let zero = match name {
        // "Nobody measured them."
        "pcrseal_report_milliseconds" => "-1",
        _ if returns.ends_with('*') => "NULL",
        _ => "0",
    };
    for argument in &function.arguments {
        // Handles of its own: it may change or free them.
        let declaration = match &argument.kind {
            Kind::Handle { of, .. } => {
                format!("{of} *{0}_made = make_{of}(), *{0} = {0}_made;", argument.name)
            }
            _ => declaration(name, argument)?,
        };
        for line in declaration.lines() {
            push(&mut test, format_args!("    {line}\n"));
        }
    }
    test.push('\n');
    let mut pointers = Vec::new();
    for argument in &function.arguments {
        let one = &argument.name;
        match &argument.kind {
            Kind::Handle { .. } | Kind::NewNumber(_) => {
                pointers.push((one, "NULL".to_owned()));
                pointers.push((one, format!("MISALIGNED({one})")));
            }
            Kind::Text | Kind::Overwritten => pointers.push((one, "NULL".to_owned())),
            _ => {}
        }
    }
    for (one, bad) in pointers {
        let arguments = passed(function)
            .split(", ")
            .map(|each| if each == one { bad.as_str() } else { each })
            .collect::<Vec<_>>()
            .join(", ");
        if returns == "void" {
            push(&mut test, format_args!("    {name}({arguments});\n"));
        } else {
            push(&mut test, format_args!("    CHECK({name}({arguments}) == {zero});\n"));
        }
        for output in function.arguments.iter().filter(|argument| matches!(argument.kind, Kind::NewNumber(_)))
        {
            let expected = if output.name == *one { "GARBAGE_NUMBER" } else { "0" };
            push(
                &mut test,
                format_args!(
                    "    CHECK({0}_value == {expected});\n    {0}_value = GARBAGE_NUMBER;\n",
                    output.name
                ),
            );
        }
    }
    let call = format!("{name}({})", passed(function));
    push(&mut test, format_args!("    {}{call};\n", if returns == "void" { "" } else { "(void)" }));
    for argument in function.arguments.iter().filter(|_| !name.ends_with("_free")) {
        if let Kind::Handle { of, .. } = &argument.kind {
            push(&mut test, format_args!("    {of}_free({}_made);\n", argument.name));
        }
    }
    test.push_str("}\n");
    Ok(test)
}

fn case(what: impl Into<String>, statements: impl Into<String>, status: &str) -> Case {
    Case { what: what.into(), statements: statements.into(), status: status.to_owned() }
}

/// What can be wrong with an argument.
fn faults(function: &Function, argument: &Argument, outcome: &str) -> Vec<Case> {
    let name = &argument.name;
    let null_is = |status| match (function.name(), name.as_str()) {
        // It then depends on whether this machine is an enclave.
        ("pcrseal_attester_open", "config") => "ANY_STATUS",
        (_, name) if function.nullable().contains(name) => outcome,
        _ => status,
    };
    let set = |value: &str| format!("{name} = {value}; ");
    let null = |status| case(format!("{name} is NULL"), set("NULL"), null_is(status));
    let misaligned = || {
        case(
            format!("{name} is misaligned"),
            set(&format!("MISALIGNED({name})")),
            "PCRSEAL_E_MISALIGNED_POINTER",
        )
    };
    let too_long = |length: &str| {
        case(
            format!("{length} is beyond PTRDIFF_MAX"),
            format!("{length} = TOO_LONG; "),
            "PCRSEAL_E_INPUT_LENGTH",
        )
    };
    match &argument.kind {
        Kind::Handle { .. } => vec![null("PCRSEAL_E_NULL_POINTER"), misaligned()],
        Kind::Text => vec![
            null("PCRSEAL_E_NULL_POINTER"),
            case(format!("{name} is too long"), set("text_without_end()"), "PCRSEAL_E_INPUT_LENGTH"),
            case(format!("{name} is not UTF-8"), set("\"\\xff\""), "PCRSEAL_E_TEXT_ENCODING"),
        ],
        Kind::Callback(_) | Kind::UserData => vec![null("PCRSEAL_E_NULL_POINTER")],
        Kind::Number(_) | Kind::Overwritten => Vec::new(),
        Kind::Bytes => {
            let mut cases = vec![
                case(
                    format!("{name} is NULL and not empty"),
                    format!("{name} = NULL; {name}_len = 1; "),
                    "PCRSEAL_E_NULL_POINTER",
                ),
                case(
                    format!("{name} is (NULL, 0)"),
                    format!("{name} = NULL; {name}_len = 0; "),
                    "ANY_STATUS",
                ),
                case(format!("{name} is empty"), format!("{name}_len = 0; "), "ANY_STATUS"),
                too_long(&format!("{name}_len")),
            ];
            for other in &function.arguments {
                if matches!(other.kind, Kind::Buffer(_)) {
                    cases.push(case(
                        format!("{} overlaps {name}", other.name),
                        format!("{0} = (void *)(uintptr_t){name}; ", other.name),
                        "PCRSEAL_E_OVERLAP",
                    ));
                }
            }
            cases
        }
        Kind::Buffer(_) => vec![
            case(
                format!("{name} is NULL and not empty"),
                format!("{name} = NULL; "),
                "PCRSEAL_E_NULL_POINTER",
            ),
            case(
                format!("{name} is (NULL, 0)"),
                format!("{name} = NULL; {name}_capacity = 0; "),
                if outcome == "PCRSEAL_OK" { "PCRSEAL_E_BUFFER_TOO_SMALL" } else { "ANY_STATUS" },
            ),
            case(
                format!("{name} is empty"),
                format!("{name}_capacity = 0; "),
                if outcome == "PCRSEAL_OK" { "PCRSEAL_E_BUFFER_TOO_SMALL" } else { "ANY_STATUS" },
            ),
            too_long(&format!("{name}_capacity")),
            case(format!("{name}_len is NULL"), format!("{name}_len = NULL; "), "PCRSEAL_E_NULL_POINTER"),
            case(
                format!("{name}_len is misaligned"),
                format!("{name}_len = MISALIGNED({name}_len); "),
                "PCRSEAL_E_MISALIGNED_POINTER",
            ),
            case(
                format!("{name}_len is within {name}"),
                format!("{name}_len = (void *){name}; "),
                "PCRSEAL_E_OVERLAP",
            ),
        ],
        Kind::NewHandle(_) | Kind::NewNumber(_) => vec![
            null("PCRSEAL_E_NULL_POINTER"),
            misaligned(),
            case(format!("{name} is error"), set("(void *)&error_value"), "PCRSEAL_E_OVERLAP"),
        ],
        Kind::Error => vec![
            case("error is NULL", set("NULL"), outcome),
            case("error is misaligned", "error = MISALIGNED(error); ", "PCRSEAL_E_MISALIGNED_POINTER"),
        ],
    }
}

/// The variables of an argument, with good values.
fn declaration(function: &str, argument: &Argument) -> Result<String, String> {
    let name = &argument.name;
    let value = || {
        value(function, argument).ok_or_else(|| {
            format!("{function}: no value is known for {name}: add one to ffi/header/src/arguments.rs")
        })
    };
    Ok(match &argument.kind {
        Kind::Handle { .. } if function == "pcrseal_host_unseal_begin" => {
            format!("const pcrseal_session *{name} = world.host_session;")
        }
        Kind::Handle { of, shared: true } => format!("const {of} *{name} = shared_{of}();"),
        Kind::Handle { of, shared: false } => {
            let make = if is_costly(of) { "kept_or_made" } else { "make" };
            format!("{of} *{name}_made = {make}_{of}(), *{name} = {name}_made;")
        }
        Kind::Text => format!("const char *{name} = {};", value()?),
        Kind::Bytes => {
            let value = value()?;
            format!("const uint8_t *{name} = {value}.data;\nsize_t {name}_len = {value}.len;")
        }
        Kind::Overwritten => {
            format!("uint8_t *{name} = buffers.{name};\nsize_t {name}_len = sizeof buffers.{name};")
        }
        Kind::Number(of) | Kind::Callback(of) => format!("{of} {name} = {};", value()?),
        Kind::UserData => format!("void *{name} = {};", value()?),
        Kind::Buffer(of) => format!(
            "{of} *{name} = ({of} *)buffers.output;\nsize_t {name}_capacity = sizeof buffers.output;\n\
             size_t {name}_len_value = GARBAGE_NUMBER, *{name}_len = &{name}_len_value;"
        ),
        Kind::NewHandle(of) => format!("{of} *{name}_value = GARBAGE, **{name} = &{name}_value;"),
        Kind::NewNumber(of) => format!("{of} {name}_value = ({of})GARBAGE_NUMBER, *{name} = &{name}_value;"),
        Kind::Error => "pcrseal_error *error_value = GARBAGE, **error = &error_value;".to_owned(),
    })
}

/// What is looked at, and freed, after a call.
fn check(argument: &Argument) -> String {
    let name = &argument.name;
    let check = match &argument.kind {
        Kind::Handle { of, shared: false } if is_costly(of) => format!("done_with_{of}({name}_made, status)"),
        Kind::Handle { of, shared: false } => format!("{of}_free({name}_made)"),
        Kind::Buffer(_) => format!("CHECK_BUFFER(what, status, {name}, {name}_capacity, {name}_len)"),
        Kind::NewHandle(of) => format!("CHECK_NEW_HANDLE(what, status, {name}, {of})"),
        Kind::NewNumber(_) => format!("CHECK_NEW_NUMBER(what, status, {name})"),
        Kind::Error => "CHECK_ERROR(what, status)".to_owned(),
        _ => return String::new(),
    };
    format!("        {check};\n")
}

/// Whether a handle is worth keeping for the next case where a call has refused its arguments, and left it as it was.
fn is_costly(handle: &str) -> bool {
    handle == "pcrseal_host_unseal"
}

/// The arguments as they are passed.
fn passed(function: &Function) -> String {
    let names = function.arguments.iter().map(|Argument { name, kind }| match kind {
        Kind::Bytes | Kind::Overwritten => format!("{name}, {name}_len"),
        Kind::Buffer(_) => format!("{name}, {name}_capacity, {name}_len"),
        _ => name.clone(),
    });
    names.collect::<Vec<_>>().join(", ")
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(arguments);
}

/// What a call with good values ends with: not every one can succeed without more.
fn outcome(function: &str) -> &'static str {
    match function {
        // The key is the sealing quorum's own.
        "pcrseal_retire_key" | "pcrseal_confirm_retired_key" => "PCRSEAL_E_KEY_IN_USE",
        // KMS makes what it opens for a recipient whose private key only KMS's caller has.
        "pcrseal_recipient_open" => "PCRSEAL_E_CMS_ELEMENT",
        // KMS has denied access.
        "pcrseal_host_unseal_answer_from_authenticated_kms" => "PCRSEAL_E_KMS_ACCESS_DENIED",
        // No answer has come in.
        "pcrseal_host_unseal_finish" => "PCRSEAL_E_QUORUM_NOT_REACHED",
        _ => "PCRSEAL_OK",
    }
}

/// A good value: a C expression, for bytes of type `struct bytes`.
#[allow(clippy::match_same_arms, reason = "that some are equal is chance")]
fn value(function: &str, argument: &Argument) -> Option<&'static str> {
    Some(match (function, argument.name.as_str()) {
        (_, "status") => "PCRSEAL_E_PCR_DRIFT",
        (_, "row" | "pcr" | "index") => "0",
        ("pcrseal_has_feature", "name") => "\"log\"",
        ("pcrseal_attestation_policy_new", "kind") => "PCRSEAL_ATTESTATION_ENCLAVE",
        ("pcrseal_attestation_policy_require_public_key", "public_key") => "BYTES(\"a public key\")",
        (_, "module_id") => "\"i-1234567890abcdef0-enc0123456789abcdef\"",
        (_, "instance_id") => "\"i-1234567890abcdef0\"",
        (_, "max_age_ms" | "clock_skew_ms") => "1000",
        (_, "serial") => "BYTES(\"\\x01\\x02\")",
        (_, "public_key" | "user_data" | "nonce") if argument.kind == Kind::Bytes => "BYTES(\"some bytes\")",
        (_, "threshold") => "2",
        (_, "shares_count") => "3",
        (_, "shares") => "world.shares",
        ("pcrseal_quorum_new", "wrapping") => "PCRSEAL_WRAPPING_ATTESTED",
        ("pcrseal_quorum_add_key", "key_arn") => {
            "\"arn:aws:kms:sa-east-1:111122223333:key/11111111-2222-3333-4444-555555555555\""
        }
        (_, "key_arn") => "world.key_arn",
        (_, "cluster") => "\"emulator\"",
        ("pcrseal_config_from_json", "json") => "world.config_json",
        ("pcrseal_pcr_set_from_measurements_json", "json") => "world.measurements_json",
        ("pcrseal_pcr_set_insert" | "pcrseal_attestation_policy_require_pcr", "value") => "world.pcr_value",
        (_, "minimum_generation" | "attempts") => "1",
        (_, "selection") => "7",
        (_, "seal_id") => "BYTES(\"0123456789abcdef\")",
        (_, "external_aad") => "BYTES(\"external data\")",
        ("pcrseal_config_set_nitro_tpm", "tool") => "\"/usr/bin/nitro-tpm-attest\"",
        (_, "path") => "\"/run/some-socket\"",
        (_, "clock") => "PCRSEAL_CLOCK_SYSTEM",
        (_, "region") => "\"eu-west-1\"",
        ("pcrseal_config_set_endpoint", "url") => "\"https://kms.example.com\"",
        (_, "cid" | "vsock_cid") => "3",
        (_, "port" | "vsock_port") => "8001",
        (_, "pem") => "world.root_pem",
        (_, "access_key_id") => "\"AKIAIOSFODNN7EXAMPLE\"",
        (_, "secret_access_key") => "BYTES(\"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\")",
        (_, "session_token") => "BYTES(\"token\")",
        (_, "role") => "\"some-role\"",
        ("pcrseal_config_set_container_credentials", "url") => "\"http://169.254.170.2/credentials\"",
        ("pcrseal_config_set_container_credentials", "token") => "\"/run/some-token\"",
        (_, "stage") => "PCRSEAL_STAGE_TLS",
        (
            "pcrseal_host_unseal_answer_from_authenticated_kms" | "pcrseal_host_unseal_failed",
            "milliseconds",
        ) => "-1",
        (_, "milliseconds") => "1000",
        (_, "callback") => "count_messages",
        (_, "user_data") => "&world",
        (_, "most_verbose") => "PCRSEAL_LOG_TRACE",
        (_, "secret_len") => "32",
        ("pcrseal_shamir_split" | "pcrseal_import_vouched", "secret") => "world.secret",
        ("pcrseal_drop_binding", "blob") => "world.both",
        (_, "blob" | "old_blob") => "world.blob",
        ("pcrseal_verifier_new", "roots_der") => "world.root_der",
        (_, "document") => "world.document",
        (_, "at_ms") => "world.now_ms",
        ("pcrseal_recipient_open", "ciphertext_for_recipient") => "BYTES(\"no message of KMS\")",
        (_, "host") => "\"localhost\"",
        (_, "unix_seconds") => "1700000000",
        (_, "position") => "1",
        (_, "http_status") => "400",
        (_, "request_id") => "\"a request id\"",
        (_, "body") => "BYTES(\"{\\\"__type\\\":\\\"AccessDeniedException\\\"}\")",
        (_, "outcome") => "PCRSEAL_OUTCOME_TIMEOUT",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREES: &str = "typedef struct pcrseal_error pcrseal_error;\n";

    #[test]
    fn an_argument_without_a_value_is_an_error() {
        let with = |name| {
            program(&format!(
                "{FREES}PCRSEAL_MUST_USE pcrseal_status pcrseal_do(uint32_t {name}, pcrseal_error **error);\n"
            ))
        };
        assert!(with("port").is_ok());
        assert!(with("never_heard_of").unwrap_err().contains("never_heard_of"));
    }

    #[test]
    fn every_function_is_called_by_main() {
        let program = program(&format!("{FREES}void pcrseal_error_free(pcrseal_error *error);\n")).unwrap();
        assert!(program.contains("    test_pcrseal_error_free();\n"), "{program}");
        assert!(program.contains("pcrseal_error_free(NULL);\n"), "{program}");
    }
}
