/* A tour of the interface: what functions give when all is well, sizes that are asked for, errors that say why. */
#include "world.h"

/* A buffer between two canaries. */
struct guarded {
    uint8_t before[32];
    uint8_t data[32768];
    uint8_t after[32];
};

static void guard(struct guarded *buffer)
{
    memset(buffer, 0xc7, sizeof *buffer);
}

static bool is_guarded(const uint8_t *data, size_t len)
{
    while (len > 0) {
        if (data[--len] != 0xc7) {
            return false;
        }
    }
    return true;
}

/* Nothing was written but the first `len` bytes. */
static bool wrote_only(const struct guarded *buffer, size_t len)
{
    return is_guarded(buffer->before, sizeof buffer->before) && is_guarded(buffer->after, sizeof buffer->after)
           && is_guarded(buffer->data + len, sizeof buffer->data - len);
}

static bool equal(const uint8_t *data, size_t len, struct bytes expected)
{
    return data != NULL && len == expected.len && memcmp(data, expected.data, len) == 0;
}

static bool secret_is(const pcrseal_secret *secret, struct bytes expected)
{
    size_t len = 77;
    const uint8_t *data = pcrseal_secret_data(secret, &len);

    return pcrseal_secret_len(secret) == len && equal(data, len, expected);
}

static bool contains(const uint8_t *text, size_t len, const char *part)
{
    size_t part_len = strlen(part), at;

    for (at = 0; at + part_len <= len; at++) {
        if (memcmp(text + at, part, part_len) == 0) {
            return true;
        }
    }
    return false;
}

/* The error says this status, and the message names this. Frees it. */
static void check_error(pcrseal_error **error, pcrseal_status status, const char *named)
{
    const char *message = pcrseal_error_message(*error);

    CHECK(pcrseal_error_status(*error) == status);
    if (!CHECK(message != NULL && strstr(message, named) != NULL)) {
        fprintf(stderr, "    the message is: %s\n", message);
    }
    pcrseal_error_free(*error);
    *error = NULL;
}

static void statuses(void)
{
    CHECK(PCRSEAL_OK == 0);
    CHECK(strcmp(pcrseal_status_name(PCRSEAL_OK), "ok") == 0);
    CHECK(strcmp(pcrseal_status_name(PCRSEAL_E_PCR_DRIFT), "pcr_drift") == 0);
    CHECK(strcmp(pcrseal_status_name(3), "unknown") == 0);
    CHECK(strlen(pcrseal_status_message(PCRSEAL_E_PCR_DRIFT)) > 0);
    CHECK(pcrseal_abi_version() == PCRSEAL_ABI_VERSION);
    CHECK(pcrseal_has_feature("log") && !pcrseal_has_feature("no such feature") && !pcrseal_has_feature(NULL));
}

/* Everything is freed as NULL. */
static void freed_nulls(void)
{
    pcrseal_attestation_free(NULL);
    pcrseal_attestation_policy_free(NULL);
    pcrseal_attester_free(NULL);
    pcrseal_cancel_free(NULL);
    pcrseal_config_free(NULL);
    pcrseal_error_free(NULL);
    pcrseal_host_unseal_free(NULL);
    pcrseal_kms_request_free(NULL);
    pcrseal_pcr_set_free(NULL);
    pcrseal_quorum_free(NULL);
    pcrseal_recipient_free(NULL);
    pcrseal_report_free(NULL);
    pcrseal_secret_free(NULL);
    pcrseal_session_free(NULL);
    pcrseal_verifier_free(NULL);
}

