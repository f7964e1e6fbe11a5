#include "core/image/codec.h"

#ifndef CNX_IMAGE_MODULE

cnx_status cnx_codec_get(const cnx_codec **out, cnx_error *err)
{
    (void)err;
    *out = &cnx_opencv_codec;
    return CNX_OK;
}

#else

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/library.h"

#define MODULE   "cnx-opencv.so"
#define VARIABLE "CNX_IMAGE_MODULE"

/* What the first call found, for all that follow; written under pthread_once. */
static struct {
    const cnx_codec *codec; /* NULL: failure says why */
    char failure[400];
} loaded;

static void fail_to_load(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void fail_to_load(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(loaded.failure, sizeof loaded.failure, fmt, args);
    va_end(args);
}

static void take(void *module, const char *path)
{
    const cnx_codec *codec = dlsym(module, "cnx_opencv_codec");
    if (!codec) {
        fail_to_load("%s is no module of cnx", path);
    } else if (strcmp(codec->version, CNX_VERSION) != 0) {
        fail_to_load("%s belongs to cnx %.20s, and this is cnx " CNX_VERSION, path, codec->version);
    } else {
        loaded.codec = codec; /* stays for as long as the process */
        return;
    }
    dlclose(module);
}

/* Some OpenCVs bring OpenBLAS (by way of GDAL), which would start threads that nobody uses. */
static void *open_module(const char *path)
{
    static char threads[] = "OPENBLAS_NUM_THREADS=1";
    return cnx_library_open(path, RTLD_LAZY | RTLD_LOCAL, (char *[]){threads}, 1);
}

/* True when there is such a file, whether it can be used or not: then the search is over. */
static bool try_file(const char *path)
{
    if (access(path, F_OK) != 0)
        return false;
    void *module = open_module(path);
    if (module)
        take(module, path);
    else
        fail_to_load("%s", dlerror());
    return true;
}

/* LD_LIBRARY_PATH and the system's folders. */
static bool try_linker_path(void)
{
    static const char absent[] = MODULE ": cannot open shared object file";
    void *module = open_module(MODULE);
    if (module) {
        take(module, MODULE);
        return true;
    }
    const char *why = dlerror();
    if (strncmp(why, absent, sizeof absent - 1) == 0)
        return false;
    fail_to_load("%s", why); /* it is there, and something that it needs is not */
    return true;
}

/* The folder of the library or program that holds this function. */
static bool own_folder(char folder[PATH_MAX])
{
    Dl_info info;
    struct link_map *map = NULL;
    if (!dladdr1((const void *)&loaded, &info, (void **)&map, RTLD_DL_LINKMAP) || !map)
        return false;
    /* The program itself has no name there, and argv[0] need not be a path. */
    if (!realpath(map->l_name[0] ? map->l_name : "/proc/self/exe", folder))
        return false;
    char *end = strrchr(folder, '/');
    if (!end)
        return false;
    *end = '\0';
    return true;
}

/* In a folder beside libcnx.so; where lib/ is seen from the program's bin/; at the top of a build
 * tree, seen from its programs. */
static bool try_own_tree(void)
{
    static const char *const places[] = {CNX_MODULE_FOLDER, CNX_LIB_FROM_BIN "/" CNX_MODULE_FOLDER,
                                         "../" CNX_MODULE_FOLDER, "../../" CNX_MODULE_FOLDER};
    char folder[PATH_MAX], path[PATH_MAX + 256];
    if (!own_folder(folder))
        return false;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s/%s/" MODULE, folder, places[i]);
        if (try_file(path))
            return true;
    }
    return false;
}

static void load(void)
{
    const char *chosen = secure_getenv(VARIABLE);
    if (chosen && *chosen) {
        if (!try_file(chosen))
            fail_to_load("%.300s does not exist (the environment variable " VARIABLE " names it)",
                         chosen);
        return;
    }
    if (!try_own_tree() && !try_linker_path() &&
        !try_file(CNX_INSTALLED_LIB "/" CNX_MODULE_FOLDER "/" MODULE))
        fail_to_load("it is neither beside this library or program nor in " CNX_INSTALLED_LIB
                     "/" CNX_MODULE_FOLDER);
}

cnx_status cnx_codec_get(const cnx_codec **out, cnx_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    *out = loaded.codec;
    CNX_FAIL_IF(!loaded.codec, CNX_ERR_UNSUPPORTED,
                "cannot be decoded: the module " MODULE
                ", through which cnx uses OpenCV, cannot be "
                "loaded: %s; install cnx as a whole, or let the environment variable " VARIABLE
                " name the file",
                loaded.failure);
    return CNX_OK;
}

#endif
