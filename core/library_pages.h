/* The memory that linking a shared library leaves behind. */
#ifndef CNX_CORE_LIBRARY_PAGES_H
#define CNX_CORE_LIBRARY_PAGES_H

#include <stddef.h>
#include <stdint.h>

/* The libraries of the process at one time.  Zeroed: none known. */
typedef struct cnx_loaded_libraries {
    uintptr_t *bases; /* owned */
    size_t count, room;
} cnx_loaded_libraries;

void cnx_loaded_libraries_list(cnx_loaded_libraries *out);
void cnx_loaded_libraries_free(cnx_loaded_libraries *of);

/*
 * Hands back the larger runs of pages of libraries that came after `before`, as far as they are as in their files: linking
 * reads their tables from one end to the other, which running does not.  What is needed after all is
 * mapped again when it is touched.  OpenCV's picture decoders pull in 140 libraries, 45 MiB of such pages.
 * Nothing happens where `before` is empty or the system has no means.
 */
void cnx_library_pages_release(const cnx_loaded_libraries *before);

#endif
