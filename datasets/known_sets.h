/* Data sets whose class names and colours are known without a file telling them. */
#ifndef CNX_DATASETS_KNOWN_SETS_H
#define CNX_DATASETS_KNOWN_SETS_H

#include <cjson/cJSON.h>

#include "core/status.h"
#include "datasets/label_rules.h"

typedef struct cnx_known_set {
    const char *name;
    int classes;
    bool has_palette;
    bool by_count;    /* a segmentor with so many classes is taken for one of this set */
    const char *file; /* embedded: {"classes": [...], "palette": [...]} */
    cnx_label_rules rules;
    bool pictures; /* a picture has one of its classes; else every pixel has */
} cnx_known_set;

/* NULL when there is none. */
const cnx_known_set *cnx_known_set_named(const char *name);
const cnx_known_set *cnx_known_set_by_count(int classes);
/* The one whose pictures have so many classes, for classifiers. */
const cnx_known_set *cnx_known_set_of_pictures(int classes);
/* By number, from 0; NULL past the end. */
const cnx_known_set *cnx_known_set_at(size_t index);

/* The set's file, parsed; the caller deletes it. */
cnx_status cnx_known_set_load(cJSON **out, const cnx_known_set *set, cnx_error *err);

#endif
