//! What every declaration of the header must keep to, so that whoever knows the rules at its top knows the functions.

use std::collections::BTreeSet;

use crate::declarations::{Function, Header, Kind};

/// What a header has that the conventions do not allow.
pub(crate) fn faults(text: &str) -> Vec<String> {
    let header = match Header::read(text) {
        Ok(header) => header,
        Err(fault) => return vec![fault],
    };
    let mut faults = Vec::new();
    let functions = header.functions.iter().map(|function| &function.item);
    let items = header.constants.iter().chain(&header.handles).chain(&header.types).chain(functions);
    for item in items.filter(|item| item.name != "PCRSEAL_H") {
        if item.documentation.iter().all(String::is_empty) {
            faults.push(format!("{}: not documented", item.name));
        }
        if !item.name.starts_with("pcrseal_") && !item.name.starts_with("PCRSEAL_") {
            faults.push(format!("{}: does not begin with pcrseal_ or PCRSEAL_", item.name));
        }
    }
    for handle in &header.handles {
        let free = format!("{}_free", handle.name);
        let own = Kind::Handle { of: handle.name.clone(), shared: false };
        let frees = |function: &Function| {
            function.name() == free
                && function.returns == "void"
                && matches!(function.arguments.as_slice(), [one] if one.kind == own)
        };
        if !header.functions.iter().any(frees) {
            faults.push(format!("{}: no void {free}({} *)", handle.name, handle.name));
        }
    }
    for function in &header.functions {
        let mut fault = |what: String| faults.push(format!("{}: {what}", function.name()));
        failures(function, &mut fault);
        order(function, &header, &mut fault);
        nullable(function, &mut fault);
    }
    names(text, &header, &mut faults);
    faults
}

/// What comments speak of is there: a code, a function, or with `…` several that begin so.
fn names(text: &str, header: &Header, faults: &mut Vec<String>) {
    let functions = header.functions.iter().map(|function| &function.item);
    let items = header.constants.iter().chain(&header.handles).chain(&header.types).chain(functions);
    let declared: BTreeSet<&str> = items.map(|item| item.name.as_str()).collect();
    for comment in text.lines().filter_map(|line| line.trim().strip_prefix("//")) {
        let words =
            comment.split(|character: char| !character.is_alphanumeric() && !"_…\"".contains(character));
        // In quotes it is a text.
        for word in words.filter(|word| word.starts_with("pcrseal_") || word.starts_with("PCRSEAL_")) {
            let found = match word.strip_suffix('…') {
                Some(start) => declared.iter().any(|name| name.starts_with(start)),
                None => declared.contains(word),
            };
            if !found {
                faults.push(format!("{word}: spoken of, and not declared"));
            }
        }
    }
}

/// Whoever can fail says so in one way.
fn failures(function: &Function, fault: &mut impl FnMut(String)) {
    let last = function.arguments.last();
    if function.is_fallible() {
        if function.returns != "pcrseal_status" {
            fault(format!("takes an error, and returns {}", function.returns));
        }
        if !last.is_some_and(|last| last.kind == Kind::Error && last.name == "error") {
            fault("its last argument is not `pcrseal_error **error`".to_owned());
        }
        if !function.must_use {
            fault("can fail, and is without PCRSEAL_MUST_USE".to_owned());
        }
    } else {
        // A status may be what is asked for.
        if function.returns == "pcrseal_status" && !function.name().ends_with("_status") {
            fault("returns a pcrseal_status, and takes no error".to_owned());
        }
        let gives =
            |kind: &Kind| matches!(kind, Kind::NewHandle(_) | Kind::Buffer(_) | Kind::Text | Kind::Bytes);
        if function.arguments.iter().any(|argument| gives(&argument.kind)) && function.returns != "bool" {
            fault("its arguments can be at fault, and it takes no error".to_owned());
        }
        if function.must_use {
            fault("cannot fail, and has PCRSEAL_MUST_USE".to_owned());
        }
    }
}

/// The handle, inputs, a cancel, outputs, the error.
fn order(function: &Function, header: &Header, fault: &mut impl FnMut(String)) {
    let rank = |kind: &Kind| match kind {
        Kind::Handle { of, .. } if of == "pcrseal_cancel" => 1,
        Kind::Buffer(_) | Kind::NewHandle(_) | Kind::NewNumber(_) => 2,
        Kind::Error => 3,
        _ => 0,
    };
    let ranks: Vec<_> = function.arguments.iter().map(|argument| rank(&argument.kind)).collect();
    if !ranks.is_sorted() {
        fault("its arguments are in another order than inputs, cancel, outputs, error".to_owned());
    }
    // The handle that its name begins with: the longest, since one handle's name can begin another's.
    let of_family = |name: &str| function.name().starts_with(&format!("{name}_"));
    let Some(family) =
        header.handles.iter().filter(|handle| of_family(&handle.name)).max_by_key(|handle| handle.name.len())
    else {
        return;
    };
    let first = function
        .arguments
        .first()
        .is_some_and(|first| matches!(&first.kind, Kind::Handle { of, .. } if *of == family.name));
    let makes = function
        .arguments
        .iter()
        .any(|argument| matches!(&argument.kind, Kind::NewHandle(of) if *of == family.name));
    if !first && !makes {
        fault(format!("neither takes a {} first nor makes one", family.name));
    }
}

