/* The world of the tests: an emulator that runs, and handles of every type.
 *
 * ffi/tests/c/run.sh starts the emulator, and says in PCRSEAL_TEST_WORLD in which folder its files are: session.json, its
 * session's configuration, and root.pem, the root certificate of its attestation documents.
 */
#ifndef PCRSEAL_WORLD_H
#define PCRSEAL_WORLD_H

#include "test.h"

#include <time.h>

struct bytes {
    const uint8_t *data;
    size_t len;
};

/* The bytes of a literal, without its NUL. */
#define BYTES(literal) ((struct bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

static struct {
    struct bytes config_json;
    struct bytes measurements_json;
    struct bytes root_pem;
    struct bytes root_der;
    /* PCR0 of the emulator's enclave, 48 bytes. */
    struct bytes pcr_value;
    /* 32 bytes. */
    struct bytes secret;
    /* The secret's, 2 of 3. */
    struct bytes shares;
    /* Seals `secret`. */
    struct bytes blob;
    /* The same, which accepts the image of `pcrs` too. */
    struct bytes both;
    /* Of the emulator's enclave; its nonce is "nonce". */
    struct bytes document;
    uint64_t now_ms;
    /* The first key of the quorum. */
    char key_arn[256];

    pcrseal_session *session;
    /* The same, but that it leaves the transport to the program. */
    pcrseal_session *host_session;
    pcrseal_cancel *cancel;
    pcrseal_quorum *quorum;
    pcrseal_pcr_set *pcrs;
    pcrseal_attester *attester;
    pcrseal_verifier *verifier;
    pcrseal_attestation_policy *policy;
    pcrseal_attestation *attestation;
    pcrseal_recipient *recipient;
    pcrseal_config *config;
    pcrseal_kms_request *request;
} world;

static inline struct bytes copy_of(const void *data, size_t len)
{
    struct bytes copy;
    uint8_t *memory = malloc(len > 0 ? len : 1);

    NEED_THAT(memory != NULL);
    memcpy(memory, data, len);
    copy.data = memory;
    copy.len = len;
    return copy;
}

static inline void bytes_free(struct bytes *bytes)
{
    free((void *)(uintptr_t)bytes->data);
    bytes->data = NULL;
}

static inline struct bytes file_read(const char *folder, const char *name)
{
    static uint8_t content[65536];
    struct bytes read;
    char path[4096];
    size_t len;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    len = fread(content, 1, sizeof content - 1, file);
    NEED_THAT(!ferror(file) && len < sizeof content - 1);
    fclose(file);
    /* So that it may be read as a text, if it is one. */
    content[len] = '\0';
    read = copy_of(content, len + 1);
    read.len = len;
    return read;
}

/* What is between the lines of a PEM file. */
static inline struct bytes pem_decode(struct bytes pem)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = strstr((const char *)pem.data, "CERTIFICATE-----");
    uint8_t der[4096];
    uint32_t group = 0;
    size_t len = 0, count = 0;

    NEED_THAT(at != NULL);
    for (at += strlen("CERTIFICATE-----"); *at != '-' && *at != '='; at++) {
        const char *digit = strchr(digits, *at);

        if (*at == '\n') {
            continue;
        }
        NEED_THAT(digit != NULL && len + 3 < sizeof der);
        group = group << 6 | (uint32_t)(digit - digits);
        if (++count % 4 != 0) {
            continue;
        }
        der[len++] = (uint8_t)(group >> 16);
        der[len++] = (uint8_t)(group >> 8);
        der[len++] = (uint8_t)group;
    }
    if (count % 4 == 3) {
        der[len++] = (uint8_t)(group >> 10);
        der[len++] = (uint8_t)(group >> 2);
    } else if (count % 4 == 2) {
        der[len++] = (uint8_t)(group >> 4);
    }
    return copy_of(der, len);
}

