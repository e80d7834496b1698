//! Reads the header: what it declares, and what it says about it. It knows the form that cbindgen writes, and refuses
//! every other: what it does not know, no test would look at.

use std::collections::BTreeSet;
use std::mem::take;

/// What a header declares.
#[derive(Default)]
pub(crate) struct Header {
    pub(crate) constants: Vec<Item>,
    /// `typedef struct x x;`
    pub(crate) handles: Vec<Item>,
    /// Every other type.
    pub(crate) types: Vec<Item>,
    pub(crate) functions: Vec<Function>,
}

/// A name, and the lines of comment above it.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) documentation: Vec<String>,
}

pub(crate) struct Function {
    pub(crate) item: Item,
    pub(crate) must_use: bool,
    pub(crate) returns: String,
    pub(crate) arguments: Vec<Argument>,
}

/// One argument, or those that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// What an argument is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `const x *` (shared) or `x *`, where `x` is a handle.
    Handle { of: String, shared: bool },
    /// `const char *x`
    Text,
    /// `const uint8_t *x, size_t x_len`
    Bytes,
    /// `uint8_t *x, size_t x_len`: bytes that the call overwrites.
    Overwritten,
    /// A number: its type.
    Number(String),
    /// A pointer to a function: its type.
    Callback(String),
    /// `void *x`, handed on to a callback.
    UserData,
    /// `uint8_t *x, size_t x_capacity, size_t *x_len`, or the same of `char`: its type.
    Buffer(String),
    /// `x **`, where `x` is a handle.
    NewHandle(String),
    /// Where a number goes: its type.
    NewNumber(String),
    /// `pcrseal_error **error`
    Error,
}

const NUMBERS: [&str; 6] = ["size_t", "uint32_t", "uint64_t", "int64_t", "bool", "pcrseal_status"];

impl Function {
    pub(crate) fn name(&self) -> &str {
        &self.item.name
    }

    /// Whether it can fail.
    pub(crate) fn is_fallible(&self) -> bool {
        self.arguments.iter().any(|argument| argument.kind == Kind::Error)
    }

    /// The arguments that its documentation lets be NULL.
    pub(crate) fn nullable(&self) -> BTreeSet<&str> {
        let names = self.item.documentation.iter().filter_map(|line| line.strip_prefix("May be NULL: "));
        let names = names.flat_map(|names| names.trim_end_matches('.').split(", "));
        names.map(|name| name.trim_matches('`')).collect()
    }
}

