// pcrseal: a master key that only the right AWS Nitro Enclave image gets back, unattended. The C interface.
//
// Written by `cargo run -p pcrseal-header` from ffi/src; do not edit.
//
// THE RULES
