#include "core/memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* The size of a huge page on x86-64, and on arm64 with pages of 4 KiB; elsewhere a good boundary. */
#define HUGE_PAGE ((size_t)2 << 20)
/* From this size on, small pages are asked for all at once. */
#define LARGE ((size_t)128 << 10)

/*
 * Memory is handed out a page at a time, at its first touch, and a large block of 4 KiB pages spends
 * more time there than in being filled.  Huge pages take a 500th of the touches, and of the entries
 * in the processor's table of pages.  A page that the block covers in part stays small, so that
 * nothing becomes resident that was not asked for; these small ones come in one go.  All of it is a
 * wish: it may be refused.
 */
static void ask_for_pages(char *memory, size_t size)
{
    const size_t huge = size / HUGE_PAGE * HUGE_PAGE;
#ifdef MADV_HUGEPAGE
    if (huge > 0)
        madvise(memory, huge, MADV_HUGEPAGE);
#endif
#ifdef MADV_POPULATE_WRITE
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = ((uintptr_t)memory + huge) / page * page;
    const uintptr_t end = ((uintptr_t)memory + size + page - 1) / page * page;
    madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
#endif
}

void *cnx_alloc(size_t size)
{
    if (size == 0 || size > SIZE_MAX / 2)
        return NULL;
    size = cnx_round_up(size, CNX_ALIGNMENT);
    void *memory;
    if (posix_memalign(&memory, size < HUGE_PAGE ? CNX_ALIGNMENT : HUGE_PAGE, size) != 0)
        return NULL;
    if (size >= LARGE)
        ask_for_pages(memory, size);
    return memory;
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

cnx_status cnx_kept_reserve(cnx_kept *kept, size_t bytes, const char *what, cnx_error *err)
{
    if (bytes <= kept->bytes)
        return CNX_OK;
    cnx_kept_free(kept);
    CNX_TRY(cnx_alloc_or_fail(&kept->memory, bytes, what, err));
    kept->bytes = bytes;
    return CNX_OK;
}

void cnx_kept_free(cnx_kept *kept)
{
    cnx_free(kept->memory);
    *kept = (cnx_kept){0};
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
