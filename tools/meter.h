/* How far a long run is: one line that rewrites itself on a terminal, now and then a plain line
 * elsewhere.  Always on standard error. */
#ifndef CNX_TOOLS_METER_H
#define CNX_TOOLS_METER_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cnx_meter {
    bool enabled, terminal;
    bool shown; /* a line stands on the terminal */
    size_t done, total;
    const char *unit;    /* "pictures" */
    const char *current; /* borrowed: what is being worked on */
    double share;        /* of all that are being worked on */
    double started, last;
} cnx_meter;

/* enabled false: nothing is ever shown. */
void cnx_meter_begin(cnx_meter *p, size_t total, const char *unit, bool enabled);
void cnx_meter_item(cnx_meter *p, const char *name); /* what the line names from now on */
/* What is done of those that are being worked on; 0..1 when that is one. */
void cnx_meter_share(cnx_meter *p, double share);
void cnx_meter_item_done(cnx_meter *p);
/* Takes the line off the terminal, so that something else can be printed. */
void cnx_meter_clear(cnx_meter *p);

#endif
