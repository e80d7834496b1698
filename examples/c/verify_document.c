/*
 * Verifies an attestation document, as a relying party does: genuine, of this image, made just now.
 *
 *     verify_document DOCUMENT MEASUREMENTS.json [ROOT.der]
 *
 * MEASUREMENTS.json is what `nitro-cli build-enclave` printed when the image was built. ROOT.der is for documents of an
 * emulator; without it AWS's own root is trusted.
 */
#include <pcrseal.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_AGE_MS 300000
#define CLOCK_SKEW_MS 60000

struct bytes {
    uint8_t data[65536];
    size_t len;
};

static int read_file(const char *path, struct bytes *bytes)
{
    FILE *file = fopen(path, "rb");
    int failed;

    if (file == NULL) {
        perror(path);
        return -1;
    }
    bytes->len = fread(bytes->data, 1, sizeof bytes->data, file);
    failed = ferror(file) || bytes->len == sizeof bytes->data;
    if (failed) {
        fprintf(stderr, "%s: cannot be read, or is too long\n", path);
    }
    fclose(file);
    return failed ? -1 : 0;
}

/* Demands every PCR that the measurements name. */
static pcrseal_status require_pcrs(pcrseal_attestation_policy *policy, const pcrseal_pcr_set *pcrs,
                                   pcrseal_error **error)
{
    uint8_t value[PCRSEAL_PCR_LEN];
    size_t len = 0;
    uint32_t pcr;

    for (pcr = 0; pcr < 32; pcr++) {
        pcrseal_status status;

        if ((pcrseal_pcr_set_selection(pcrs) >> pcr & 1) == 0) {
            continue;
        }
        status = pcrseal_pcr_set_value(pcrs, pcr, value, sizeof value, &len, error);
        if (status == PCRSEAL_OK) {
            status = pcrseal_attestation_policy_require_pcr(policy, pcr, value, len, error);
        }
        if (status != PCRSEAL_OK) {
            return status;
        }
    }
    return PCRSEAL_OK;
}

static void print_hex(const char *name, const uint8_t *data, size_t len)
{
    size_t at;

    printf("%-12s ", name);
    if (data == NULL) {
        printf("none");
    }
    for (at = 0; at < len; at++) {
        printf("%02x", data[at]);
    }
    printf("\n");
}

static void print_attestation(const pcrseal_attestation *attestation)
{
    const char *instance_id = pcrseal_attestation_instance_id(attestation);
    const uint8_t *data;
    size_t len = 0;
    uint32_t pcr;

    printf("%-12s %s\n", "module id", pcrseal_attestation_module_id(attestation));
    printf("%-12s %s\n", "instance id", instance_id != NULL ? instance_id : "none");
    printf("%-12s %llu ms since 1970\n", "made at", (unsigned long long)pcrseal_attestation_timestamp_ms(attestation));
    for (pcr = 0; pcr < 3; pcr++) {
        char name[8];

        snprintf(name, sizeof name, "PCR%u", (unsigned)pcr);
        data = pcrseal_attestation_pcr(attestation, pcr, &len);
        print_hex(name, data, len);
    }
    data = pcrseal_attestation_public_key(attestation, &len);
    print_hex("public key", data, len);
    data = pcrseal_attestation_user_data(attestation, &len);
    print_hex("user data", data, len);
    data = pcrseal_attestation_nonce(attestation, &len);
    print_hex("nonce", data, len);
}

int main(int argc, char **argv)
{
    static struct bytes document, measurements, root;
    pcrseal_pcr_set *pcrs = NULL;
    pcrseal_attestation_policy *policy = NULL;
    pcrseal_verifier *verifier = NULL;
    pcrseal_attestation *attestation = NULL;
    pcrseal_error *error = NULL;
    uint64_t now_ms = (uint64_t)time(NULL) * 1000;
    int result = EXIT_FAILURE;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: %s DOCUMENT MEASUREMENTS.json [ROOT.der]\n", argv[0]);
        return 2;
    }
    if (read_file(argv[1], &document) != 0 || read_file(argv[2], &measurements) != 0
        || (argc == 4 && read_file(argv[3], &root) != 0)) {
        return EXIT_FAILURE;
    }

    /* The roots: (NULL, 0) is AWS's. */
    if (pcrseal_verifier_new(argc == 4 ? root.data : NULL, root.len, &verifier, &error) != PCRSEAL_OK
        /* What is demanded: an enclave, not in debug mode, of this image, attested within the last minutes. */
        || pcrseal_pcr_set_from_measurements_json(measurements.data, measurements.len, &pcrs, &error) != PCRSEAL_OK
        || pcrseal_attestation_policy_new(PCRSEAL_ATTESTATION_ENCLAVE, &policy, &error) != PCRSEAL_OK
        || require_pcrs(policy, pcrs, &error) != PCRSEAL_OK
        || pcrseal_attestation_policy_require_fresh(policy, MAX_AGE_MS, CLOCK_SKEW_MS, &error) != PCRSEAL_OK
        /* The time is ours, never the document's. */
        || pcrseal_verify(verifier, document.data, document.len, now_ms, policy, &attestation, &error) != PCRSEAL_OK) {
        fprintf(stderr, "%s: %s (%s)\n", argv[1], pcrseal_error_message(error),
                pcrseal_status_name(pcrseal_error_status(error)));
        pcrseal_error_free(error);
        goto done;
    }
    print_attestation(attestation);
    result = EXIT_SUCCESS;
done:
    pcrseal_attestation_free(attestation);
    pcrseal_attestation_policy_free(policy);
    pcrseal_pcr_set_free(pcrs);
    pcrseal_verifier_free(verifier);
    return result;
}