/* The emulator's configuration, with time for a program that valgrind runs. */
static inline pcrseal_config *make_pcrseal_config(void)
{
    pcrseal_config *config = NULL;
    pcrseal_error *error = NULL;
    uint32_t stage;

    NEED(pcrseal_config_from_json(world.config_json.data, world.config_json.len, &config, &error), error);
    NEED(pcrseal_config_set_deadline(config, 600000, &error), error);
    for (stage = PCRSEAL_STAGE_CONNECT; stage <= PCRSEAL_STAGE_OPERATION; stage++) {
        NEED(pcrseal_config_set_timeout(config, stage, 600000, &error), error);
    }
    return config;
}

static inline pcrseal_session *make_pcrseal_session(void)
{
    pcrseal_config *config = make_pcrseal_config();
    pcrseal_session *session = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_session_new(config, &session, &error), error);
    pcrseal_config_free(config);
    return session;
}

/* The next text in the emulator's configuration that follows `before`, from `*at` on; false when there is none. */
static inline bool config_text(const char **at, const char *before, char *text, size_t capacity)
{
    const char *start = strstr(*at, before);
    size_t len;

    if (start == NULL) {
        return false;
    }
    start += strlen(before);
    len = strcspn(start, "\"");
    NEED_THAT(len < capacity);
    memcpy(text, start, len);
    text[len] = '\0';
    *at = start + len;
    return true;
}

/* What the emulator's configuration says, piece by piece, but that the program moves the bytes to KMS. */
static inline pcrseal_session *make_host_session(void)
{
    const char *at = (const char *)world.config_json.data;
    pcrseal_config *config = NULL;
    pcrseal_quorum *quorum = NULL;
    pcrseal_session *session = NULL;
    pcrseal_error *error = NULL;
    char text[4096];

    NEED(pcrseal_config_new("emulator", &config, &error), error);
    NEED(pcrseal_quorum_new(2, PCRSEAL_WRAPPING_ATTESTED, &quorum, &error), error);
    while (config_text(&at, "\"arn:aws:kms:", text + 12, sizeof text - 12)) {
        memcpy(text, "arn:aws:kms:", 12);
        NEED(pcrseal_quorum_add_key(quorum, text, &error), error);
    }
    NEED(pcrseal_config_set_seal_quorum(config, quorum, &error), error);
    at = (const char *)world.config_json.data;
    NEED_THAT(config_text(&at, "\"path\": \"", text, sizeof text));
    NEED(pcrseal_config_set_nsm_socket(config, text, &error), error);
    NEED(pcrseal_config_set_host_transport(config, &error), error);
    NEED(pcrseal_config_set_deadline(config, 600000, &error), error);
    NEED(pcrseal_session_new(config, &session, &error), error);
    pcrseal_quorum_free(quorum);
    pcrseal_config_free(config);
    return session;
}

static inline pcrseal_cancel *make_pcrseal_cancel(void)
{
    pcrseal_cancel *cancel = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_cancel_new(&cancel, &error), error);
    return cancel;
}

/* Two of the emulator's keys. */
static inline pcrseal_quorum *make_pcrseal_quorum(void)
{
    pcrseal_quorum *quorum = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_quorum_new(2, PCRSEAL_WRAPPING_ATTESTED, &quorum, &error), error);
    NEED(pcrseal_quorum_add_key(quorum, world.key_arn, &error), error);
    NEED(pcrseal_quorum_add_key(
             quorum, "arn:aws:kms:us-east-1:111122223333:key/99999999-2222-3333-4444-555555555555", &error),
         error);
    return quorum;
}

static inline pcrseal_pcr_set *make_pcrseal_pcr_set(void)
{
    pcrseal_pcr_set *pcrs = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_pcr_set_from_measurements_json(world.measurements_json.data, world.measurements_json.len, &pcrs,
                                                &error),
         error);
    return pcrs;
}

static inline pcrseal_attester *make_pcrseal_attester(void)
{
    pcrseal_config *config = make_pcrseal_config();
    pcrseal_attester *attester = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_attester_open(config, &attester, &error), error);
    pcrseal_config_free(config);
    return attester;
}

