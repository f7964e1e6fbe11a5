#include "core/memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

void *cnx_alloc(size_t size)
{
    if (size == 0 || size > SIZE_MAX / 2)
        return NULL;
    return aligned_alloc(CNX_ALIGNMENT, cnx_round_up(size, CNX_ALIGNMENT));
}

void *cnx_calloc(size_t size)
{
    void *memory = cnx_alloc(size);
    if (memory)
        memset(memory, 0, cnx_round_up(size, CNX_ALIGNMENT));
    return memory;
}

void cnx_free(void *memory)
{
    free(memory);
}

cnx_status cnx_alloc_or_fail(void **out, size_t size, const char *what, cnx_error *err)
{
    *out = cnx_alloc(size ? size : 1);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for %s (%zu bytes)", what, size);
    return CNX_OK;
}

void cnx_memory_trim(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

size_t cnx_peak_rss(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (size_t)usage.ru_maxrss * 1024;
}