static void pcr_sets(void)
{
    static struct guarded value;
    pcrseal_pcr_set *pcrs = NULL;
    pcrseal_error *error = NULL;
    size_t len = 0;

    NEED(pcrseal_pcr_set_new(&pcrs, &error), error);
    CHECK(pcrseal_pcr_set_selection(pcrs) == 0);
    EXPECT(PCRSEAL_OK, pcrseal_pcr_set_insert(pcrs, 5, world.pcr_value.data, world.pcr_value.len, &error));
    CHECK(pcrseal_pcr_set_selection(pcrs) == 1u << 5);
    EXPECT(PCRSEAL_E_PCR_INDEX, pcrseal_pcr_set_insert(pcrs, 32, world.pcr_value.data, world.pcr_value.len, &error));
    check_error(&error, PCRSEAL_E_PCR_INDEX, "32");
    EXPECT(PCRSEAL_E_PCR_LENGTH, pcrseal_pcr_set_insert(pcrs, 6, world.pcr_value.data, 47, &error));
    check_error(&error, PCRSEAL_E_PCR_LENGTH, "47");

    guard(&value);
    EXPECT(PCRSEAL_E_BUFFER_TOO_SMALL, pcrseal_pcr_set_value(pcrs, 5, NULL, 0, &len, NULL));
    CHECK(len == PCRSEAL_PCR_LEN);
    EXPECT(PCRSEAL_E_BUFFER_TOO_SMALL, pcrseal_pcr_set_value(pcrs, 5, value.data, len - 1, &len, NULL));
    CHECK(len == PCRSEAL_PCR_LEN && wrote_only(&value, 0));
    EXPECT(PCRSEAL_OK, pcrseal_pcr_set_value(pcrs, 5, value.data, len, &len, NULL));
    CHECK(equal(value.data, len, world.pcr_value) && wrote_only(&value, len));
    EXPECT(PCRSEAL_E_PCR_MISSING, pcrseal_pcr_set_value(pcrs, 6, value.data, sizeof value.data, &len, &error));
    CHECK(len == 0);
    check_error(&error, PCRSEAL_E_PCR_MISSING, "6");
    pcrseal_pcr_set_free(pcrs);
}

static void shares(void)
{
    static struct guarded buffer;
    uint8_t swapped[66];
    size_t len = 0;

    guard(&buffer);
    EXPECT(PCRSEAL_E_BUFFER_TOO_SMALL,
           pcrseal_shamir_split(world.secret.data, world.secret.len, 2, 3, NULL, 0, &len, NULL));
    CHECK(len == 3 * (world.secret.len + 1));
    EXPECT(PCRSEAL_OK,
           pcrseal_shamir_split(world.secret.data, world.secret.len, 2, 3, buffer.data, len, &len, NULL));
    CHECK(wrote_only(&buffer, len));
    /* The third share and the first. */
    memcpy(swapped, buffer.data + 66, 33);
    memcpy(swapped + 33, buffer.data, 33);
    guard(&buffer);
    EXPECT(PCRSEAL_OK, pcrseal_shamir_combine(swapped, sizeof swapped, 2, buffer.data, sizeof buffer.data, &len, NULL));
    CHECK(equal(buffer.data, len, world.secret) && wrote_only(&buffer, len));
    pcrseal_zeroize(buffer.data, len);
    CHECK(buffer.data[0] == 0 && memcmp(buffer.data, buffer.data + 1, len - 1) == 0 && wrote_only(&buffer, len));
}

