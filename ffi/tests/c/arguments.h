/* What the program that `cargo run -p pcrseal-header -- arguments` writes rests on: it calls every function of the header
 * with good arguments, and with each of them at fault in turn. */
#ifndef PCRSEAL_ARGUMENTS_H
#define PCRSEAL_ARGUMENTS_H

#include "world.h"

/* What is in every output before a call. */
#define GARBAGE ((void *)(uintptr_t)0xa5a5a5a5a5a5a5a0)
#define GARBAGE_NUMBER 0xa5a5a5a5
#define GARBAGE_BYTE 0xa5

#define TOO_LONG ((size_t)PTRDIFF_MAX + 1)
#define MISALIGNED(pointer) ((void *)((uintptr_t)(pointer) + 1))
/* Any that the library knows. */
#define ANY_STATUS 0xffffffff

/* Where buffers are; behind each other, so that a write beyond the first is seen in the second. */
static struct {
    size_t aligned;
    uint8_t output[32768];
    uint8_t data[64];
} buffers;

static void buffers_fill(void)
{
    memset(&buffers, GARBAGE_BYTE, sizeof buffers);
}

/* Where everything takes fifty times as long. */
static bool is_brief(void)
{
    return getenv("PCRSEAL_TEST_BRIEF") != NULL;
}

static bool is_garbage(const uint8_t *data, size_t len)
{
    size_t at;

    for (at = 0; at < len; at++) {
        if (data[at] != GARBAGE_BYTE) {
            return false;
        }
    }
    return true;
}

#define CHECK_OF(what, condition) check_of((what), (condition), #condition, __LINE__)

static void check_of(const char *what, bool held, const char *condition, int line)
{
    char text[512];

    snprintf(text, sizeof text, "%s: %s", what, condition);
    test_check(held, text, "arguments.c", line);
}

#define CHECK_STATUS(what, status, expected) check_status((what), (status), (expected), __LINE__)

static void check_status(const char *what, pcrseal_status status, pcrseal_status expected, int line)
{
    if (expected != ANY_STATUS) {
        test_status(what, status, expected, "arguments.c", line);
    }
    CHECK_OF(what, strcmp(pcrseal_status_name(status), "unknown") != 0);
    CHECK_OF(what, status != PCRSEAL_E_PANIC);
}

/* The error tells the status, unless it was not to be had. */
#define CHECK_ERROR(what, status) check_error((what), (status), error == &error_value, error_value)

static void check_error(const char *what, pcrseal_status status, bool wanted, pcrseal_error *error)
{
    if (!wanted) {
        CHECK_OF(what, error == GARBAGE);
    } else if (status == PCRSEAL_OK) {
        CHECK_OF(what, error == NULL);
    } else {
        CHECK_OF(what, error != NULL && error != GARBAGE);
        CHECK_OF(what, pcrseal_error_status(error) == status);
        CHECK_OF(what, pcrseal_error_message(error) != NULL);
        CHECK_OF(what, pcrseal_error_report(error) != NULL);
        pcrseal_error_free(error);
    }
}

/* A handle after a success, NULL after a failure, and nothing where the output was elsewhere. */
#define CHECK_NEW_HANDLE(what, status, output, type)                                                                   \
    do {                                                                                                               \
        if (output != &output##_value || (status) == PCRSEAL_E_OVERLAP) {                                              \
            CHECK_OF(what, output##_value == GARBAGE);                                                                 \
        } else if ((status) == PCRSEAL_OK) {                                                                           \
            CHECK_OF(what, output##_value != NULL && output##_value != GARBAGE);                                       \
            type##_free(output##_value);                                                                               \
        } else {                                                                                                       \
            CHECK_OF(what, output##_value == NULL);                                                                    \
        }                                                                                                              \
    } while (0)

#define CHECK_NEW_NUMBER(what, status, output)                                                                         \
    do {                                                                                                               \
        if (output != &output##_value || (status) == PCRSEAL_E_OVERLAP) {                                              \
            CHECK_OF(what, output##_value == GARBAGE_NUMBER);                                                          \
        } else if ((status) == PCRSEAL_OK) {                                                                           \
            CHECK_OF(what, output##_value != GARBAGE_NUMBER);                                                          \
        } else {                                                                                                       \
            CHECK_OF(what, output##_value == 0);                                                                       \
        }                                                                                                              \
    } while (0)

/* Bytes and their number after a success; the number of bytes that are needed where they did not fit; 0 after every other
 * failure; and nothing beyond what is said to have been written. */
#define CHECK_BUFFER(what, status, buffer, capacity, len)                                                              \
    check_buffer((what), (status), buffer == (void *)buffers.output, (capacity), len == &len##_value, len##_value)

static void check_buffer(const char *what, pcrseal_status status, bool own, size_t capacity, bool own_len, size_t len)
{
    size_t written = 0;

    if (!own_len || status == PCRSEAL_E_OVERLAP) {
        CHECK_OF(what, len == GARBAGE_NUMBER);
    } else if (status == PCRSEAL_OK) {
        CHECK_OF(what, own && len > 0 && len <= capacity);
        written = len;
    } else if (status == PCRSEAL_E_BUFFER_TOO_SMALL) {
        CHECK_OF(what, len > capacity && len <= sizeof buffers.output);
    } else {
        CHECK_OF(what, len == 0);
    }
    CHECK_OF(what, is_garbage(buffers.output + written, sizeof buffers.output - written));
}

/* Longer than a text may be. */
static const char *text_without_end(void)
{
    static char text[4098];

    memset(text, 'a', sizeof text - 1);
    return text;
}

static void count_messages(void *user_data, uint32_t level, const char *target, const char *message)
{
    CHECK(user_data == &world && level >= PCRSEAL_LOG_ERROR && level <= PCRSEAL_LOG_TRACE);
    CHECK(target != NULL && message != NULL);
}

#define SHARED(type, member)                                                                                           \
    static const type *shared_##type(void)                                                                             \
    {                                                                                                                  \
        return world.member;                                                                                           \
    }

SHARED(pcrseal_session, session)
SHARED(pcrseal_cancel, cancel)
SHARED(pcrseal_quorum, quorum)
SHARED(pcrseal_pcr_set, pcrs)
SHARED(pcrseal_config, config)
SHARED(pcrseal_attester, attester)
SHARED(pcrseal_verifier, verifier)
SHARED(pcrseal_attestation_policy, policy)
SHARED(pcrseal_recipient, recipient)
SHARED(pcrseal_kms_request, request)

/* One whose last call refused its arguments: it is as good as new, and making one takes a key. */
static pcrseal_host_unseal *kept;

static pcrseal_host_unseal *kept_or_made_pcrseal_host_unseal(void)
{
    pcrseal_host_unseal *unseal = kept;

    kept = NULL;
    return unseal != NULL ? unseal : make_pcrseal_host_unseal();
}

static void pcrseal_host_unseal_keep(pcrseal_host_unseal *unseal)
{
    kept = unseal;
}

static void done_with_pcrseal_host_unseal(pcrseal_host_unseal *unseal, pcrseal_status status)
{
    switch (status) {
    case PCRSEAL_E_NULL_POINTER:
    case PCRSEAL_E_MISALIGNED_POINTER:
    case PCRSEAL_E_INPUT_LENGTH:
    case PCRSEAL_E_OVERLAP:
        pcrseal_host_unseal_keep(unseal);
        break;
    default:
        pcrseal_host_unseal_free(unseal);
    }
}

static void done_with_handles(void)
{
    pcrseal_host_unseal_free(kept);
}

#endif
