//! Listens to `tracing` events, on all threads of a test binary.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// One event: its message, and all of it as a line.
#[derive(Clone, Debug)]
pub struct Line {
    pub target: String,
    pub message: String,
    pub text: String,
}

#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Line>>>);

impl Recorder {
    /// The one recorder of a test binary, at the finest level.
    pub fn install() -> Self {
        let recorder = Self::default();
        tracing::subscriber::set_global_default(recorder.clone()).unwrap();
        recorder
    }

    /// What was said since the last time.
    pub fn take(&self) -> Vec<Line> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Written(Line);

impl Visit for Written {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.0.message = format!("{value:?}");
        }
        write!(self.0.text, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let line = Line { target: String::new(), message: String::new(), text: format!("{attributes:?}") };
        self.0.lock().unwrap().push(line);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let line = Line { target: String::new(), message: String::new(), text: format!("{values:?}") };
        self.0.lock().unwrap().push(line);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let target = event.metadata().target().to_owned();
        let mut written = Written(Line { target, message: String::new(), text: String::new() });
        event.record(&mut written);
        self.0.lock().unwrap().push(written.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
