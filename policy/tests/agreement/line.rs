//! A line of a file of pairs: the pair, and what is said of it.

use std::fmt::Write;

use pcrseal_policy::json::Json;

use super::known::{Known, told};
use super::pair::{Pair, name, text};

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// A pair that the oracle judges as it is.
    Plain,
    /// A pair on which the oracle is known to differ for these reasons; the next line has it as the oracle is told.
    Known(Vec<String>),
    /// That.
    Told,
}

/// A pair, and the oracle's decision once there is one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) id: String,
    pub(crate) form: Form,
    pub(crate) pair: Pair,
    pub(crate) decision: Option<String>,
}

impl Line {
    /// One line of JSON, without its end.
    pub(crate) fn to_json(&self) -> Json {
        let mut members = vec![("id".to_owned(), Json::String(self.id.clone()))];
        let texts = |texts: &[String]| Json::Array(texts.iter().cloned().map(Json::String).collect());
        match &self.form {
            Form::Plain => {}
            Form::Known(known) => members.push(("known".to_owned(), texts(known))),
            Form::Told => members.push(("told".to_owned(), Json::Bool(true))),
        }
        if let Some(decision) = &self.decision {
            members.push(("decision".to_owned(), Json::String(decision.clone())));
        }
        let Json::Object(pair) = self.pair.to_json() else { panic!("a pair is an object") };
        members.extend(pair);
        Json::Object(members)
    }

    /// Reads one.
    pub(crate) fn parse(line: &str) -> Self {
        let json = Json::parse(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let Json::Object(members) = &json else { panic!("no object: {line}") };
        let member = |name: &str| members.iter().find_map(|(own, value)| (own == name).then_some(value));
        let form = match (member("known"), member("told")) {
            (Some(Json::Array(known)), _) => {
                Form::Known(known.iter().map(|name| text(name).to_owned()).collect())
            }
            (_, Some(_)) => Form::Told,
            _ => Form::Plain,
        };
        Self {
            id: text(member("id").expect("every line has an id")).to_owned(),
            form,
            pair: Pair::from_json(&json),
            decision: member("decision").map(|decision| text(decision).to_owned()),
        }
    }

    /// Whether the oracle differs, and this difference is the only known one that bears on the pair.
    pub(crate) fn shows(&self, known: &Known) -> bool {
        self.form == Form::Known(vec![known.name.to_owned()]) && self.decision.as_deref() != Some(self.ours())
    }

    /// What we say.
    pub(crate) fn ours(&self) -> &'static str {
        name(self.pair.evaluate().decision)
    }
}

/// Where we and the oracle differ: one text each.
///
/// Of a pair with a known difference, the form that the oracle is told must be what the difference makes of it; our
/// decision must be the same for both forms, and the oracle's for the second.
pub(crate) fn differences(lines: &[Line]) -> Vec<String> {
    let mut differences = Vec::new();
    let mut lines = lines.iter();
    while let Some(line) = lines.next() {
        let ours = line.ours();
        let mut differ = |line: &Line, what: &str| {
            let mut text = format!("pair {}: {ours} to us, {what}", line.id);
            for statement in line.pair.evaluate().statements {
                // Writing to a String cannot fail.
                let _ = write!(text, "; {statement}");
            }
            differences.push(format!("{text}\n{}", line.to_json()));
        };
        let judged = match &line.form {
            Form::Plain | Form::Told => line,
            Form::Known(_) => {
                let told = lines.next().expect("a pair with a known difference is told in another form");
                if told.form != Form::Told || told.pair != self::told(&line.pair).0 {
                    differ(line, "and the next line has another form than the oracle is to be told");
                }
                if told.ours() != ours {
                    differ(told, &format!("{} in the form that the oracle is told", told.ours()));
                }
                told
            }
        };
        let theirs = judged.decision.as_deref().unwrap_or("nothing");
        if theirs != ours {
            differ(judged, &format!("{theirs} to the oracle"));
        }
    }
    differences
}
