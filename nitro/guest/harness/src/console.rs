//! A guest's serial console: kept in a file, and read line by line.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::task::JoinHandle;

use crate::Failure;

/// Longest line that is kept in bytes; the rest of it is for the log alone. Ours: documents come in pieces.
const MAX_LINE_LEN: usize = 4096;

/// What a guest says.
pub(crate) struct Console {
    log: PathBuf,
    lines: Arc<Mutex<Vec<Line>>>,
    reader: JoinHandle<Result<(), Failure>>,
}

/// A line, and when it came.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Since the machine was started.
    pub(crate) at: Duration,
    pub(crate) text: String,
}

impl Console {
    /// Reads until the guest's end.
    pub(crate) fn read(
        stream: impl AsyncRead + Send + Unpin + 'static,
        log: &Path,
        start: Instant,
    ) -> Result<Self, Failure> {
        let mut file = std::fs::File::create(log)?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = lines.clone();
        let reader = tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut bytes = Vec::new();
            while stream.read_until(b'\n', &mut bytes).await? > 0 {
                file.write_all(&bytes)?;
                bytes.truncate(MAX_LINE_LEN);
                let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
                locked(&kept).push(Line { at: start.elapsed(), text });
                bytes.clear();
            }
            Ok(())
        });
        Ok(Self { log: log.to_owned(), lines, reader })
    }

    /// What came so far.
    pub(crate) fn lines(&self) -> Vec<Line> {
        locked(&self.lines).clone()
    }

    /// Where all of it is.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Waits for the end of the stream.
    pub(crate) async fn end(&mut self) -> Result<(), Failure> {
        (&mut self.reader).await?
    }
}

fn locked(lines: &Mutex<Vec<Line>>) -> MutexGuard<'_, Vec<Line>> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}
