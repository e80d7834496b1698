//! The Markdown beside a policy.

use std::fmt::Write;

use super::{Draft, Explained};

/// A section after the statements.
pub(super) struct Chapter {
    pub(super) title: &'static str,
    /// Markdown, without a line break at the end.
    pub(super) text: String,
}

/// Title, purpose, one `###` section per statement, then the chapters.
pub(super) fn markdown(draft: &Draft) -> String {
    let mut text = format!("# {}\n\n{}\n\n## Statements\n", draft.title, draft.purpose);
    for Explained { statement, why } in &draft.statements {
        let sid = statement.sid.as_deref().unwrap_or_default();
        section(&mut text, "###", sid, why);
    }
    for Chapter { title, text: body } in &draft.chapters {
        section(&mut text, "##", title, body);
    }
    text
}

fn section(text: &mut String, level: &str, title: &str, body: &str) {
    // Writing to a String cannot fail.
    let _ = write!(text, "\n{level} {title}\n\n{body}\n");
}
