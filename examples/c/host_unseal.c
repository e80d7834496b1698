/*
 * Unseals with the program's own sockets: pcrseal says what to send and judges what came back, the program moves the
 * bytes. For hosts that have an HTTP client already, or reach KMS in a way of their own.
 *
 *     AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… [AWS_SESSION_TOKEN=…] host_unseal CONFIG.json BLOB ADDRESS:PORT
 *
 * CONFIG.json says "transport": "host". ADDRESS:PORT is the emulator's. With AWS a program opens a TLS connection to
 * pcrseal_kms_request_host(), port 443, under pinned roots: whoever can answer in KMS's place chooses what is unsealed.
 */
#define _POSIX_C_SOURCE 200809L

#include <pcrseal.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct bytes {
    uint8_t data[65536];
    size_t len;
};

/* An HTTP answer, taken apart in place. */
struct answer {
    uint32_t http_status;
    const char *request_id;
    const uint8_t *body;
    size_t body_len;
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

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Says why a call failed, and frees the error. */
static void explain(const char *what, pcrseal_error *error)
{
    fprintf(stderr, "%s: %s (%s)\n", what, pcrseal_error_message(error),
            pcrseal_status_name(pcrseal_error_status(error)));
    pcrseal_error_free(error);
}

/* A connection to "ADDRESS:PORT"; -1 when there is none. */
static int connect_to(const char *endpoint)
{
    struct addrinfo hints, *addresses = NULL;
    const char *colon = strrchr(endpoint, ':');
    char host[256];
    int connection = -1;

    if (colon == NULL || (size_t)(colon - endpoint) >= sizeof host) {
        errno = EINVAL;
        return -1;
    }
    memcpy(host, endpoint, (size_t)(colon - endpoint));
    host[colon - endpoint] = '\0';
    memset(&hints, 0, sizeof hints);
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host, colon + 1, &hints, &addresses) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    connection = socket(addresses->ai_family, addresses->ai_socktype, addresses->ai_protocol);
    if (connection >= 0) {
        struct timeval patience = {5, 0};

        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        if (connect(connection, addresses->ai_addr, addresses->ai_addrlen) != 0) {
            close(connection);
            connection = -1;
        }
    }
    freeaddrinfo(addresses);
    return connection;
}

/* Sends a request and reads until the connection ends; -1, and why in errno, when that does not work out. */
static int exchange(const char *endpoint, const struct bytes *request, struct bytes *answer)
{
    int connection = connect_to(endpoint);
    size_t sent = 0;
    ssize_t count = -1;

    if (connection < 0) {
        return -1;
    }
    while (sent < request->len) {
        count = send(connection, request->data + sent, request->len - sent, MSG_NOSIGNAL);
        if (count < 0) {
            goto done;
        }
        sent += (size_t)count;
    }
    /* One byte is kept for a NUL. */
    answer->len = 0;
    while (answer->len < sizeof answer->data - 1) {
        count = recv(connection, answer->data + answer->len, sizeof answer->data - 1 - answer->len, 0);
        if (count <= 0) {
            goto done;
        }
        answer->len += (size_t)count;
    }
    errno = EMSGSIZE;
    count = -1;
done:
    close(connection);
    return count < 0 ? -1 : 0;
}

/* The status line, the request id and the body of an HTTP/1.1 answer; -1 if it is none. */
static int read_answer(struct bytes *bytes, struct answer *answer)
{
    char *head = (char *)bytes->data, *end, *line, *next;
    unsigned status = 0;

    bytes->data[bytes->len] = '\0';
    end = strstr(head, "\r\n\r\n");
    if (end == NULL || sscanf(head, "HTTP/1.1 %3u", &status) != 1) {
        return -1;
    }
    *end = '\0';
    answer->http_status = status;
    answer->body = (const uint8_t *)end + 4;
    answer->body_len = bytes->len - (size_t)(answer->body - bytes->data);
    answer->request_id = NULL;
    for (line = strstr(head, "\r\n"); line != NULL; line = next) {
        line += 2;
        next = strstr(line, "\r\n");
        if (next != NULL) {
            *next = '\0';
        }
        if (strncasecmp(line, "x-amzn-requestid: ", 18) == 0) {
            answer->request_id = line + 18;
        }
    }
    return 0;
}

