/* What --dry-run tells of a picture: what its run would need and do. */
#ifndef CNX_TOOLS_DRY_RUN_H
#define CNX_TOOLS_DRY_RUN_H

#include "tools/session.h"

/* What there is to tell beside input size, multiply-adds and memory. */
enum {
    CNX_TELL_PASSES = 1 << 0,
    CNX_TELL_WINDOWS = 1 << 1,
    CNX_TELL_SAVINGS = 1 << 2, /* how less memory is needed */
    CNX_TELL_AT_MOST = 1 << 3  /* fewer multiply-adds may do */
};

/* From p->need, as JSON or as a line of text. */
cnx_status cnx_dry_run_tell(const cnx_picture *p, unsigned tell, cnx_error *err);

#endif
