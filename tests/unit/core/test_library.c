/* Loading a shared library: with some more environment, and without the pages that linking read. */
#include "core/library.h"

#include <dlfcn.h>
#include <stdbool.h>

#include "core/library_pages.h"
#include "tests/unit/check.h"

#define LIBRARY "libstdc++.so.6" /* has large tables, and C programs do without it */

/* Resident KiB of the parts of the library that are not writable; -1 where the system does not tell. */
static long resident(const char *library)
{
    char line[512];
    bool its = false;
    long sum = -1, kib;
    FILE *maps = fopen("/proc/self/smaps", "r");
    while (maps && fgets(line, sizeof line, maps)) {
        char rights[8];
        if (sscanf(line, "%*x-%*x %7s", rights) == 1 && strchr(line, '-') < strchr(line, ' ')) {
            its = strstr(line, library) && rights[1] != 'w';
            sum = its && sum < 0 ? 0 : sum;
        } else if (its && sscanf(line, "Rss: %ld kB", &kib) == 1) {
            sum += kib;
        }
    }
    if (maps)
        fclose(maps);
    return sum;
}

static void test_pages(void)
{
    if (dlopen(LIBRARY, RTLD_NOW | RTLD_NOLOAD)) {
        fprintf(stderr, "%s is loaded already: not tested\n", LIBRARY);
        return;
    }
    void *library = cnx_library_open(LIBRARY, RTLD_NOW | RTLD_LOCAL, NULL, 0);
    if (!library) {
        fprintf(stderr, "%s: not tested\n", dlerror());
        return;
    }
    const long left = resident(LIBRARY);
#ifdef __linux__
    CHECK(left < 300, "%ld KiB of " LIBRARY " are resident", left);
#endif
    /* What is needed after all comes back. */
    void *(*get)(size_t);
    void (*give)(void *);
    *(void **)&get = dlsym(library, "_Znwm");
    *(void **)&give = dlsym(library, "_ZdlPv");
    CHECK(get && give, "no operator new in " LIBRARY);
    if (get && give)
        give(get(100));
    CHECK(resident(LIBRARY) >= left, "using a library takes pages away");
}

static void test_environment(void)
{
    CHECK(!getenv("CNX_TEST_ADDED"), "it is there before");
    char added[] = "CNX_TEST_ADDED=1";
    CHECK(!cnx_library_open("no such library", RTLD_NOW, (char *[]){added}, 1), "it was found");
    CHECK(!getenv("CNX_TEST_ADDED"), "it stays");
}

int main(void)
{
    cnx_loaded_libraries list;
    cnx_loaded_libraries_list(&list);
#ifdef __linux__
    CHECK(list.count >= 2, "%zu libraries", list.count);
#endif
    cnx_library_pages_release(&list); /* nothing is new */
    cnx_loaded_libraries_free(&list);
    cnx_library_pages_release(&list); /* nothing is known */
    test_environment();
    test_pages();
    return CHECK_RESULT;
}
