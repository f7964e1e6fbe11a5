/* Shared libraries that are loaded when they are needed. */
#ifndef CNX_CORE_LIBRARY_H
#define CNX_CORE_LIBRARY_H

#include <stddef.h>

/*
 * dlopen(name, flags) during which the environment has some more variables ("NAME=value", count of
 * them), for libraries that can be told nothing in any other way.  They outlive the call as memory,
 * not as part of the environment.  NULL: dlerror says why.
 *
 * Not by setenv, which moves and frees the list of variables under threads that read it: a thread
 * that reads it here finds all that was there, whether it sees the longer list or not.  Should
 * another thread change the environment at this very moment, its change stays.
 *
 * What linking alone needed of the libraries' pages is handed back (library_pages.h).
 */
void *cnx_library_open(const char *name, int flags, char *const *added, size_t count);

#endif
