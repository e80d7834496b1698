//! What every Nitro Secure Module does, as tests that run against any implementation.
#![forbid(unsafe_code)]
