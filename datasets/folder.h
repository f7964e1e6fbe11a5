/* The files below a folder, at any depth. */
#ifndef CNX_DATASETS_FOLDER_H
#define CNX_DATASETS_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

typedef struct cnx_folder {
    char *
        *names; /* owned; paths below the folder ("a/b.png"), in byte order, as mmseg sorts them */
    size_t count;
} cnx_folder;

/* Is this file, given by its path below the folder, wanted? */
typedef bool (*cnx_folder_filter)(void *user, const char *name);

/*
 * Files that the filter wants (NULL: all), without those whose name or folder's name begins with a
 * dot.  Links are followed; more than 16 folders inside each other are CNX_ERR_IO, so that a circle of
 * links ends.  The caller frees *out, which is empty on failure.
 */
cnx_status cnx_folder_list(cnx_folder *out, const char *path, cnx_folder_filter filter, void *user,
                           cnx_error *err);
void cnx_folder_free(cnx_folder *folder); /* accepts a zeroed one */

/* Is there a folder of this name? */
bool cnx_folder_exists(const char *path);
/* "folder/name"; the caller frees it.  NULL when memory ran out. */
char *cnx_folder_join(const char *folder, const char *name);

#endif
