//! The `rustcrypto` backend.