static void attestations(void)
{
    const struct bytes user_data = BYTES("user data"), nonce = BYTES("nonce"), other = BYTES("another");
    static struct guarded document;
    pcrseal_attestation_policy *policy = NULL;
    pcrseal_attestation *attestation = NULL;
    pcrseal_error *error = NULL;
    const uint8_t *data;
    size_t len = 0, public_key_len = 0;
    const uint8_t *public_key = pcrseal_recipient_public_key(world.recipient, &public_key_len);

    guard(&document);
    EXPECT(PCRSEAL_E_BUFFER_TOO_SMALL,
           pcrseal_attester_attest(world.attester, NULL, 0, NULL, 0, NULL, 0, NULL, 0, &len, NULL));
    CHECK(len == PCRSEAL_ATTESTATION_DOCUMENT_MAX);
    NEED(pcrseal_attester_attest(world.attester, public_key, public_key_len, user_data.data, user_data.len, nonce.data,
                                 nonce.len, document.data, sizeof document.data, &len, &error),
         error);
    CHECK(wrote_only(&document, len));

    NEED(pcrseal_attestation_policy_new(PCRSEAL_ATTESTATION_ENCLAVE, &policy, &error), error);
    EXPECT(PCRSEAL_E_ATTESTATION_POLICY_EMPTY,
           pcrseal_verify(world.verifier, document.data, len, now_ms(), policy, &attestation, NULL));
    CHECK(attestation == NULL);
    NEED(pcrseal_attestation_policy_require_pcr(policy, 0, world.pcr_value.data, world.pcr_value.len, &error), error);
    NEED(pcrseal_attestation_policy_require_nonce(policy, nonce.data, nonce.len, &error), error);
    NEED(pcrseal_attestation_policy_require_fresh(policy, 60000, 60000, &error), error);
    EXPECT(PCRSEAL_OK, pcrseal_verify(world.verifier, document.data, len, now_ms(), policy, &attestation, &error));
    CHECK(error == NULL);
    CHECK(pcrseal_attestation_kind(attestation) == PCRSEAL_ATTESTATION_ENCLAVE);
    CHECK(strncmp(pcrseal_attestation_module_id(attestation), "i-", 2) == 0);
    CHECK(strncmp(pcrseal_attestation_module_id(attestation), pcrseal_attestation_instance_id(attestation),
                  strlen(pcrseal_attestation_instance_id(attestation)))
          == 0);
    CHECK(pcrseal_attestation_timestamp_ms(attestation) / 100000 <= now_ms() / 100000 + 1);
    CHECK((pcrseal_attestation_pcr_selection(attestation) & 7) == 7);
    {
        size_t at = 0;

        data = pcrseal_attestation_pcr(attestation, 0, &at);
        CHECK(equal(data, at, world.pcr_value));
        CHECK(pcrseal_attestation_pcr(attestation, 31, &at) == NULL && at == 0);
        data = pcrseal_attestation_public_key(attestation, &at);
        CHECK(at == public_key_len && memcmp(data, public_key, at) == 0);
        data = pcrseal_attestation_user_data(attestation, &at);
        CHECK(equal(data, at, user_data));
        data = pcrseal_attestation_nonce(attestation, &at);
        CHECK(equal(data, at, nonce));
    }
    pcrseal_attestation_free(attestation);

    /* AWS's root did not sign it; a byte of it is another; another nonce is demanded. */
    {
        pcrseal_verifier *amazon = NULL;

        NEED(pcrseal_verifier_new(NULL, 0, &amazon, &error), error);
        EXPECT(PCRSEAL_E_CERTIFICATE_ROOT,
               pcrseal_verify(amazon, document.data, len, now_ms(), policy, &attestation, &error));
        CHECK(attestation == NULL);
        check_error(&error, PCRSEAL_E_CERTIFICATE_ROOT, "root");
        pcrseal_verifier_free(amazon);
    }
    NEED(pcrseal_attestation_policy_require_nonce(policy, other.data, other.len, &error), error);
    EXPECT(PCRSEAL_E_ATTESTATION_REFUSED,
           pcrseal_verify(world.verifier, document.data, len, now_ms(), policy, &attestation, &error));
    check_error(&error, PCRSEAL_E_ATTESTATION_REFUSED, "nonce");
    document.data[len - 1] ^= 1;
    EXPECT(PCRSEAL_E_COSE_SIGNATURE_REJECTED,
           pcrseal_verify_without_appraisal(world.verifier, document.data, len, now_ms(), &attestation, NULL));
    CHECK(attestation == NULL);
    pcrseal_attestation_policy_free(policy);
}

