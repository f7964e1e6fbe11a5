#include "core/library_pages.h"

#include <stdbool.h>
#include <stdlib.h>

#ifdef __linux__

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bytes: every call interrupts all processors that the process runs on. */
#define WORTHWHILE ((size_t)256 << 10)

static int add_base(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    cnx_loaded_libraries *list = user;
    if (list->count == list->room) {
        const size_t room = list->room ? 2 * list->room : 64;
        uintptr_t *grown = realloc(list->bases, room * sizeof *grown);
        if (!grown)
            return 1;
        list->bases = grown;
        list->room = room;
    }
    list->bases[list->count++] = (uintptr_t)info->dlpi_addr;
    return 0;
}

void cnx_loaded_libraries_list(cnx_loaded_libraries *out)
{
    *out = (cnx_loaded_libraries){0};
    if (dl_iterate_phdr(add_base, out) != 0)
        cnx_loaded_libraries_free(out);
}

/* Whether the linker may have written to pages that are not writable. */
static bool has_text_relocations(const struct dl_phdr_info *info)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
            continue;
        const uintptr_t at = (uintptr_t)info->dlpi_addr + (uintptr_t)info->dlpi_phdr[i].p_vaddr;
        for (const ElfW(Dyn) *d = (const ElfW(Dyn) *)at; d->d_tag != DT_NULL; d++)
            if (d->d_tag == DT_TEXTREL || (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
                return true;
        return false;
    }
    return true; /* not linked dynamically: nothing is known of it */
}

static int release(struct dl_phdr_info *info, size_t size, void *user)
{
    (void)size;
    const cnx_loaded_libraries *before = user;
    for (size_t i = 0; i < before->count; i++)
        if (before->bases[i] == (uintptr_t)info->dlpi_addr)
            return 0;
    if (has_text_relocations(info))
        return 0;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD || p->p_flags & PF_W)
            continue;
        const uintptr_t begin = ((uintptr_t)info->dlpi_addr + (uintptr_t)p->p_vaddr) / page * page;
        const uintptr_t end = (uintptr_t)info->dlpi_addr + (uintptr_t)p->p_vaddr + p->p_filesz;
        if (end - begin >= WORTHWHILE)
            madvise((void *)begin, (end - begin + page - 1) / page * page, MADV_DONTNEED);
    }
    return 0;
}

void cnx_library_pages_release(const cnx_loaded_libraries *before)
{
    if (before->count > 0)
        dl_iterate_phdr(release, (void *)(uintptr_t)before);
}

#else

void cnx_loaded_libraries_list(cnx_loaded_libraries *out)
{
    *out = (cnx_loaded_libraries){0};
}

void cnx_library_pages_release(const cnx_loaded_libraries *before)
{
    (void)before;
}

#endif

void cnx_loaded_libraries_free(cnx_loaded_libraries *of)
{
    free(of->bases);
    *of = (cnx_loaded_libraries){0};
}
