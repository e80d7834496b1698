// Runs the proof library: C brings the allocator and the process, no Rust std is anywhere.
// Arguments: genuine attestation documents to verify.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// The toolchain's own core and alloc are built to unwind and name this symbol; under panic = "abort" nothing
// ever calls it. std would define it.
void rust_eh_personality(void) { abort(); }

uint32_t proof_seal_rebind_unseal(void);
uint32_t proof_verify(const uint8_t *document, size_t length);

// An altered signature: error code cose_signature_rejected.
static const uint32_t SIGNATURE_REJECTED = 1227;

// A document is at most 16 KiB of payload and some 100 bytes around it.
static uint8_t document[20000];

static int check(const char *what, uint32_t expected, uint32_t code) {
    if (code != expected) {
        fprintf(stderr, "%s: expected %" PRIu32 ", got error %" PRIu32 "\n", what, expected, code);
        return 1;
    }
    printf("%s: ok\n", what);
    return 0;
}

int main(int count, char **paths) {
    int failures = check("seal, rebind, unseal", 0, proof_seal_rebind_unseal());
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(paths[i], "rb");
        if (file == NULL) {
            perror(paths[i]);
            return 1;
        }
        size_t length = fread(document, 1, sizeof document, file);
        fclose(file);
        if (length == 0) {
            fprintf(stderr, "%s is empty\n", paths[i]);
            return 1;
        }
        failures += check("verify a genuine document", 0, proof_verify(document, length));
        document[length - 1] ^= 1;
        failures += check("refuse an altered signature", SIGNATURE_REJECTED, proof_verify(document, length));
    }
    return failures != 0;
}
