/*
 * Seals a new master key, and unseals it as a restarted enclave would.
 *
 *     seal_unseal CONFIG.json BLOB
 *
 * CONFIG.json is described in docs/CONFIGURATION.md: the keys and their threshold, where the Nitro Secure Module is, how
 * KMS is reached. The blob is public: any place that lasts is good enough for BLOB.
 */
#include <pcrseal.h>

#include <stdio.h>
#include <stdlib.h>

#define MASTER_KEY_LEN 32

/* A whole file, to be freed; NULL after it has said why not. */
static uint8_t *read_file(const char *path, size_t *len)
{
    static const size_t capacity = 1 << 20;
    uint8_t *data = NULL;
    FILE *file = fopen(path, "rb");

    if (file == NULL || (data = malloc(capacity)) == NULL) {
        perror(path);
        goto done;
    }
    *len = fread(data, 1, capacity, file);
    if (ferror(file) || *len == capacity) {
        fprintf(stderr, "%s: cannot be read, or is too long\n", path);
        free(data);
        data = NULL;
    }
done:
    if (file != NULL) {
        fclose(file);
    }
    return data;
}

static int write_file(const char *path, const uint8_t *data, size_t len)
{
    FILE *file = fopen(path, "wb");
    int failed = file == NULL || fwrite(data, 1, len, file) != len;

    if (file != NULL) {
        failed |= fclose(file) != 0;
    }
    if (failed) {
        perror(path);
    }
    return failed ? -1 : 0;
}

/* What every key answered. */
static void print_report(const pcrseal_report *report)
{
    size_t row;

    for (row = 0; row < pcrseal_report_len(report); row++) {
        const char *hint = pcrseal_report_hint(report, row);

        printf("  %-14s %4lld ms  %s\n", pcrseal_report_outcome(report, row),
               (long long)pcrseal_report_milliseconds(report, row), pcrseal_report_key_arn(report, row));
        if (hint != NULL) {
            printf("  %s\n", hint);
        }
    }
}

/* Says why a call failed, and frees the error. */
static void explain(const char *what, pcrseal_error *error)
{
    fprintf(stderr, "%s: %s (%s)\n", what, pcrseal_error_message(error),
            pcrseal_status_name(pcrseal_error_status(error)));
    print_report(pcrseal_error_report(error));
    pcrseal_error_free(error);
}

/* A session by the configuration in a file; NULL after it has said why not. */
static pcrseal_session *open_session(const char *path)
{
    pcrseal_config *config = NULL;
    pcrseal_session *session = NULL;
    pcrseal_error *error = NULL;
    size_t json_len = 0;
    uint8_t *json = read_file(path, &json_len);

    if (json == NULL) {
        return NULL;
    }
    if (pcrseal_config_from_json(json, json_len, &config, &error) != PCRSEAL_OK
        || pcrseal_session_new(config, &session, &error) != PCRSEAL_OK) {
        explain(path, error);
    }
    pcrseal_config_free(config);
    /* It may hold credentials. */
    pcrseal_zeroize(json, json_len);
    free(json);
    return session;
}

/* Once in a cluster's life: a new master key, sealed. The secret itself is not needed yet. */
static int seal(const pcrseal_session *session, const char *path)
{
    pcrseal_report *report = NULL;
    pcrseal_error *error = NULL;
    uint8_t *blob = NULL;
    size_t capacity = 0, len = 0;
    int result = -1;

    if (pcrseal_max_blob_len(session, MASTER_KEY_LEN, &capacity, &error) != PCRSEAL_OK) {
        explain("cannot seal", error);
        goto done;
    }
    blob = malloc(capacity);
    if (blob == NULL) {
        perror("malloc");
        goto done;
    }
    if (pcrseal_generate(session, MASTER_KEY_LEN, NULL, blob, capacity, &len, NULL, &report, &error) != PCRSEAL_OK) {
        explain("cannot seal", error);
        goto done;
    }
    printf("sealed %d bytes in a blob of %zu bytes, which was opened once to prove it:\n", MASTER_KEY_LEN, len);
    print_report(report);
    result = write_file(path, blob, len);
done:
    pcrseal_report_free(report);
    free(blob);
    return result;
}

/* At every start: the master key, in memory that is locked and wiped when it is freed. */
static int unseal(const pcrseal_session *session, const char *path)
{
    pcrseal_secret *secret = NULL;
    pcrseal_report *report = NULL;
    pcrseal_error *error = NULL;
    size_t len = 0;
    uint8_t *blob = read_file(path, &len);
    int result = -1;

    if (blob == NULL) {
        goto done;
    }
    if (pcrseal_unseal(session, blob, len, NULL, &secret, &report, &error) != PCRSEAL_OK) {
        explain("cannot unseal", error);
        goto done;
    }
    printf("unsealed %zu bytes:\n", pcrseal_secret_len(secret));
    print_report(report);
    /* Here the program would use pcrseal_secret_data(secret, &len). */
    result = 0;
done:
    pcrseal_secret_free(secret);
    pcrseal_report_free(report);
    free(blob);
    return result;
}

int main(int argc, char **argv)
{
    pcrseal_session *session;
    int result = EXIT_FAILURE;

    if (argc != 3) {
        fprintf(stderr, "usage: %s CONFIG.json BLOB\n", argv[0]);
        return 2;
    }
    session = open_session(argv[1]);
    if (session == NULL || seal(session, argv[2]) != 0) {
        goto done;
    }
    /* The enclave restarts: nothing is left of it but the blob. */
    pcrseal_session_free(session);
    session = open_session(argv[1]);
    if (session != NULL && unseal(session, argv[2]) == 0) {
        result = EXIT_SUCCESS;
    }
done:
    pcrseal_session_free(session);
    return result;
}
