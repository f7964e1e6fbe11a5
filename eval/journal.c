#include "eval/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/file.h"

/* A line is eight hexadecimal digits, the CRC-32 of what follows the blank behind them. */
enum { CHECK_DIGITS = 8, BODY = CHECK_DIGITS + 1 };
static const char magic[] = "cnx-journal 1 ";

struct cnx_journal {
    char *path;
    int file;
    size_t count;
    unsigned char *done; /* [count] */
};

/* ---- lines ---- */

static uint32_t check_of(const char *body, size_t size)
{
    return (uint32_t)crc32_z(crc32_z(0, NULL, 0), (const unsigned char *)body, size);
}

static bool whole(const char *line, size_t size)
{
    if (size < BODY || line[CHECK_DIGITS] != ' ')
        return false;
    char expected[CHECK_DIGITS + 1];
    snprintf(expected, sizeof expected, "%08" PRIx32, check_of(line + BODY, size - BODY));
    return memcmp(line, expected, CHECK_DIGITS) == 0;
}

static cnx_status write_all(const cnx_journal *j, const char *data, size_t size, cnx_error *err)
{
    for (size_t done = 0; done < size;) {
        const ssize_t n = write(j->file, data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        CNX_FAIL_IF(n <= 0, CNX_ERR_IO, "%s: cannot be written: %s", j->path,
                    n < 0 ? strerror(errno) : "no room");
        done += (size_t)n;
    }
    return CNX_OK;
}

/* Writes "<check> <head><text>\n" in one go. */
static cnx_status write_line(const cnx_journal *j, const char *head, const char *text,
                             cnx_error *err)
{
    const size_t body = strlen(head) + strlen(text), size = BODY + body + 1;
    char *line = malloc(size + 1);
    CNX_FAIL_IF(!line, CNX_ERR_MEMORY, "no memory for a line of %s", j->path);
    snprintf(line + BODY, body + 1, "%s%s", head, text);
    char check[CHECK_DIGITS + 1];
    snprintf(check, sizeof check, "%08" PRIx32, check_of(line + BODY, body));
    memcpy(line, check, CHECK_DIGITS);
    line[CHECK_DIGITS] = ' ';
    line[size - 1] = '\n';
    const cnx_status status = write_all(j, line, size, err);
    free(line);
    return status;
}

/* ---- opening ---- */

/* The index at the head of a record's body; *text is what follows it. */
static bool record_index(const cnx_journal *j, const char *body, size_t *index, const char **text)
{
    char *end;
    if (*body < '0' || *body > '9')
        return false;
    errno = 0;
    const unsigned long long n = strtoull(body, &end, 10);
    if (errno || *end != ' ' || n >= j->count || j->done[n])
        return false;
    *index = (size_t)n;
    *text = end + 1;
    return true;
}

/* The first line: does the journal belong to this run? */
static cnx_status check_run(const cnx_journal *j, const char *body, const char *run, cnx_error *err)
{
    const size_t head = sizeof magic - 1;
    CNX_FAIL_IF(strncmp(body, magic, head) != 0, CNX_ERR_FORMAT,
                "%s: not a journal of cnx; give --journal another name", j->path);
    CNX_FAIL_IF(strcmp(body + head, run) != 0, CNX_ERR_ARGUMENT,
                "%s: belongs to another run; remove it or give --journal another name.\n"
                "  there: %s\n  now:   %s",
                j->path, body + head, run);
    return CNX_OK;
}

/* Goes through the lines of text; *kept_bytes is where the last whole one ends. */
static cnx_status read_lines(cnx_journal *j, char *text, size_t size, const char *run,
                             cnx_journal_record record, void *user, size_t *kept_bytes,
                             cnx_journal_found *found, cnx_error *err)
{
    for (size_t at = 0; at < size;) {
        char *line = text + at, *end = memchr(line, '\n', size - at);
        if (!end || !whole(line, (size_t)(end - line)))
            break;
        *end = '\0';
        const char *body = line + BODY, *rest;
        size_t index;
        if (strlen(body) != (size_t)(end - body))
            break;
        if (at == 0) {
            CNX_TRY(check_run(j, body, run, err));
        } else {
            if (!record_index(j, body, &index, &rest))
                break;
            CNX_TRY(record(user, index, rest, err));
            j->done[index] = 1;
            found->kept++;
        }
        at += (size_t)(end - line) + 1;
        *kept_bytes = at;
    }
    found->dropped = size - *kept_bytes;
    return CNX_OK;
}

/* A file of something else, or a journal whose first line is damaged, must not be cut off: that line
 * may only be unfinished. */
static cnx_status check_head(const cnx_journal *j, const char *text, size_t size, cnx_error *err)
{
    const size_t magic_size = sizeof magic - 1;
    const size_t body = size < BODY ? 0 : size - BODY;
    const char *end = size ? memchr(text, '\n', size) : NULL;
    CNX_FAIL_IF((size && strspn(text, "0123456789abcdef ") < (size < BODY ? size : BODY)) ||
                    memcmp(text + BODY, magic, body < magic_size ? body : magic_size) != 0,
                CNX_ERR_FORMAT, "%s: not a journal of cnx; give --journal another name", j->path);
    CNX_FAIL_IF(end && !whole(text, (size_t)(end - text)), CNX_ERR_FORMAT,
                "%s: its first line is damaged; remove it to begin anew", j->path);
    return CNX_OK;
}

static cnx_status read_back(cnx_journal *j, const char *run, cnx_journal_record record, void *user,
                            cnx_journal_found *found, cnx_error *err)
{
    enum { AT_ONCE = 1 << 20 };
    cnx_status status = CNX_OK;
    size_t size = 0, room = 0, kept = 0;
    char *text = NULL;
    for (;;) {
        if (room - size <= AT_ONCE) {
            char *larger = realloc(text, room = 2 * room + 2 * (size_t)AT_ONCE);
            CNX_CHECK_IF(!larger, CNX_ERR_MEMORY, "%s: no memory for what it holds", j->path);
            text = larger;
            text[size] = '\0';
        }
        const ssize_t n = read(j->file, text + size, AT_ONCE);
        if (n < 0 && errno == EINTR)
            continue;
        CNX_CHECK_IF(n < 0, CNX_ERR_IO, "%s: cannot be read: %s", j->path, strerror(errno));
        if (n == 0)
            break;
        size += (size_t)n;
        text[size] = '\0';
    }
    CNX_CHECK(check_head(j, text, size, err));
    CNX_CHECK(read_lines(j, text, size, run, record, user, &kept, found, err));
    CNX_CHECK_IF(ftruncate(j->file, (off_t)kept) != 0, CNX_ERR_IO, "%s: cannot be written: %s",
                 j->path, strerror(errno));
    if (kept == 0)
        CNX_CHECK(write_line(j, magic, run, err));
cleanup:
    free(text);
    return status;
}

cnx_status cnx_journal_open(cnx_journal **out, const char *path, const char *run, size_t count,
                            bool resume, cnx_journal_record record, void *user,
                            cnx_journal_found *found, cnx_error *err)
{
    cnx_status status = CNX_OK;
    cnx_journal *j = calloc(1, sizeof *j);
    *out = NULL;
    *found = (cnx_journal_found){0};
    CNX_FAIL_IF(!j, CNX_ERR_MEMORY, "no memory for a journal");
    *j = (cnx_journal){.path = strdup(path), .file = -1, .count = count};
    j->done = calloc(count ? count : 1, 1);
    CNX_CHECK_IF(!j->path || !j->done, CNX_ERR_MEMORY, "no memory for a journal");
    j->file = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | (resume ? 0 : O_EXCL), 0666);
    CNX_CHECK_IF(j->file < 0 && errno == EEXIST, CNX_ERR_IO,
                 "%s: is there already; --resume goes on with it, or remove it", path);
    CNX_CHECK_IF(j->file < 0, CNX_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    struct stat info;
    CNX_CHECK_IF(fstat(j->file, &info) != 0 || !S_ISREG(info.st_mode), CNX_ERR_IO,
                 "%s: is not a regular file", path);
    CNX_CHECK_IF(flock(j->file, LOCK_EX | LOCK_NB) != 0, CNX_ERR_IO,
                 "%s: another run is writing it", path);
    CNX_CHECK(read_back(j, run, record, user, found, err));
    *out = j;
    j = NULL;
cleanup:
    cnx_journal_close(&j);
    return status;
}

/* ---- writing ---- */

cnx_status cnx_journal_add(cnx_journal *journal, size_t index, const char *text, cnx_error *err)
{
    char head[32];
    CNX_FAIL_IF(index >= journal->count || journal->done[index], CNX_ERR_INTERNAL,
                "%s: record %zu twice or beyond %zu", journal->path, index, journal->count);
    snprintf(head, sizeof head, "%zu ", index);
    CNX_TRY(write_line(journal, head, text, err));
    journal->done[index] = 1;
    return CNX_OK;
}

cnx_status cnx_journal_sync(cnx_journal *journal, cnx_error *err)
{
    CNX_FAIL_IF(fsync(journal->file) != 0, CNX_ERR_IO, "%s: cannot be written: %s", journal->path,
                strerror(errno));
    return CNX_OK;
}

bool cnx_journal_has(const cnx_journal *journal, size_t index)
{
    return index < journal->count && journal->done[index];
}

cnx_status cnx_journal_remove(cnx_journal *journal, cnx_error *err)
{
    CNX_FAIL_IF(unlink(journal->path) != 0, CNX_ERR_IO, "%s: cannot be removed: %s", journal->path,
                strerror(errno));
    return CNX_OK;
}

void cnx_journal_close(cnx_journal **journal)
{
    cnx_journal *j = *journal;
    if (!j)
        return;
    if (j->file >= 0)
        close(j->file);
    free(j->path);
    free(j->done);
    free(j);
    *journal = NULL;
}
