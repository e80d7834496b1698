//! Programs that run beside a guest. None outlives this process, whatever becomes of it.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::Failure;

/// How long a program may take until its socket is there. Ours: they take milliseconds.
const START_LIMIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(10);
/// How much of a log is printed when something fails, in lines.
const TAIL: usize = 40;

/// Describes a program to run: it gets no input, is killed when its handle is dropped, and by the kernel when this
/// process ends in a way that drops nothing.
pub(crate) fn program(path: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(path).stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// A program that serves a Unix socket.
pub(crate) struct Server {
    // Held for its drop, which kills.
    _child: Child,
}

impl Server {
    /// Starts it, and returns when its socket is there. What it says goes into `log`.
    pub(crate) async fn start(mut command: Command, socket: &Path, log: &Path) -> Result<Self, Failure> {
        let output = File::create(log)?;
        let mut child = command.stderr(output.try_clone()?).stdout(output).spawn()?;
        let ready = async {
            while !socket.exists() {
                if let Some(status) = child.try_wait()? {
                    return Err(Failure::from(format!("it ended at once: {status}")));
                }
                sleep(PAUSE).await;
            }
            Ok(())
        };
        match tokio::time::timeout(START_LIMIT, ready).await {
            Ok(Ok(())) => Ok(Self { _child: child }),
            Ok(Err(error)) => Err(with_tail(&error.to_string(), log)),
            Err(_) => Err(with_tail(&format!("no socket {} in time", socket.display()), log)),
        }
    }
}

/// Runs a program to its end, and gives what it printed.
pub(crate) async fn output(mut command: Command) -> Result<String, Failure> {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().await?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{:?}: {}\n{said}", command.as_std(), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A failure, with the end of the log that tells of it.
pub(crate) fn with_tail(what: &str, log: &Path) -> Failure {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(TAIL)..).unwrap_or_default().join("\n    ");
    format!("{what}\n  the end of {}:\n    {tail}", log.display()).into()
}

/// A folder for the sockets of one guest. It is removed when this value is dropped.
///
/// Not beside the logs: the path of a Unix socket has at most 107 bytes (`unix(7)`).
pub(crate) struct Sockets {
    folder: PathBuf,
}

impl Sockets {
    /// Makes a folder that only this user can look into.
    pub(crate) fn new(name: &str) -> Result<Self, Failure> {
        let folder = std::env::temp_dir().join(format!("pcrseal-{}-{name}", std::process::id()));
        std::fs::create_dir(&folder)?;
        std::fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(Self { folder })
    }

    /// The path of a socket in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        // What is left in /tmp is no reason to fail.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
