//! Listens to `tracing` events, on all threads of a test binary.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// One event: its message, and all of it as a line.
#[derive(Clone, Debug)]
pub struct Line {
    pub target: String,
    pub message: String,
    pub text: String,
    region: Option<String>,
}

impl Line {
    fn new(target: &str, text: String) -> Self {
        Self { target: target.to_owned(), message: String::new(), text, region: None }
    }
}

#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Said>>);

#[derive(Default)]
struct Said {
    lines: Vec<Line>,
    /// How often each message named each region, since the start.
    counts: BTreeMap<(String, String), u32>,
}

impl Recorder {
    /// The one recorder of a test binary, at the finest level.
    pub fn install() -> Self {
        let recorder = Self::default();
        tracing::subscriber::set_global_default(recorder.clone()).unwrap();
        recorder
    }

    /// What was said since the last time.
    pub fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.0.lock().unwrap().lines)
    }

    /// How often a message named this region, since the start.
    pub fn count(&self, message: &str, region: &str) -> u32 {
        let key = (message.to_owned(), region.to_owned());
        self.0.lock().unwrap().counts.get(&key).copied().unwrap_or_default()
    }

    fn note(&self, line: Line) {
        let mut said = self.0.lock().unwrap();
        if let Some(region) = &line.region {
            *said.counts.entry((line.message.clone(), region.clone())).or_default() += 1;
        }
        said.lines.push(line);
    }
}

/// How a secret might be written: raw, hex of both cases, as a list of numbers, as a byte string, and base64.
pub fn spellings(secret: &[u8]) -> Vec<String> {
    let hex = secret.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let mut spellings = vec![
        hex.to_uppercase(),
        hex,
        format!("{secret:?}").trim_matches(['[', ']']).to_owned(),
        secret.escape_ascii().to_string(),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
    ];
    spellings.extend(String::from_utf8(secret.to_vec()));
    spellings.sort();
    spellings.dedup();
    spellings
}

struct Written(Line);

impl Visit for Written {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.0.message = format!("{value:?}"),
            "region" => self.0.region = Some(format!("{value:?}").trim_matches('"').to_owned()),
            _ => {}
        }
        write!(self.0.text, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.note(Line::new("", format!("{attributes:?}")));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.note(Line::new("", format!("{values:?}")));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut written = Written(Line::new(event.metadata().target(), String::new()));
        event.record(&mut written);
        self.note(written.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