static inline pcrseal_verifier *make_pcrseal_verifier(void)
{
    pcrseal_verifier *verifier = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_verifier_new(world.root_der.data, world.root_der.len, &verifier, &error), error);
    return verifier;
}

/* The emulator's enclave satisfies it. */
static inline pcrseal_attestation_policy *make_pcrseal_attestation_policy(void)
{
    pcrseal_attestation_policy *policy = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_attestation_policy_new(PCRSEAL_ATTESTATION_ENCLAVE, &policy, &error), error);
    NEED(pcrseal_attestation_policy_require_pcr(policy, 0, world.pcr_value.data, world.pcr_value.len, &error), error);
    return policy;
}

static inline pcrseal_attestation *make_pcrseal_attestation(void)
{
    pcrseal_attestation *attestation = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_verify_without_appraisal(world.verifier, world.document.data, world.document.len, world.now_ms,
                                          &attestation, &error),
         error);
    return attestation;
}

static inline pcrseal_recipient *make_pcrseal_recipient(void)
{
    pcrseal_recipient *recipient = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_recipient_new(&recipient, &error), error);
    return recipient;
}

static inline void unseal(pcrseal_secret **secret, pcrseal_report **report)
{
    pcrseal_error *error = NULL;

    NEED(pcrseal_unseal(world.session, world.blob.data, world.blob.len, NULL, secret, report, &error), error);
}

static inline pcrseal_secret *make_pcrseal_secret(void)
{
    pcrseal_secret *secret = NULL;

    unseal(&secret, NULL);
    return secret;
}

static inline pcrseal_report *make_pcrseal_report(void)
{
    pcrseal_secret *secret = NULL;
    pcrseal_report *report = NULL;

    unseal(&secret, &report);
    pcrseal_secret_free(secret);
    return report;
}

static inline pcrseal_error *make_pcrseal_error(void)
{
    pcrseal_quorum *quorum = NULL;
    pcrseal_error *error = NULL;

    EXPECT(PCRSEAL_E_UNKNOWN_CONSTANT, pcrseal_quorum_new(2, 77, &quorum, &error));
    NEED_THAT(error != NULL);
    return error;
}

/* Seals `world.secret`. */
static inline struct bytes make_blob(void)
{
    static uint8_t blob[65536];
    pcrseal_error *error = NULL;
    size_t len = 0;

    NEED(pcrseal_import_vouched(world.session, world.secret.data, world.secret.len, NULL, blob, sizeof blob, &len, NULL,
                                &error),
         error);
    return copy_of(blob, len);
}

static inline struct bytes make_both(void)
{
    static uint8_t both[65536];
    pcrseal_error *error = NULL;
    size_t len = 0;

    NEED(pcrseal_add_binding(world.session, world.blob.data, world.blob.len, world.pcrs, both, sizeof both, &len, &error),
         error);
    return copy_of(both, len);
}

static inline pcrseal_host_unseal *make_pcrseal_host_unseal(void)
{
    pcrseal_host_unseal *unseal = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_host_unseal_begin(world.host_session, world.blob.data, world.blob.len, &unseal, &error), error);
    return unseal;
}

static inline pcrseal_kms_request *make_pcrseal_kms_request(void)
{
    pcrseal_host_unseal *unseal = make_pcrseal_host_unseal();
    pcrseal_kms_request *request = NULL;
    pcrseal_error *error = NULL;

    NEED(pcrseal_host_unseal_next_request(unseal, &request, &error), error);
    NEED_THAT(request != NULL);
    pcrseal_host_unseal_free(unseal);
    return request;
}

static inline struct bytes make_document(void)
{
    static uint8_t document[PCRSEAL_ATTESTATION_DOCUMENT_MAX];
    const struct bytes nonce = BYTES("nonce");
    pcrseal_error *error = NULL;
    size_t len = 0;

    NEED(pcrseal_attester_attest(world.attester, NULL, 0, NULL, 0, nonce.data, nonce.len, document, sizeof document,
                                 &len, &error),
         error);
    return copy_of(document, len);
}