/// "May be NULL:" names arguments that the rules do not speak of already.
fn nullable(function: &Function, fault: &mut impl FnMut(String)) {
    for name in function.nullable() {
        let argument = function.arguments.iter().find(|argument| argument.name == name);
        let by_rule =
            |kind: &Kind| matches!(kind, Kind::Number(_) | Kind::Bytes | Kind::Buffer(_) | Kind::Error);
        match argument {
            None => fault(format!("may be NULL: {name}, which is no argument of it")),
            Some(argument) if !function.is_fallible() || by_rule(&argument.kind) => {
                fault(format!("may be NULL: {name}, of which the rules speak already"));
            }
            Some(_) => {}
        }
    }
    let user_data = |kind: &Kind| *kind == Kind::UserData;
    for argument in function.arguments.iter().filter(|argument| user_data(&argument.kind)) {
        if !function.nullable().contains(argument.name.as_str()) {
            fault(format!(
                "{} is handed on to a callback: it may be NULL, and is not said to be",
                argument.name
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "\
// A thing.
typedef struct pcrseal_thing pcrseal_thing;
// An error of the \"pcrseal_text\", for `pcrseal_error_free` and `pcrseal_thing_…`.
typedef struct pcrseal_error pcrseal_error;
// A cancel.
typedef struct pcrseal_cancel pcrseal_cancel;

// Frees.
void pcrseal_thing_free(pcrseal_thing *thing);

// Frees.
void pcrseal_error_free(pcrseal_error *error);

// Frees.
void pcrseal_cancel_free(pcrseal_cancel *cancel);

// Makes one.
// May be NULL: text, cancel.
PCRSEAL_MUST_USE
pcrseal_status pcrseal_thing_new(const char *text, const pcrseal_cancel *cancel, pcrseal_thing **thing,
                                 pcrseal_error **error);
";

    #[test]
    fn a_header_that_keeps_to_the_conventions_has_no_faults() {
        assert_eq!(faults(GOOD), [""; 0]);
    }

    /// Each is one change of the good header, and what it is called.
    #[test]
    fn each_fault_is_found() {
        for (good, bad, what) in [
            ("// A thing.\n", "", "pcrseal_thing: not documented"),
            ("// Makes one.\n// May be NULL: text, cancel.\n", "", "pcrseal_thing_new: not documented"),
            ("// A cancel.\n", "// A cancel.\n#define OTHER 1\n", "OTHER: does not begin"),
            ("void pcrseal_thing_free", "void pcrseal_thing_drop", "no void pcrseal_thing_free"),
            (
                "thing_free(pcrseal_thing *thing)",
                "thing_free(const pcrseal_thing *thing)",
                "no void pcrseal_thing_free",
            ),
            ("PCRSEAL_MUST_USE\n", "", "without PCRSEAL_MUST_USE"),
            ("pcrseal_status pcrseal_thing_new", "uint32_t pcrseal_thing_new", "returns uint32_t"),
            ("pcrseal_error **error)", "pcrseal_error **fault)", "its last argument"),
            (",\n                                 pcrseal_error **error)", ")", "takes no error"),
            (
                "const pcrseal_cancel *cancel, pcrseal_thing **thing",
                "pcrseal_thing **thing, const pcrseal_cancel *cancel",
                "order",
            ),
            (
                "const char *text, const pcrseal_cancel *cancel",
                "const pcrseal_cancel *cancel, const char *text",
                "order",
            ),
            ("NULL: text", "NULL: texts", "no argument of it"),
            ("NULL: text", "NULL: error", "speak already"),
            ("pcrseal_thing_new(", "pcrseal_error_new(", "neither takes"),
            ("// Makes one.", "// Makes one, or `PCRSEAL_E_NEVER`.", "PCRSEAL_E_NEVER: spoken of"),
            ("// Makes one.", "// Makes one; see pcrseal_cancel_other().", "pcrseal_cancel_other: spoken of"),
            ("// Makes one.", "// Makes one, or a `PCRSEAL_E_…` code.", "PCRSEAL_E_…: spoken of"),
            (
                "NULL: text, cancel.\nPCRSEAL_MUST_USE\npcrseal_status pcrseal_thing_new(const char *text",
                "NULL: cancel.\nPCRSEAL_MUST_USE\npcrseal_status pcrseal_thing_new(void *text",
                "text is handed on",
            ),
            (
                "// Frees.\nvoid pcrseal_thing",
                "// Frees.\nPCRSEAL_MUST_USE void pcrseal_thing",
                "cannot fail",
            ),
        ] {
            let text = GOOD.replacen(good, bad, 1);
            assert_ne!(text, GOOD, "{what}");
            let found = faults(&text);
            assert!(found.iter().any(|fault| fault.contains(what)), "{what}: {found:?}");
        }
    }
}
