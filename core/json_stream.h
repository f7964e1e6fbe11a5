/*
 * JSON files larger than memory: lists of objects read entry by entry, by several threads at once.
 *
 * The file is cut into pieces of fixed size, and each piece is read by one thread from the first place
 * that looks like the beginning of an entry.  Whether it was one shows when the piece before is done: it
 * tells where its last entry ended.  Where the two disagree, the piece is read again from the right place.
 * So results, errors included, are those of reading from front to back.
 */
#ifndef CNX_CORE_JSON_STREAM_H
#define CNX_CORE_JSON_STREAM_H

#include <stdint.h>

#include "core/json_scan.h"

typedef struct cnx_json_file {
    int fd;
    uint64_t size;
    const char *path; /* the caller's */
} cnx_json_file;

/* Regular files only. */
cnx_status cnx_json_file_open(cnx_json_file *out, const char *path, cnx_error *err);
void cnx_json_file_close(cnx_json_file *file); /* accepts one that did not open */

/* What becomes of a list's entries. */
typedef struct cnx_json_list {
    int threads;
    const char *entry; /* the word for messages: "entry", "annotation" */
    void *user;
    /* Looks at the first entry before any is read; may be NULL.  What is wrong with it `read` will say. */
    void (*first)(void *user, cnx_json_scan *scan);
    /* What one piece yields: made empty on any thread, NULL when memory is short. */
    void *(*part_new)(void *user);
    void (*part_free)(void *part);
    /* Reads the object that begins at the position, on any thread.  A call that fails leaves the part as
     * it was; it may be repeated with more text. */
    cnx_status (*read)(void *user, void *part, cnx_json_scan *scan, cnx_error *err);
    /* Takes a part's entries, in the file's order, on the caller's thread; the part is freed after. */
    cnx_status (*take)(void *user, void *part, cnx_error *err);
} cnx_json_list;

/*
 * Reads the list whose '[' is at *offset, and moves *offset behind its ']'.  Errors name the file and the
 * entry, counted from 1, and its byte.  *count (may be NULL): how many entries there were.
 */
cnx_status cnx_json_read_list(const cnx_json_file *file, uint64_t *offset,
                              const cnx_json_list *list, uint64_t *count, cnx_error *err);

/* A file that is one list, with nothing but blanks around (and a byte order mark before, which is passed
 * over). */
cnx_status cnx_json_read_list_file(const cnx_json_file *file, const cnx_json_list *list,
                                   uint64_t *count, cnx_error *err);

/* Lets list->first look at such a file's first entry; *empty: there is none. */
cnx_status cnx_json_look_at_list_file(const cnx_json_file *file, const cnx_json_list *list,
                                      bool *empty, cnx_error *err);

/*
 * A file that is one object: for each member, `member` is called with the key and the offset of the value.
 * It may read the value as a list, moving *offset behind it; where it leaves *offset, the value is passed
 * over.
 */
typedef cnx_status (*cnx_json_member)(void *user, const cnx_json_file *file,
                                      const cnx_json_text *key, char first_byte, uint64_t *offset,
                                      cnx_error *err);
cnx_status cnx_json_read_object_file(const cnx_json_file *file, cnx_json_member member, void *user,
                                     cnx_error *err);

#endif
