//! The kernel's entropy pool, fed for real where that is permitted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::Arc;
use std::thread;

use common::{Wire, at, random, refusal, scripted};
use pcrseal_core::crypto::aws_lc;
use pcrseal_core::error::{Code, Error};
use pcrseal_nitro::{KERNEL_SEED_LEN, Nsm};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

/// A module whose random bytes deserve the credit that the kernel will give them.
fn honest() -> (Nsm, common::Requests) {
    let answer = || {
        let mut bytes = [0; 256];
        aws_lc::BACKEND.random.fill(&mut bytes).unwrap();
        random(&bytes)
    };
    scripted([answer(), answer()])
}

#[test]
fn the_pool_takes_two_answers_of_the_module() {
    let (nsm, requests) = honest();
    if !capabilities(None).unwrap().effective.contains(CapabilitySet::SYS_ADMIN) {
        println!("skipped: feeding the kernel's pool needs CAP_SYS_ADMIN");
        return;
    }
    nsm.seed_kernel().unwrap();
    assert_eq!(requests.lock().unwrap().len(), KERNEL_SEED_LEN / 256);
}

#[test]
fn without_the_capability_the_kernel_refuses_and_the_error_says_what_it_needs() {
    let error = thread::spawn(|| {
        let mut sets = capabilities(None).unwrap();
        sets.effective -= CapabilitySet::SYS_ADMIN;
        set_capabilities(None, sets).unwrap();
        honest().0.seed_kernel().unwrap_err()
    });
    let error = error.join().unwrap();
    assert_eq!(error.code(), Code::KernelEntropy);
    let (place, expected, found) = at(&error);
    assert_eq!(place, "/dev/random");
    assert!(expected.contains("CAP_SYS_ADMIN") && found.contains("os error 1)"), "{error}");
}

#[test]
fn a_module_that_fails_is_the_error() {
    for (answers, code) in [
        (vec![], Code::Attester),
        (vec![random(&[1; 256]), refusal("InternalError")], Code::NsmInternalError),
        (vec![random(&[1; 256]), random(&[])], Code::NsmAnswerMalformed),
    ] {
        assert_eq!(scripted(answers).0.seed_kernel().unwrap_err().code(), code);
    }
}

#[test]
fn the_channel_is_shared_by_threads_that_ask_at_once() {
    let nsm = Arc::new(Nsm::over(Wire(|_: &[u8], response: &mut [u8]| -> Result<usize, Error> {
        let answer = refusal("InvalidOperation");
        response[..answer.len()].copy_from_slice(&answer);
        Ok(answer.len())
    })));
    let asked: Vec<_> = (0..4)
        .map(|_| {
            let nsm = Arc::clone(&nsm);
            thread::spawn(move || nsm.seed_kernel().unwrap_err().code())
        })
        .collect();
    for thread in asked {
        assert_eq!(thread.join().unwrap(), Code::NsmInvalidOperation);
    }
}
