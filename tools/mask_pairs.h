/* Label maps of two folders, paired by name. */
#ifndef CNX_TOOLS_MASK_PAIRS_H
#define CNX_TOOLS_MASK_PAIRS_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

/* Two label maps that belong together, or one that has no partner. */
typedef struct cnx_mask_pair {
    char *name;     /* owned; what both share: the path below the folder without its suffix */
    char *paths[2]; /* owned; NULL: there is none on that side */
} cnx_mask_pair;

typedef struct cnx_mask_pairs {
    cnx_mask_pair *items; /* by name, in byte order */
    size_t count, unpaired;
    size_t passed_over; /* pictures that cnx segment made beside label maps */
} cnx_mask_pairs;

/* One side: where its files are, and what follows the shared part of their names. */
typedef struct cnx_mask_folder {
    const char *path;
    const char *suffix; /* NULL or "": any; ".png" may be left out */
    const char *what;   /* "predictions", "truth": for messages */
    bool results;       /* pictures that cnx segment made beside label maps are passed over */
} cnx_mask_folder;

/*
 * The .png files at any depth below both folders (no dot files), paired by their path below the
 * folder without suffix; where one of the folders has no subfolders, by their names alone.  Two
 * files are a pair by themselves.  A folder that cannot be read or holds no label map is
 * CNX_ERR_IO, two files of one folder with one name CNX_ERR_ARGUMENT.  The caller frees *out in any case.
 */
cnx_status cnx_mask_pairs_find(cnx_mask_pairs *out, const cnx_mask_folder folders[2],
                               cnx_error *err);
void cnx_mask_pairs_free(cnx_mask_pairs *pairs);

/* Why that item, which lacks one side, cannot be scored. */
cnx_status cnx_mask_pair_fail(const cnx_mask_pair *pair, const cnx_mask_folder folders[2],
                              cnx_error *err);

/* The same for the first such item, with their number; CNX_OK when every item is whole. */
cnx_status cnx_mask_pairs_check(const cnx_mask_pairs *pairs, const cnx_mask_folder folders[2],
                                cnx_error *err);

#endif
