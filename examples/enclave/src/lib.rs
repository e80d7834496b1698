//! The smallest real enclave program: it unseals a key, and proves that it holds it.

pub mod init;