/* Asks one key, and hands in what came of it. A key that fails ends nothing: another may do. */
static int ask(pcrseal_host_unseal *unseal, const pcrseal_kms_request *request, const char *endpoint)
{
    static struct bytes http, received;
    const char *token = getenv("AWS_SESSION_TOKEN"), *id = getenv("AWS_ACCESS_KEY_ID");
    const char *key = getenv("AWS_SECRET_ACCESS_KEY");
    uint32_t position = pcrseal_kms_request_position(request);
    pcrseal_error *error = NULL;
    pcrseal_status status;
    struct answer answer;
    int64_t start = now_ms();

    if (pcrseal_kms_request_http1(request, id, (const uint8_t *)key, key != NULL ? strlen(key) : 0,
                                  (const uint8_t *)token, token != NULL ? strlen(token) : 0, endpoint,
                                  (uint64_t)time(NULL), http.data, sizeof http.data, &http.len, &error)
        != PCRSEAL_OK) {
        explain("cannot sign the request", error);
        return -1;
    }
    if (exchange(endpoint, &http, &received) != 0) {
        uint32_t outcome = errno == EAGAIN ? PCRSEAL_OUTCOME_TIMEOUT : PCRSEAL_OUTCOME_UNREACHABLE;

        perror(endpoint);
        status = pcrseal_host_unseal_failed(unseal, position, outcome, now_ms() - start, &error);
    } else if (read_answer(&received, &answer) != 0) {
        status = pcrseal_host_unseal_failed(unseal, position, PCRSEAL_OUTCOME_BAD_RESPONSE, now_ms() - start, &error);
    } else {
        status = pcrseal_host_unseal_answer_from_authenticated_kms(unseal, position, answer.http_status,
                                                                   answer.request_id, answer.body, answer.body_len,
                                                                   now_ms() - start, &error);
    }
    /* It holds the session token. */
    pcrseal_zeroize(http.data, http.len);
    if (status != PCRSEAL_OK) {
        explain(pcrseal_kms_request_key_arn(request), error);
    }
    return 0;
}

/* Asks one key after the other until enough have answered. (Threads may ask them at once.) */
static int ask_keys(pcrseal_host_unseal *unseal, const char *endpoint)
{
    while (!pcrseal_host_unseal_is_ready(unseal)) {
        pcrseal_kms_request *request = NULL;
        pcrseal_error *error = NULL;
        int failed;

        if (pcrseal_host_unseal_next_request(unseal, &request, &error) != PCRSEAL_OK) {
            explain("cannot go on", error);
            return -1;
        }
        if (request == NULL) {
            break;
        }
        printf("%s: %s in %s\n", pcrseal_kms_request_operation(request), pcrseal_kms_request_key_arn(request),
               pcrseal_kms_request_region(request));
        failed = ask(unseal, request, endpoint);
        pcrseal_kms_request_free(request);
        if (failed) {
            return -1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct bytes json, blob;
    pcrseal_config *config = NULL;
    pcrseal_session *session = NULL;
    pcrseal_host_unseal *unseal = NULL;
    pcrseal_secret *secret = NULL;
    pcrseal_error *error = NULL;
    int result = EXIT_FAILURE;

    if (argc != 4) {
        fprintf(stderr, "usage: %s CONFIG.json BLOB ADDRESS:PORT\n", argv[0]);
        return 2;
    }
    if (read_file(argv[1], &json) != 0 || read_file(argv[2], &blob) != 0) {
        return EXIT_FAILURE;
    }
    if (pcrseal_config_from_json(json.data, json.len, &config, &error) != PCRSEAL_OK
        || pcrseal_session_new(config, &session, &error) != PCRSEAL_OK
        || pcrseal_host_unseal_begin(session, blob.data, blob.len, &unseal, &error) != PCRSEAL_OK) {
        explain("cannot begin", error);
        goto done;
    }
    if (ask_keys(unseal, argv[3]) != 0) {
        goto done;
    }
    if (pcrseal_host_unseal_finish(unseal, &secret, NULL, &error) != PCRSEAL_OK) {
        explain("cannot unseal", error);
        goto done;
    }
    printf("unsealed %zu bytes\n", pcrseal_secret_len(secret));
    result = EXIT_SUCCESS;
done:
    pcrseal_secret_free(secret);
    pcrseal_host_unseal_free(unseal);
    pcrseal_session_free(session);
    pcrseal_config_free(config);
    return result;
}
