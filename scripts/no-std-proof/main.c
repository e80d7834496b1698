// Runs the proof library: C brings the allocator and the process, no Rust std is anywhere.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

// The toolchain's own core and alloc are built to unwind and name this symbol; under panic = "abort" nothing
// ever calls it. std would define it.
void rust_eh_personality(void) { abort(); }

uint32_t proof_seal_rebind_unseal(void);

int main(void) {
    uint32_t code = proof_seal_rebind_unseal();
    if (code != 0) {
        fprintf(stderr, "seal, rebind, unseal: error %" PRIu32 "\n", code);
        return 1;
    }
    puts("seal, rebind, unseal: ok");
    return 0;
}
