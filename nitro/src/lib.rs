//! The Nitro Secure Module through `/dev/nsm`.
