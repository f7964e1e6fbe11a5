/*
 * JSON read where it stands, without a tree: a position in a text and functions that move it.  For files
 * of millions of entries, of which few fields are wanted.
 *
 * The text is followed by a NUL that does not belong to it, and may be a piece of a longer one: where a
 * function fails because the text ended, ran_out is set, and the caller can come back with more.
 * Numbers may be NaN, Infinity and -Infinity, as Python writes them.
 */
#ifndef CNX_CORE_JSON_SCAN_H
#define CNX_CORE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/status.h"

typedef struct cnx_json_scan {
    const char *at, *end; /* *end is NUL */
    bool ran_out;
} cnx_json_scan;

/* A string as it stands between its quotes. */
typedef struct cnx_json_text {
    const char *at;
    size_t length;
    bool escaped; /* holds backslashes: cnx_json_unescape has what they mean */
} cnx_json_text;

/* Past blanks; the byte found there, NUL at the end. */
char cnx_json_peek(cnx_json_scan *scan);
/* Past blanks and the byte `c`, which must be there; `where` is for the message: "between entries". */
cnx_status cnx_json_expect(cnx_json_scan *scan, char c, const char *where, cnx_error *err);

/*
 * An object's members: after the '{' with *first = true, again and again while *more.  Each time the
 * position is at the member's value, which the caller reads or skips.  The same for a list's elements.
 */
cnx_status cnx_json_next_key(bool *more, cnx_json_text *key, bool *first, cnx_json_scan *scan,
                             cnx_error *err);
cnx_status cnx_json_next_element(bool *more, bool *first, cnx_json_scan *scan, cnx_error *err);

/* Called at the value of an object's member, which it reads or skips. */
typedef cnx_status (*cnx_json_field)(void *user, const cnx_json_text *key, cnx_json_scan *scan,
                                     cnx_error *err);
/* A whole object: the position is at its '{', afterwards past its '}'. */
cnx_status cnx_json_scan_object(cnx_json_field field, void *user, cnx_json_scan *scan,
                                cnx_error *err);

cnx_status cnx_json_scan_number(double *out, const char *what, cnx_json_scan *scan, cnx_error *err);
/* A whole number of at most 2^53, also as 5.0 or 5e0. */
cnx_status cnx_json_scan_whole(long long *out, const char *what, cnx_json_scan *scan,
                               cnx_error *err);
cnx_status cnx_json_scan_string(cnx_json_text *out, const char *what, cnx_json_scan *scan,
                                cnx_error *err);
/* Any value, with all that is in it; nested 64 deep at most. */
cnx_status cnx_json_skip(cnx_json_scan *scan, cnx_error *err);

/* "a string", "a list", ... of the value that begins at the position; for messages. */
const char *cnx_json_kind_here(cnx_json_scan *scan);

/* The string without its escapes, into `out`, which has room for text->length bytes; returns how many it
 * has.  Never longer than the text. */
size_t cnx_json_unescape(char *out, const cnx_json_text *text);
/* Whether the string, escapes resolved, is `word`. */
bool cnx_json_text_is(const cnx_json_text *text, const char *word);

#endif
