#include "eval/semantic_record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

static void write_sparse(FILE *to, const int64_t *values, size_t count)
{
    const char *before = " ";
    for (size_t i = 0; i < count; i++)
        if (values[i]) {
            fprintf(to, "%s%zu:%" PRId64, before, i, values[i]);
            before = ",";
        }
    if (*before == ' ')
        fputs(" -", to);
}

cnx_status cnx_semantic_record_write(char **out, const cnx_semantic_counts *counts,
                                     const int64_t *confusion, cnx_error *err)
{
    const size_t classes = (size_t)counts->classes;
    char *text = NULL;
    size_t size = 0;
    *out = NULL;
    FILE *to = open_memstream(&text, &size);
    CNX_FAIL_IF(!to, CNX_ERR_MEMORY, "no memory for the record of a picture");
    fprintf(to, "%d", counts->classes);
    write_sparse(to, counts->values, cnx_semantic_value_count(counts->classes));
    write_sparse(to, confusion, confusion ? classes * classes : 0);
    const bool failed = ferror(to) != 0;
    if (fclose(to) != 0 || failed) {
        free(text);
        return cnx_fail(err, CNX_ERR_MEMORY, "no memory for the record of a picture");
    }
    *out = text;
    return CNX_OK;
}

/* ---- reading ---- */

/* A whole number that ends in `end`; *text moves behind it. */
static bool read_number(const char **text, char end, int64_t *out)
{
    char *after;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *out = strtoll(*text, &after, 10);
    if (errno || *after != end)
        return false;
    *text = after + 1;
    return true;
}

/* One pair; *more tells whether a comma follows it.  *text ends up behind the comma, or at what
 * stands there instead. */
static bool read_pair(const char **text, size_t count, size_t *index, int64_t *value, bool *more)
{
    int64_t at;
    if (!read_number(text, ':', &at) || (uint64_t)at >= count || **text < '0' || **text > '9')
        return false;
    char *after;
    errno = 0;
    *value = strtoll(*text, &after, 10);
    *more = *after == ',';
    *text = after + *more;
    *index = (size_t)at;
    return errno == 0;
}

/* Adds a list of pairs to values (NULL: nowhere), up to a blank or the end. */
static bool read_sparse(const char **text, int64_t *values, size_t count)
{
    if (**text == '-') {
        ++*text;
        return true;
    }
    bool more = true;
    while (more) {
        size_t index;
        int64_t value;
        if (!read_pair(text, count, &index, &value, &more))
            return false;
        if (values && __builtin_add_overflow(values[index], value, &values[index]))
            return false;
    }
    return true;
}

static bool read_record(const char *text, cnx_semantic_counts *counts, int64_t *values,
                        int64_t *confusion)
{
    const size_t classes = (size_t)counts->classes;
    int64_t n;
    return read_number(&text, ' ', &n) && n == counts->classes &&
           read_sparse(&text, values, cnx_semantic_value_count(counts->classes)) &&
           *text++ == ' ' && read_sparse(&text, confusion, classes * classes) && *text == '\0';
}

cnx_status cnx_semantic_record_read(const char *text, cnx_semantic_counts *counts,
                                    int64_t *confusion, cnx_error *err)
{
    int64_t *values = calloc(cnx_semantic_value_count(counts->classes), sizeof *values);
    CNX_FAIL_IF(!values, CNX_ERR_MEMORY, "no memory for the record of a picture");
    const cnx_status status =
        read_record(text, counts, values, confusion)
            ? cnx_semantic_counts_restore(counts, values, err)
            : cnx_fail(err, CNX_ERR_FORMAT, "a record that is not one of %d classes",
                       counts->classes);
    free(values);
    return status;
}
