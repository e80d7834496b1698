/* A host that loads the library by hand, and lets go of it while one of its threads still lives that called it: FILE.
 * What the library keeps for a thread is ended by its code when the thread ends. */
#include <pcrseal.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

typedef pcrseal_status split(const uint8_t *, size_t, uint32_t, uint32_t, uint8_t *, size_t, size_t *, pcrseal_error **);
typedef const char *version(void);

static void *library;
static pthread_barrier_t called, closed;

static void *call(void *failed)
{
    const uint8_t secret[32] = {1};
    uint8_t shares[99];
    size_t len = 0;
    split *function = NULL;
    void *symbol = dlsym(library, "pcrseal_shamir_split");

    /* ISO C knows no other way from one to the other. */
    memcpy(&function, &symbol, sizeof function);
    *(bool *)failed = function == NULL
        || function(secret, sizeof secret, 2, 3, shares, sizeof shares, &len, NULL) != PCRSEAL_OK;
    pthread_barrier_wait(&called);
    pthread_barrier_wait(&closed);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    bool failed = true;
    version *function = NULL;
    void *symbol;
    const char *says;

    library = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    if (library == NULL) {
        fprintf(stderr, "%s\n", argc == 2 ? dlerror() : "usage: unloaded FILE");
        return 2;
    }
    symbol = dlsym(library, "pcrseal_version");
    memcpy(&function, &symbol, sizeof function);
    says = function != NULL ? function() : "";
    if (pthread_barrier_init(&called, NULL, 2) != 0 || pthread_barrier_init(&closed, NULL, 2) != 0
        || pthread_create(&thread, NULL, call, &failed) != 0) {
        return 2;
    }
    pthread_barrier_wait(&called);
    dlclose(library);
    pthread_barrier_wait(&closed);
    pthread_join(thread, NULL);
    if (failed) {
        return 1;
    }
    puts(says);
    return 0;
}
