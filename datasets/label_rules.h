/* How the numbers in a data set's label files are meant. */
#ifndef CNX_DATASETS_LABEL_RULES_H
#define CNX_DATASETS_LABEL_RULES_H

#include <stdbool.h>

#include "core/image/labels.h"

typedef struct cnx_label_rules {
    cnx_label_coding coding;
    bool reduce_zero_label; /* a stored 0 is "other" and becomes 255; any other v becomes v - 1, but
                               a stored 255 stays (mmseg's LoadAnnotations) */
    int ignore;             /* after that: this value is no class and is left out; -1: none is */
} cnx_label_rules;

/* The class of a stored value. */
static inline int cnx_label_class(const cnx_label_rules *rules, int stored)
{
    if (!rules->reduce_zero_label || stored == 255)
        return stored;
    return stored == 0 ? 255 : stored - 1;
}

#endif
