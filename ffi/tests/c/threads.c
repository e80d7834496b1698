/* Eight threads with one session, one verifier and one policy; and cancels from another thread. */
#include "world.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define THREADS 8

static int rounds = 3;

static bool secret_is_the_worlds(const pcrseal_secret *secret)
{
    size_t len = 0;
    const uint8_t *data = pcrseal_secret_data(secret, &len);

    return len == world.secret.len && memcmp(data, world.secret.data, len) == 0;
}

/* Unseals, verifies, inspects, and asks for what can be asked of everything that is shared. */
static void *work(void *unused)
{
    uint8_t json[16384], secret_bytes[64];
    int round;

    for (round = 0; round < rounds; round++) {
        pcrseal_secret *secret = NULL;
        pcrseal_report *report = NULL;
        pcrseal_attestation *attestation = NULL;
        pcrseal_error *error = NULL;
        size_t len = 0;

        if (EXPECT(PCRSEAL_OK, pcrseal_unseal(world.session, world.blob.data, world.blob.len, world.cancel, &secret,
                                              &report, &error))) {
            CHECK(secret_is_the_worlds(secret) && pcrseal_report_len(report) == 3);
        }
        pcrseal_secret_free(secret);
        pcrseal_report_free(report);
        pcrseal_error_free(error);
        if (EXPECT(PCRSEAL_OK, pcrseal_unseal_into(world.session, world.both.data, world.both.len, NULL, secret_bytes,
                                                   sizeof secret_bytes, &len, NULL, NULL))) {
            CHECK(len == world.secret.len && memcmp(secret_bytes, world.secret.data, len) == 0);
        }
        pcrseal_zeroize(secret_bytes, sizeof secret_bytes);
        if (EXPECT(PCRSEAL_OK, pcrseal_verify(world.verifier, world.document.data, world.document.len, world.now_ms,
                                              world.policy, &attestation, NULL))) {
            CHECK(pcrseal_attestation_timestamp_ms(attestation)
                  == pcrseal_attestation_timestamp_ms(world.attestation));
            CHECK(strcmp(pcrseal_attestation_module_id(attestation), pcrseal_attestation_module_id(world.attestation))
                  == 0);
        }
        pcrseal_attestation_free(attestation);
        EXPECT(PCRSEAL_OK, pcrseal_inspect(world.blob.data, world.blob.len, NULL, 0, json, sizeof json, &len, NULL));
        secret = NULL;
        CHECK(pcrseal_unseal(world.session, world.blob.data, world.blob.len - 1, NULL, &secret, NULL, &error)
              != PCRSEAL_OK);
        CHECK(secret == NULL && error != NULL);
        pcrseal_error_free(error);
    }
    return unused;
}

static void eight_threads(void)
{
    pthread_t threads[THREADS];
    int at;

    for (at = 0; at < THREADS; at++) {
        NEED_THAT(pthread_create(&threads[at], NULL, work, NULL) == 0);
    }
    for (at = 0; at < THREADS; at++) {
        NEED_THAT(pthread_join(threads[at], NULL) == 0);
    }
}

/* Threads that change one configuration and one policy: in whatever order, nothing breaks. */
static void *change(void *config)
{
    int round;

    for (round = 0; round < 200; round++) {
        EXPECT(PCRSEAL_OK, pcrseal_config_set_deadline(config, 1000 + (uint64_t)round, NULL));
        EXPECT(PCRSEAL_OK, pcrseal_config_add_root_certificates(config, world.root_pem.data, world.root_pem.len, NULL));
        EXPECT(PCRSEAL_OK, pcrseal_attestation_policy_require_module_id(world.policy, "another", NULL));
        EXPECT(PCRSEAL_OK, pcrseal_pcr_set_insert(world.pcrs, (uint32_t)round % 32, world.pcr_value.data,
                                                  world.pcr_value.len, NULL));
    }
    return NULL;
}

static void changed_by_several(void)
{
    pcrseal_config *config = make_pcrseal_config();
    pthread_t threads[2];
    int at;

    for (at = 0; at < 2; at++) {
        NEED_THAT(pthread_create(&threads[at], NULL, change, config) == 0);
    }
    for (at = 0; at < 2; at++) {
        NEED_THAT(pthread_join(threads[at], NULL) == 0);
    }
    CHECK(pcrseal_pcr_set_selection(world.pcrs) == 0xffffffff);
    pcrseal_config_free(config);
}

/* What is told of the unseal that is to be cancelled, and by whom. */
struct watch {
    pcrseal_cancel *cancel;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool has_begun;
};

/* The first word about a call: it is on its way. */
static void hear(void *watched, uint32_t level, const char *target, const char *message)
{
    struct watch *watch = watched;

    (void)level;
    (void)target;
    (void)message;
    pthread_mutex_lock(&watch->lock);
    watch->has_begun = true;
    pthread_cond_signal(&watch->told);
    pthread_mutex_unlock(&watch->lock);
}

static void *cancel_once_begun(void *watched)
{
    struct watch *watch = watched;

    pthread_mutex_lock(&watch->lock);
    while (!watch->has_begun) {
        pthread_cond_wait(&watch->told, &watch->lock);
    }
    pthread_mutex_unlock(&watch->lock);
    pcrseal_cancel_trigger(watch->cancel);
    return NULL;
}

/* KMS is where connections come about and nobody answers: without the cancel the call would last for its deadline. */
static void cancelled_from_another_thread(void)
{
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address;
    socklen_t address_len = sizeof address;
    char url[64];
    struct watch watch = {make_pcrseal_cancel(), PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    pcrseal_config *config = make_pcrseal_config();
    pcrseal_session *session = NULL;
    pcrseal_secret *secret = NULL;
    pcrseal_error *error = NULL;
    pthread_t thread;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    NEED_THAT(bind(silent, (struct sockaddr *)&address, sizeof address) == 0 && listen(silent, 16) == 0);
    NEED_THAT(getsockname(silent, (struct sockaddr *)&address, &address_len) == 0);
    snprintf(url, sizeof url, "http://127.0.0.1:%d", ntohs(address.sin_port));

    NEED(pcrseal_config_set_endpoint(config, NULL, url, &error), error);
    NEED(pcrseal_config_set_deadline(config, 3600000, &error), error);
    NEED(pcrseal_config_set_timeout(config, PCRSEAL_STAGE_ANSWER, 3600000, &error), error);
    NEED(pcrseal_config_set_timeout(config, PCRSEAL_STAGE_OPERATION, 3600000, &error), error);
    NEED(pcrseal_config_set_log(config, hear, &watch, PCRSEAL_LOG_TRACE, &error), error);
    NEED(pcrseal_session_new(config, &session, &error), error);
    NEED_THAT(pthread_create(&thread, NULL, cancel_once_begun, &watch) == 0);
    EXPECT(PCRSEAL_E_CANCELLED,
           pcrseal_unseal(session, world.blob.data, world.blob.len, watch.cancel, &secret, NULL, &error));
    CHECK(secret == NULL && pcrseal_error_status(error) == PCRSEAL_E_CANCELLED);
    NEED_THAT(pthread_join(thread, NULL) == 0);
    pcrseal_error_free(error);
    pcrseal_session_free(session);
    pcrseal_config_free(config);
    pcrseal_cancel_free(watch.cancel);
    close(silent);
}

int main(void)
{
    /* valgrind runs one thread at a time, and slowly. */
    if (getenv("PCRSEAL_TEST_BRIEF") != NULL) {
        rounds = 1;
    }
    world_open();
    eight_threads();
    changed_by_several();
    cancelled_from_another_thread();
    world_close();
    return test_result("threads");
}
