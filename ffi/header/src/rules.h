// pcrseal: a master key that only the right AWS Nitro Enclave image gets back, unattended. The C interface.
//
// Written by `cargo run -p pcrseal-header` from ffi/src; do not edit.
//
// THE RULES
//
// They hold for every function; what stands beside a function says the rest.
//
// Status      A function that can fail returns a pcrseal_status: PCRSEAL_OK, which is 0, or a PCRSEAL_E_… code. Check
//             it: PCRSEAL_MUST_USE lets the compiler warn. Codes keep their meaning for ever, and new ones come: one
//             that you do not know is a failure.
// Errors      Such a function takes `pcrseal_error **error` last. NULL says that you do not want it. Otherwise it is
//             set: to NULL after a success, after a failure to a new error that says what was expected and what was
//             found. Free it before you pass the same variable again.
// Order       The handle, inputs, a cancel, outputs, the error.
// Ownership   A handle that an output or a `_new` gave is yours: free it once, with the `_free` of its type. Freeing
//             NULL does nothing. Inputs are copied: they need live no longer than the call. A pointer that a function
//             returns belongs to the handle that it was asked of, lives as long as that, and is never freed; one of
//             `pcrseal_status_…` and `pcrseal_version` lives for ever.
// Texts       const char *: UTF-8, ending with a NUL, at most 4096 bytes before it.
// Bytes       (x, x_len). (NULL, 0) is fine and means none.
// Buffers     (x, x_capacity, x_len): at most x_capacity bytes are written to x, and their number to *x_len; no NUL is
//             added. If they do not fit, nothing is written, the call fails with PCRSEAL_E_BUFFER_TOO_SMALL, and
//             *x_len is the capacity to come back with. So (NULL, 0) asks for the size. A call that asks KMS or the
//             attester refuses a buffer that might be too small before it asks them.
// Failure     After a failure every output is NULL or 0 but that *x_len, and nothing is written to a buffer.
// Checks      NULL where it is not said to be fine, a pointer that is misaligned, a length beyond PTRDIFF_MAX, and an
//             output that overlaps an input or another output are failures with a code of their own. (After
//             PCRSEAL_E_OVERLAP only the error has been written.) What cannot be checked is yours: a handle that was
//             freed, a length beyond its memory, a text without a NUL.
// NULL        "May be NULL: x." names the arguments that may be; beyond them only the error, empty bytes and unsized
//             buffers. A function that cannot fail takes NULL for every pointer, and answers NULL or 0.
// Threads     A handle that a function takes as const may be used by any number of threads at once. The others lock:
//             no call races with another, but in which order they come is yours. Nobody may use a handle while it is
//             freed. Nothing is kept per thread: errors are values.
// Waiting     Calls of a session that ask KMS or the attester take at most as long as its configuration's deadline says,
//             and end early with PCRSEAL_E_CANCELLED when another thread triggers the pcrseal_cancel that they were given.
//             A pcrseal_attester has no deadline: its calls take as long as the module does.
// Processes   A session has threads, which fork() does not copy: make sessions after it, or let the child exec. No
//             function may be called from a signal handler. The library installs no signal handler, raises no SIGPIPE,
//             sets no environment variable, prints nothing, and never ends the process but as Panics says. It stays in
//             the process: dlclose() does not unload it.
// Panics      A defect inside the library becomes PCRSEAL_E_PANIC, with its place in the sources; nothing unwinds into
//             your program. Memory that runs out ends the process, with a line on standard error, as Rust does.
// Secrets     A pcrseal_secret lies in memory that is locked, kept out of core dumps, between guard pages, and wiped
//             when it is freed. What you copy out of it, or had written to a buffer of yours, is yours to wipe:
//             pcrseal_zeroize. No secret is ever in an error, a report, or a message to a log callback.
// Versions    Compare pcrseal_abi_version() with PCRSEAL_ABI_VERSION where the library is loaded by hand; the linker
//             does it by the library's soname. With the same number a program runs with every newer library.
//
// THE SMALLEST COMPLETE EXAMPLE
//
//     #include <pcrseal.h>
//     #include <stdio.h>
//
//     /* Gives the master key in a sealed blob, or NULL after it has said why not. Free it with pcrseal_secret_free. */
//     pcrseal_secret *master_key(const uint8_t *config_json, size_t config_len, const uint8_t *blob, size_t blob_len)
//     {
//         pcrseal_config *config = NULL;
//         pcrseal_session *session = NULL;
//         pcrseal_secret *secret = NULL;
//         pcrseal_error *error = NULL;
//
//         if (pcrseal_config_from_json(config_json, config_len, &config, &error) != PCRSEAL_OK
//             || pcrseal_session_new(config, &session, &error) != PCRSEAL_OK
//             || pcrseal_unseal(session, blob, blob_len, NULL, &secret, NULL, &error) != PCRSEAL_OK) {
//             fprintf(stderr, "pcrseal: %s\n", pcrseal_error_message(error));
//         }
//         pcrseal_error_free(error);
//         pcrseal_session_free(session);
//         pcrseal_config_free(config);
//         return secret;
//     }
