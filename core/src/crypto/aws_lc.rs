//! The `aws-lc` backend.