impl Header {
    /// Reads a header.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut header = Self::default();
        let mut documentation = Vec::new();
        let mut declaration = String::new();
        let mut in_enum = false;
        for line in text.lines() {
            let code = line.trim();
            if let Some(comment) = code.strip_prefix("//") {
                documentation.push(comment.trim().to_owned());
            } else if let Some(define) = code.strip_prefix("#define ") {
                let name = define.split([' ', '(']).next().unwrap_or_default();
                // Not taken: another branch of an #if may define it too.
                header.constants.push(Item { name: name.into(), documentation: documentation.clone() });
            } else if code.starts_with("#endif") || code.starts_with("extern \"C\"") || code.starts_with('}')
            {
                (in_enum, documentation) = (false, Vec::new());
            } else if code == "enum {" {
                (in_enum, documentation) = (true, Vec::new());
            } else if in_enum {
                let name = code.split(' ').next().unwrap_or_default();
                header.constants.push(Item { name: name.into(), documentation: take(&mut documentation) });
            } else if code.starts_with('#') {
                // The branches of an #if: each is read.
            } else if code.is_empty() {
                documentation.clear();
            } else {
                declaration.push_str(code);
                declaration.push(' ');
                if code.ends_with(';') {
                    header.declare(declaration.trim().trim_end_matches(';'), take(&mut documentation))?;
                    declaration.clear();
                }
            }
        }
        if declaration.is_empty() { Ok(header) } else { Err(format!("no end: {declaration}")) }
    }

    fn declare(&mut self, declaration: &str, documentation: Vec<String>) -> Result<(), String> {
        let unknown = || format!("not a declaration of a known form: {declaration}");
        if let Some(definition) = declaration.strip_prefix("typedef ") {
            let pointer = definition.split_once("(*").and_then(|(_, rest)| rest.split_once(')'));
            let name =
                pointer.map_or(definition.rsplit(' ').next(), |(name, _)| Some(name)).ok_or_else(unknown)?;
            let item = Item { name: name.to_owned(), documentation };
            if definition.starts_with("struct ") { &mut self.handles } else { &mut self.types }.push(item);
            return Ok(());
        }
        let must_use = declaration.starts_with("PCRSEAL_MUST_USE ");
        let declaration = declaration.trim_start_matches("PCRSEAL_MUST_USE ");
        let (start, parameters) =
            declaration.strip_suffix(')').and_then(|rest| rest.split_once('(')).ok_or_else(unknown)?;
        let (returns, name) = variable(start).ok_or_else(unknown)?;
        let parameters = if parameters == "void" { Vec::new() } else { parameters.split(',').collect() };
        let parameters: Vec<(String, &str)> = parameters
            .into_iter()
            .map(|one| variable(one.trim()).ok_or_else(unknown))
            .collect::<Result<_, _>>()?;
        let arguments = self.arguments(&parameters).map_err(|fault| format!("{name}: {fault}"))?;
        let item = Item { name: name.to_owned(), documentation };
        self.functions.push(Function { item, must_use, returns, arguments });
        Ok(())
    }

    fn arguments(&self, mut parameters: &[(String, &str)]) -> Result<Vec<Argument>, String> {
        let mut arguments = Vec::new();
        while let Some((of, name)) = parameters.first() {
            let (kind, count) = self.kind(of, name, parameters)?;
            parameters = parameters.get(count..).unwrap_or_default();
            arguments.push(Argument { name: (*name).to_owned(), kind });
        }
        Ok(arguments)
    }

    /// What the next argument is, and of how many parameters.
    fn kind(&self, of: &str, name: &str, parameters: &[(String, &str)]) -> Result<(Kind, usize), String> {
        let follows = |at: usize, of: &str, suffix: &str| {
            parameters.get(at).is_some_and(|next| next.0 == of && next.1 == format!("{name}{suffix}"))
        };
        let is_handle = |name: &str| self.handles.iter().any(|handle| handle.name == name);
        let pointee = of.strip_suffix(" *");
        Ok(match (of, pointee) {
            ("pcrseal_error **", _) => (Kind::Error, 1),
            ("const char *", _) => (Kind::Text, 1),
            ("void *", _) => (Kind::UserData, 1),
            ("const uint8_t *", _) if follows(1, "size_t", "_len") => (Kind::Bytes, 2),
            ("uint8_t *", _) if follows(1, "size_t", "_len") => (Kind::Overwritten, 2),
            ("uint8_t *" | "char *", Some(byte))
                if follows(1, "size_t", "_capacity") && follows(2, "size_t *", "_len") =>
            {
                (Kind::Buffer(byte.to_owned()), 3)
            }
            (number, _) if NUMBERS.contains(&number) => (Kind::Number(number.to_owned()), 1),
            (_, Some(number)) if NUMBERS.contains(&number) => (Kind::NewNumber(number.to_owned()), 1),
            (callback, None) if self.types.iter().any(|known| known.name == callback) => {
                (Kind::Callback(callback.to_owned()), 1)
            }
            _ => {
                let shared = of.strip_prefix("const ").and_then(|rest| rest.strip_suffix(" *"));
                let new = of.strip_suffix(" **");
                match (shared, new, pointee) {
                    (Some(handle), ..) if is_handle(handle) => {
                        (Kind::Handle { of: handle.to_owned(), shared: true }, 1)
                    }
                    (_, Some(handle), _) if is_handle(handle) => (Kind::NewHandle(handle.to_owned()), 1),
                    (_, _, Some(handle)) if is_handle(handle) => {
                        (Kind::Handle { of: handle.to_owned(), shared: false }, 1)
                    }
                    _ => return Err(format!("an argument of an unknown kind: {of} {name}")),
                }
            }
        })
    }
}

/// Splits `const char *name` into its type, `const char *`, and its name.
fn variable(text: &str) -> Option<(String, &str)> {
    let at = text.rfind([' ', '*'])?;
    let (of, name) = text.split_at_checked(at.checked_add(1)?)?;
    Some((of.trim().to_owned(), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The least header with this function in it.
    fn with(function: &str) -> Result<Header, String> {
        Header::read(&format!("typedef struct pcrseal_error pcrseal_error;\n// Does.\n{function}\n"))
    }

    #[test]
    fn arguments_that_belong_together_are_one() {
        let header = with(
            "pcrseal_status pcrseal_do(const pcrseal_error *handle, const char *text, const uint8_t *a, size_t a_len,\n    \
             char *b, size_t b_capacity, size_t *b_len, pcrseal_error **error);",
        )
        .unwrap();
        let kinds: Vec<_> =
            header.functions[0].arguments.iter().map(|argument| argument.kind.clone()).collect();
        let handle = Kind::Handle { of: "pcrseal_error".into(), shared: true };
        assert_eq!(kinds, [handle, Kind::Text, Kind::Bytes, Kind::Buffer("char".into()), Kind::Error]);
        assert_eq!(header.functions[0].item.documentation, ["Does."]);
    }

    #[test]
    fn an_argument_of_an_unknown_kind_is_refused() {
        for unknown in
            ["float x", "const uint8_t *x", "struct other *x", "uint8_t *x, size_t y_len", "char **x"]
        {
            assert!(with(&format!("void pcrseal_do({unknown});")).is_err(), "{unknown}");
        }
    }
}