static void check_report(const pcrseal_report *report, size_t rows, size_t granted)
{
    size_t row, found = 0;

    CHECK(pcrseal_report_len(report) == rows);
    for (row = 0; row < rows; row++) {
        bool is_granted = strcmp(pcrseal_report_outcome(report, row), "granted") == 0;

        found += is_granted;
        CHECK(strncmp(pcrseal_report_key_arn(report, row), "arn:aws:kms:", 12) == 0);
        CHECK(!is_granted || pcrseal_report_milliseconds(report, row) >= 0);
        CHECK(!is_granted || pcrseal_report_status(report, row) == PCRSEAL_OK);
        CHECK(!is_granted || pcrseal_report_aws_code(report, row) == NULL);
    }
    CHECK(found >= granted);
    CHECK(pcrseal_report_key_arn(report, rows) == NULL && pcrseal_report_outcome(report, rows) == NULL);
}

/* Seals, unseals, reseals; the secret stays the same, and the generation rises. */
static void seals(void)
{
    static struct guarded blob, resealed, secret_buffer, json;
    pcrseal_secret *first = NULL, *second = NULL;
    pcrseal_report *report = NULL;
    pcrseal_error *error = NULL;
    size_t max = 0, blob_len = 0, resealed_len = 0, len = 0;

    NEED(pcrseal_max_blob_len(world.session, 48, &max, &error), error);
    guard(&blob);
    EXPECT(PCRSEAL_E_BUFFER_TOO_SMALL,
           pcrseal_generate(world.session, 48, NULL, blob.data, max - 1, &blob_len, &first, &report, &error));
    CHECK(blob_len == max && first == NULL && report == NULL && wrote_only(&blob, 0));
    check_error(&error, PCRSEAL_E_BUFFER_TOO_SMALL, "blob");
    NEED(pcrseal_generate(world.session, 48, NULL, blob.data, max, &blob_len, &first, &report, &error), error);
    CHECK(blob_len <= max && wrote_only(&blob, blob_len) && pcrseal_secret_len(first) == 48);
    check_report(report, 3, 2);
    pcrseal_report_free(report);

    NEED(pcrseal_unseal(world.session, blob.data, blob_len, NULL, &second, &report, &error), error);
    {
        struct bytes generated;

        generated.data = pcrseal_secret_data(first, &generated.len);
        CHECK(secret_is(second, generated));
        pcrseal_secret_free(second);
        check_report(report, 3, 2);
        pcrseal_report_free(report);

        guard(&secret_buffer);
        EXPECT(PCRSEAL_OK, pcrseal_unsealed_len(world.session, blob.data, blob_len, &len, &error));
        CHECK(len == 48);
        EXPECT(PCRSEAL_E_BUFFER_TOO_SMALL, pcrseal_unseal_into(world.session, blob.data, blob_len, NULL,
                                                               secret_buffer.data, 47, &len, NULL, NULL));
        CHECK(len == 48 && wrote_only(&secret_buffer, 0));
        NEED(pcrseal_unseal_into(world.session, blob.data, blob_len, NULL, secret_buffer.data, len, &len, NULL, &error),
             error);
        CHECK(equal(secret_buffer.data, len, generated) && wrote_only(&secret_buffer, len));
        pcrseal_zeroize(secret_buffer.data, len);

        guard(&resealed);
        NEED(pcrseal_reseal(world.session, blob.data, blob_len, NULL, resealed.data, sizeof resealed.data,
                            &resealed_len, &second, NULL, &error),
             error);
        CHECK(secret_is(second, generated) && wrote_only(&resealed, resealed_len));
        pcrseal_secret_free(second);
        pcrseal_secret_free(first);
    }

    guard(&json);
    EXPECT(PCRSEAL_E_BUFFER_TOO_SMALL, pcrseal_inspect(resealed.data, resealed_len, NULL, 0, NULL, 0, &len, NULL));
    EXPECT(PCRSEAL_OK, pcrseal_inspect(resealed.data, resealed_len, NULL, 0, json.data, len, &len, &error));
    CHECK(wrote_only(&json, len));
    CHECK(contains(json.data, len, "\"cluster\":\"emulator\"") && contains(json.data, len, world.key_arn));
    CHECK(contains(json.data, len, "\"secret_len\":48"));

    blob.data[blob_len / 2] ^= 1;
    second = (pcrseal_secret *)&error;
    EXPECT(PCRSEAL_E_CONTENT_REJECTED,
           pcrseal_unseal(world.session, blob.data, blob_len, NULL, &second, &report, &error));
    CHECK(second == NULL && report == NULL);
    check_error(&error, PCRSEAL_E_CONTENT_REJECTED, "");
}

