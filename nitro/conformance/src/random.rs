//! The random source.

use pcrseal_core::attester::NitroSecureModule;

use crate::check::{Result, done, ensure};
use crate::{Check, Expectations};

pub(crate) const CHECKS: [Check; 4] = [
    ("random_fills_buffers_of_every_length", random_fills),
    ("random_of_no_bytes_succeeds", random_of_no_bytes_succeeds),
    ("two_draws_of_random_differ", two_draws_differ),
    ("random_does_not_repeat_itself_in_one_buffer", random_does_not_repeat_itself),
];

/// Around the 256 bytes of one `GetRandom` (QEMU, `NSM_RND_BUF_SIZE`), and several of them.
const LENGTHS: [usize; 5] = [1, 255, 256, 257, 1000];
/// A byte that was filled stays what it was in all of these draws with a probability of 2^-128.
const DRAWS: usize = 16;
/// Two draws of this many bytes are equal with a probability of 2^-256.
const LEN: usize = 32;

fn random_fills(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    for length in LENGTHS {
        let mut filled = vec![false; length];
        for _ in 0..DRAWS {
            draw(module, length)?.iter().zip(&mut filled).for_each(|(&byte, filled)| *filled |= byte != 0);
        }
        if let Some(left) = filled.iter().position(|filled| !filled) {
            return Err(format!(
                "{length} bytes: expected all to be filled, found byte {left} to be 0 in {DRAWS} draws"
            ));
        }
    }
    Ok(())
}

fn random_of_no_bytes_succeeds(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    draw(module, 0).map(|_| ())
}

fn two_draws_differ(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    ensure(draw(module, LEN)? != draw(module, LEN)?, || {
        format!("{LEN} bytes drawn twice: expected to differ, found equal")
    })
}

fn random_does_not_repeat_itself(module: &dyn NitroSecureModule, _: &Expectations) -> Result {
    let buffer = draw(module, 1000)?;
    // Every pair of aligned pieces: whatever one GetRandom gives, the next one gives something else.
    let pieces: Vec<&[u8]> = buffer.chunks_exact(8).collect();
    let repeated =
        (1..).zip(&pieces).position(|(next, piece)| pieces.iter().skip(next).any(|later| later == piece));
    match repeated {
        None => Ok(()),
        Some(at) => Err(format!("1000 bytes: expected no 8 bytes twice, found those at {} again", at * 8)),
    }
}

fn draw(module: &dyn NitroSecureModule, length: usize) -> Result<Vec<u8>> {
    let mut buffer = vec![0; length];
    done(&format!("GetRandom of {length} bytes"), module.random(&mut buffer))?;
    Ok(buffer)
}