static inline struct bytes make_shares(void)
{
    uint8_t shares[256];
    pcrseal_error *error = NULL;
    size_t len = 0;

    NEED(pcrseal_shamir_split(world.secret.data, world.secret.len, 2, 3, shares, sizeof shares, &len, &error), error);
    return copy_of(shares, len);
}

/* `nitro-cli`'s JSON for another image than the emulator's: PCR0, PCR1 and PCR2 are 48 bytes of b0, b1 and b2. */
static inline struct bytes make_measurements_json(void)
{
    char json[1024], *at = json;
    int pcr, byte;

    at += sprintf(at, "{\"Measurements\":{\"HashAlgorithm\":\"Sha384 { ... }\"");
    for (pcr = 0; pcr < 3; pcr++) {
        at += sprintf(at, ",\"PCR%d\":\"", pcr);
        for (byte = 0; byte < PCRSEAL_PCR_LEN; byte++) {
            at += sprintf(at, "b%d", pcr);
        }
        at += sprintf(at, "\"");
    }
    at += sprintf(at, "}}");
    return copy_of(json, (size_t)(at - json));
}

static inline uint64_t now_ms(void)
{
    return (uint64_t)time(NULL) * 1000;
}

static inline void world_open(void)
{
    const char *folder = getenv("PCRSEAL_TEST_WORLD"), *config;
    uint8_t value[PCRSEAL_PCR_LEN];

    NEED_THAT(folder != NULL);
    memset(value, 0xa0, sizeof value);
    world.pcr_value = copy_of(value, sizeof value);
    memset(value, 0x5c, sizeof value);
    world.secret = copy_of(value, 32);
    world.config_json = file_read(folder, "session.json");
    config = (const char *)world.config_json.data;
    world.root_pem = file_read(folder, "root.pem");
    world.root_der = pem_decode(world.root_pem);
    world.measurements_json = make_measurements_json();
    NEED_THAT(config_text(&config, "\"keys\": [\n      \"", world.key_arn, sizeof world.key_arn));

    world.cancel = make_pcrseal_cancel();
    world.quorum = make_pcrseal_quorum();
    world.pcrs = make_pcrseal_pcr_set();
    world.config = make_pcrseal_config();
    world.attester = make_pcrseal_attester();
    world.verifier = make_pcrseal_verifier();
    world.policy = make_pcrseal_attestation_policy();
    world.session = make_pcrseal_session();
    world.host_session = make_host_session();
    world.recipient = make_pcrseal_recipient();
    world.shares = make_shares();
    world.blob = make_blob();
    world.both = make_both();
    world.document = make_document();
    world.now_ms = now_ms();
    world.attestation = make_pcrseal_attestation();
    world.request = make_pcrseal_kms_request();
}

static inline void world_close(void)
{
    pcrseal_attestation_free(world.attestation);
    pcrseal_recipient_free(world.recipient);
    pcrseal_kms_request_free(world.request);
    pcrseal_session_free(world.host_session);
    pcrseal_session_free(world.session);
    pcrseal_attestation_policy_free(world.policy);
    pcrseal_verifier_free(world.verifier);
    pcrseal_attester_free(world.attester);
    pcrseal_config_free(world.config);
    pcrseal_pcr_set_free(world.pcrs);
    pcrseal_quorum_free(world.quorum);
    pcrseal_cancel_free(world.cancel);
    bytes_free(&world.config_json);
    bytes_free(&world.measurements_json);
    bytes_free(&world.root_pem);
    bytes_free(&world.root_der);
    bytes_free(&world.pcr_value);
    bytes_free(&world.secret);
    bytes_free(&world.shares);
    bytes_free(&world.blob);
    bytes_free(&world.both);
    bytes_free(&world.document);
}

#endif
