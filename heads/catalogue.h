/* The models that are built in as descriptions: found by name, with what was published of them. */
#ifndef CNX_HEADS_CATALOGUE_H
#define CNX_HEADS_CATALOGUE_H

#include "heads/description.h"

/* What a published table prints of a model; what it does not print is empty, 0 or NAN. */
typedef struct cnx_published {
    char params[32], flops[32]; /* as printed: "60M", "4.5G" */
    int h, w;                   /* the input that flops are for */
    double miou_ss, miou_ms, box_ap, mask_ap, top1;
    char file[128]; /* of the checkpoint */
} cnx_published;

typedef struct cnx_catalogue_entry {
    char name[128];
    cnx_task task;
    cnx_published published;
} cnx_catalogue_entry;

/* The built-in model of that number, from 0, in the order of the published tables; CNX_OK with an
 * empty name past the last. */
cnx_status cnx_catalogue_at(size_t index, cnx_catalogue_entry *out, cnx_error *err);

/*
 * The name of the built-in config that `name` means: its own, one of its aliases, or the name of its
 * published file; with or without a suffix.  False when there is none.
 */
bool cnx_catalogue_find(const char *name, char *out, size_t size);

/* Calls visit for each name and alias; for suggestions. */
void cnx_catalogue_names(void (*visit)(void *user, const char *name), void *user);

/* A config's published figures; zeroed where it has none. */
cnx_published cnx_published_from(const cJSON *config);
/* "60M" -> 60e6; 0 when the text is no such figure.  *unit, where wanted: what its last digit is
 * worth, 1e6 here and 1e8 in "4.5G". */
double cnx_published_value(const char *figure, double *unit);

#endif
