/* The smallest program: the library that was found is the one that the header describes. C99 and C++17. */
#include <pcrseal.h>

#include <stdio.h>

int main(void)
{
    pcrseal_error *error = NULL;
    pcrseal_pcr_set *pcrs = NULL;
    pcrseal_status status;

    if (pcrseal_abi_version() != PCRSEAL_ABI_VERSION) {
        fprintf(stderr, "the library has interface %u, its header %d\n", (unsigned)pcrseal_abi_version(),
                PCRSEAL_ABI_VERSION);
        return 1;
    }
    status = pcrseal_pcr_set_new(&pcrs, &error);
    if (status != PCRSEAL_OK) {
        fprintf(stderr, "%s\n", pcrseal_error_message(error));
        pcrseal_error_free(error);
        return 1;
    }
    pcrseal_pcr_set_free(pcrs);
    printf("%s\n", pcrseal_version());
    return 0;
}
