/* How functions fail: a status to act on and a message to read.  See cnx.h for the public half. */
#ifndef CNX_CORE_STATUS_H
#define CNX_CORE_STATUS_H

#include <stdarg.h>

#include "cnx.h"

/* Fills *err (which may be NULL) and returns code, so that `return cnx_fail(err, ...)` reads well.
 */
cnx_status cnx_fail(cnx_error *err, cnx_status code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "text: " before the message already in *err; for adding a file name on the way up. */
void cnx_error_prefix(cnx_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Each expects a `cnx_error *err` in scope. */
#define CNX_FAIL_IF(cond, code, ...)                                                               \
    do {                                                                                           \
        if (cond)                                                                                  \
            return cnx_fail(err, (code), __VA_ARGS__);                                             \
    } while (0)
#define CNX_TRY(call)                                                                              \
    do {                                                                                           \
        const cnx_status cnx_try_status_ = (call);                                                 \
        if (cnx_try_status_ != CNX_OK)                                                             \
            return cnx_try_status_;                                                                \
    } while (0)

/* The same for functions that clean up: each expects `cnx_status status` and a label `cleanup`. */
#define CNX_CHECK(call)                                                                            \
    do {                                                                                           \
        status = (call);                                                                           \
        if (status != CNX_OK)                                                                      \
            goto cleanup;                                                                          \
    } while (0)
#define CNX_CHECK_IF(cond, code, ...)                                                              \
    do {                                                                                           \
        if (cond) {                                                                                \
            status = cnx_fail(err, (code), __VA_ARGS__);                                           \
            goto cleanup;                                                                          \
        }                                                                                          \
    } while (0)

#endif
