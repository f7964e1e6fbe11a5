#include "core/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/library_pages.h"

/* A copy of the environment with the added ones first, where getenv finds them.  It stays for ever,
 * as a thread may be reading it for as long as it likes; each keeps the one before reachable. */
static char **longer_list(char *const *added, size_t count)
{
    static char **newest;
    size_t old = 0;
    while (environ && environ[old])
        old++;
    char **list = malloc((1 + count + old + 1) * sizeof *list);
    if (!list)
        return NULL;
    *list = (char *)newest;
    newest = list++;
    memcpy(list, added, count * sizeof *list);
    if (old)
        memcpy(list + count, environ, old * sizeof *list);
    list[count + old] = NULL;
    return list;
}

void *cnx_library_open(const char *name, int flags, char *const *added, size_t count)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&one_at_a_time);
    cnx_loaded_libraries others;
    cnx_loaded_libraries_list(&others);
    char **const before = environ;
    char **const list = count ? longer_list(added, count) : NULL;
    if (list)
        environ = list;
    void *library = dlopen(name, flags);
    if (list && environ == list)
        environ = before;
    if (library)
        cnx_library_pages_release(&others);
    cnx_loaded_libraries_free(&others);
    pthread_mutex_unlock(&one_at_a_time);
    return library;
}
