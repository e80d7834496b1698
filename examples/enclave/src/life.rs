//! The life of this enclave, from the parent's request to the proof.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use pcrseal::core::attester::NitroSecureModule;
use socket2::Socket;

use crate::answer::Answer;
use crate::console::say;
use crate::error::{Error, Kind};
use crate::job::{self, Done, Routes};
use crate::parent::{self, Timed};
use crate::proof::ProofKey;
use crate::request::{MAX_LINE_LEN, Request};
use crate::trust::Trust;
use crate::vsock::accept;

/// How long to wait for somebody who asks for the proof. Ours.
const SERVE_LIMIT: Duration = Duration::from_secs(60);
/// How long a challenge may take to come, and its proof to go. Ours.
const PROOF_LIMIT: Duration = Duration::from_secs(10);

/// What an enclave has around it; a test has something else.
pub trait Surroundings: Routes {
    /// Connects to the parent.
    ///
    /// # Errors
    /// What the connection answers.
    fn parent(&self) -> io::Result<UnixStream>;

    /// Opens the Nitro Secure Module.
    ///
    /// # Errors
    /// A code of the 2000 range.
    fn module(&self) -> Result<Arc<dyn NitroSecureModule>, Error>;

    /// Listens.
    ///
    /// # Errors
    /// What the operating system answers.
    fn listen(&self, port: u32) -> io::Result<Socket>;
}

/// Lives: takes the parent's request, does it, answers, and proves once that it holds the key. `began` is when the
/// program began, since the machine started.
///
/// # Errors
/// Whatever went wrong; the parent has been told, unless it was the parent that failed.
pub fn live(trust: &Trust, began: Duration, world: &impl Surroundings) -> Result<(), Error> {
    let parent = parent::connect(|| world.parent())?;
    let served = serve(trust, began, world, &parent);
    if let Err(error) = &served {
        // If the parent is the one that failed, it will hardly take this; then nobody is told.
        let _ = parent::write_line(&parent, &Answer::failed(error, began).line());
    }
    parent::wait_for_close(&parent);
    let (key, listener) = served?;
    say(format_args!("holding the key; waiting for a challenge"));
    prove(&key, &listener)
}

/// Up to the answer. The secret ends here: what is left of it is the key of the proof.
fn serve(
    trust: &Trust,
    began: Duration,
    world: &impl Surroundings,
    parent: &UnixStream,
) -> Result<(ProofKey, Socket), Error> {
    let request = Request::read(&parent::read_line(parent, MAX_LINE_LEN)?, trust)?;
    let done: Done = job::run(&request, trust, world.module()?, world)?;
    let key = ProofKey::of(done.opened.secret())?;
    // Before the answer: who has read it may ask at once.
    let listener = world.listen(request.serve);
    let listener =
        listener.map_err(|error| Error::io(Kind::Setup, "cannot listen for the challenge", &error))?;
    parent::write_line(parent, &Answer::done(&done, began).line())?;
    Ok((key, listener))
}

fn prove(key: &ProofKey, listener: &Socket) -> Result<(), Error> {
    let failed = |error| Error::io(Kind::Proof, "no challenge was answered", &error);
    let stream = accept(listener, SERVE_LIMIT).map_err(failed)?;
    key.serve(Timed::new(&stream, PROOF_LIMIT)).map_err(failed)?;
    parent::wait_for_close(&stream);
    Ok(())
}