/* A second image is let in, and out again. */
static void bindings(void)
{
    static struct guarded both, one;
    pcrseal_pcr_set *pcrs = NULL;
    pcrseal_error *error = NULL;
    uint8_t value[PCRSEAL_PCR_LEN];
    uint32_t index;
    size_t both_len = 0, one_len = 0, needed = 0;

    NEED(pcrseal_pcr_set_new(&pcrs, &error), error);
    for (index = 0; index < 3; index++) {
        memset(value, 0xb0 + (int)index, sizeof value);
        NEED(pcrseal_pcr_set_insert(pcrs, index, value, sizeof value, &error), error);
    }
    guard(&both);
    guard(&one);
    EXPECT(PCRSEAL_E_BUFFER_TOO_SMALL,
           pcrseal_add_binding(world.session, world.blob.data, world.blob.len, pcrs, NULL, 0, &needed, NULL));
    EXPECT(PCRSEAL_OK, pcrseal_add_binding(world.session, world.blob.data, world.blob.len, pcrs, both.data, needed,
                                           &both_len, NULL));
    CHECK(both_len == needed && wrote_only(&both, both_len));
    EXPECT(PCRSEAL_E_BINDING_DUPLICATE,
           pcrseal_add_binding(world.session, both.data, both_len, pcrs, one.data, sizeof one.data, &one_len, NULL));
    CHECK(one_len == 0 && wrote_only(&one, 0));
    EXPECT(PCRSEAL_OK, pcrseal_drop_binding(both.data, both_len, pcrs, one.data, sizeof one.data, &one_len, NULL));
    CHECK(equal(one.data, one_len, world.blob) && wrote_only(&one, one_len));
    EXPECT(PCRSEAL_E_BINDING_UNKNOWN,
           pcrseal_drop_binding(one.data, one_len, pcrs, both.data, sizeof both.data, &both_len, NULL));
    pcrseal_pcr_set_free(pcrs);
}

