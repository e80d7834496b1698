/* What every test program in C rests on: checks that are counted, and a result. */
#ifndef PCRSEAL_TEST_H
#define PCRSEAL_TEST_H

#include <pcrseal.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned test_checks, test_failures;

/* Counts a check, and says which one did not hold. */
static inline bool test_check(bool held, const char *what, const char *file, int line)
{
    __atomic_add_fetch(&test_checks, 1, __ATOMIC_RELAXED);
    if (!held) {
        __atomic_add_fetch(&test_failures, 1, __ATOMIC_RELAXED);
        fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    }
    return held;
}

#define CHECK(condition) test_check((condition), #condition, __FILE__, __LINE__)

/* Checks a status. */
static inline bool test_status(const char *what, pcrseal_status found, pcrseal_status expected, const char *file,
                               int line)
{
    char text[512];

    snprintf(text, sizeof text, "%s: %s, not %s", what, pcrseal_status_name(found), pcrseal_status_name(expected));
    return test_check(found == expected, text, file, line);
}

#define EXPECT(expected, call) test_status(#call, (call), (expected), __FILE__, __LINE__)

/* Ends the program where a test cannot go on. */
static inline void test_cannot_go_on(const char *what, const pcrseal_error *error, const char *file, int line)
{
    const char *message = pcrseal_error_message(error);

    fprintf(stderr, "%s:%d: cannot go on: %s: %s\n", file, line, what, message ? message : "no error");
    exit(1);
}

#define NEED(call, error)                                                                                              \
    do {                                                                                                               \
        if ((call) != PCRSEAL_OK) {                                                                                    \
            test_cannot_go_on(#call, (error), __FILE__, __LINE__);                                                     \
        }                                                                                                              \
    } while (0)
#define NEED_THAT(condition)                                                                                           \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            test_cannot_go_on(#condition, NULL, __FILE__, __LINE__);                                                   \
        }                                                                                                              \
    } while (0)

/* What `main` returns. */
static inline int test_result(const char *name)
{
    if (test_failures > 0) {
        fprintf(stderr, "%s: %u of %u checks FAILED\n", name, test_failures, test_checks);
        return 1;
    }
    printf("%s: %u checks held\n", name, test_checks);
    return 0;
}

#endif