/* Whoever moves the bytes gets requests, and says what came of them: here that nothing did. */
static void host_unseals(void)
{
    pcrseal_host_unseal *unseal = make_pcrseal_host_unseal();
    pcrseal_kms_request *request = NULL;
    pcrseal_secret *secret = NULL;
    pcrseal_error *error = NULL;
    uint32_t count = 0;

    EXPECT(PCRSEAL_E_CONFIG_TRANSPORT, pcrseal_unseal(world.host_session, world.blob.data, world.blob.len, NULL, &secret,
                                                      NULL, NULL));
    CHECK(pcrseal_host_unseal_needed(unseal) == 2 && !pcrseal_host_unseal_is_ready(unseal));
    for (;;) {
        size_t len = 0;
        const uint8_t *body;

        NEED(pcrseal_host_unseal_next_request(unseal, &request, &error), error);
        if (request == NULL) {
            break;
        }
        body = pcrseal_kms_request_body(request, &len);
        CHECK(contains(body, len, "\"CiphertextBlob\"") && contains(body, len, "\"Recipient\""));
        CHECK(pcrseal_kms_request_position(request) == ++count);
        CHECK(strcmp(pcrseal_kms_request_target(request), "TrentService.Decrypt") == 0);
        CHECK(strstr(pcrseal_kms_request_key_arn(request), pcrseal_kms_request_region(request)) != NULL);
        CHECK(strstr(pcrseal_kms_request_host(request), pcrseal_kms_request_region(request)) != NULL);
        EXPECT(PCRSEAL_OK, pcrseal_host_unseal_failed(unseal, pcrseal_kms_request_position(request),
                                                      PCRSEAL_OUTCOME_TIMEOUT, 250, NULL));
        pcrseal_kms_request_free(request);
    }
    CHECK(count == 3);
    EXPECT(PCRSEAL_E_UNKNOWN_SHARE, pcrseal_host_unseal_failed(unseal, 4, PCRSEAL_OUTCOME_TIMEOUT, -1, NULL));
    EXPECT(PCRSEAL_E_QUORUM_NOT_REACHED, pcrseal_host_unseal_finish(unseal, &secret, NULL, &error));
    CHECK(secret == NULL && pcrseal_report_len(pcrseal_error_report(error)) == 3);
    CHECK(strcmp(pcrseal_report_outcome(pcrseal_error_report(error), 1), "timeout") == 0);
    CHECK(pcrseal_report_milliseconds(pcrseal_error_report(error), 1) == 250);
    pcrseal_error_free(error);
    EXPECT(PCRSEAL_E_FINISHED, pcrseal_host_unseal_finish(unseal, &secret, NULL, NULL));
    pcrseal_host_unseal_free(unseal);
}

/* Every genuine document that lies beside the checkout, at the time at which it was made and today. */
static void genuine_documents(void)
{
    const char *folder = getenv("PCRSEAL_TEST_DOCUMENTS"), *at;
    struct bytes index;
    pcrseal_verifier *verifier = NULL;
    pcrseal_error *error = NULL;
    char name[256];
    unsigned count = 0;

    if (folder == NULL) {
        printf("tour: no genuine documents: ../shared/vectors is not beside this checkout\n");
        return;
    }
    NEED(pcrseal_verifier_new(NULL, 0, &verifier, &error), error);
    index = file_read(folder, "index.json");
    for (at = (const char *)index.data; config_text(&at, "\"file\": \"", name, sizeof name);) {
        const char *timestamp = strstr(at, "\"timestamp_ms\": ");
        pcrseal_attestation *attestation = NULL;
        struct bytes document;
        uint64_t made_ms;

        if (timestamp == NULL || strncmp(name, "negative", 8) == 0) {
            continue;
        }
        made_ms = strtoull(timestamp + strlen("\"timestamp_ms\": "), NULL, 10);
        document = file_read(folder, name);
        NEED(pcrseal_verify_without_appraisal(verifier, document.data, document.len, made_ms, &attestation, &error),
             error);
        CHECK(pcrseal_attestation_timestamp_ms(attestation) == made_ms);
        CHECK((strstr(name, "nitrotpm") != NULL)
              == (pcrseal_attestation_kind(attestation) == PCRSEAL_ATTESTATION_NITRO_TPM));
        pcrseal_attestation_free(attestation);
        EXPECT(PCRSEAL_E_CERTIFICATE_EXPIRED, pcrseal_verify_without_appraisal(
                                                  verifier, document.data, document.len, now_ms(), &attestation, NULL));
        CHECK(attestation == NULL);
        bytes_free(&document);
        count++;
    }
    CHECK(count > 0);
    printf("tour: %u genuine documents\n", count);
    pcrseal_verifier_free(verifier);
    bytes_free(&index);
}

int main(void)
{
    world_open();
    statuses();
    freed_nulls();
    pcr_sets();
    shares();
    attestations();
    seals();
    bindings();
    host_unseals();
    genuine_documents();
    world_close();
    return test_result("tour");
}
