#include "core/json_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/json_window.h"
#include "core/threads.h"

enum {
    PIECE = 1 << 20,         /* bytes of file that one piece covers */
    BATCH = 32,              /* pieces that are in memory at one time */
    LOOK_BACK = 64,          /* for the end of the entry before a piece */
    SLACK = 64 * 1024,       /* read beyond a piece, for its last entry */
    GUESSED_ENTRY = 4 << 20, /* where nothing says yet that the piece begins with an entry */
    LONGEST_ENTRY = 1 << 28
};

typedef struct piece {
    uint64_t from, stop;  /* entries that begin in [from, stop) are its own */
    uint64_t start, next; /* where its first entry begins, and the one after its last */
    bool started, ended;  /* ended: the list's ']' was found, and next is behind it */
    bool gave_up;         /* the guess was bad, or too expensive */
    void *part;
    uint64_t count;
    cnx_error error; /* status CNX_OK: none */
    uint64_t error_at;
} piece;

typedef struct reader {
    const cnx_json_file *file;
    const cnx_json_list *list;
    cnx_json_window *windows; /* one a thread */
    piece *pieces;
    int count;
} reader;

cnx_status cnx_json_file_open(cnx_json_file *out, const char *path, cnx_error *err)
{
    struct stat st;
    *out = (cnx_json_file){.fd = -1, .path = path};
    /* O_NONBLOCK: opening a pipe that nobody writes to must not hang. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CNX_FAIL_IF(fd < 0, CNX_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    out->fd = fd;
    cnx_status status = CNX_OK;
    CNX_CHECK_IF(fstat(fd, &st) != 0, CNX_ERR_IO, "%s: cannot be examined: %s", path,
                 strerror(errno));
    CNX_CHECK_IF(!S_ISREG(st.st_mode), CNX_ERR_IO, "%s: is not a file", path);
    out->size = (uint64_t)st.st_size;
    CNX_CHECK_IF(out->size == 0, CNX_ERR_FORMAT, "%s: is empty", path);
cleanup:
    if (status != CNX_OK)
        cnx_json_file_close(out);
    return status;
}

void cnx_json_file_close(cnx_json_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

/* Whether the '{' at p stands behind "}, ". */
static bool follows_entry(const char *p, const char *begin)
{
    for (p--; p >= begin && is_blank(*p); p--)
        ;
    if (p < begin || *p != ',')
        return false;
    for (p--; p >= begin && is_blank(*p); p--)
        ;
    return p >= begin && *p == '}';
}

/* The first place in the piece that looks like an entry's beginning, or NULL. */
static const char *guess_start(const cnx_json_window *w, const piece *p)
{
    const char *at = w->data + (p->from - w->base), *const end = w->data + w->used;
    while (at < end && (at = memchr(at, '{', (size_t)(end - at))) != NULL) {
        if (w->base + (uint64_t)(at - w->data) >= p->stop)
            return NULL;
        if (follows_entry(at, w->data))
            return at;
        at++;
    }
    return NULL;
}

/* Behind an entry: to the next one, or past the list's end. */
static cnx_status pass_separator(reader *r, piece *p, cnx_json_window *w, cnx_json_scan *scan,
                                 cnx_error *err)
{
    bool first = false, more = true;
    for (;;) {
        const cnx_json_scan before = *scan;
        const cnx_status status = cnx_json_next_element(&more, &first, scan, err);
        if (status == CNX_OK && !more)
            break;
        if (status == CNX_OK && cnx_json_peek(scan) && scan->at < scan->end)
            break;
        if ((status != CNX_OK && !scan->ran_out) || cnx_json_window_is_last(w, r->file)) {
            CNX_TRY(status);
            return CNX_OK; /* the next entry will say that the file ends */
        }
        const uint64_t offset = cnx_json_window_offset(w, &before);
        CNX_TRY(cnx_json_window_extend(w, r->file, offset, err));
        *scan = cnx_json_window_scan(w, offset);
        first = false;
    }
    p->ended = !more;
    p->next = cnx_json_window_offset(w, scan);
    return CNX_OK;
}

/* Is there an object at the position? */
static cnx_status begin_entry(cnx_json_scan *scan, cnx_error *err)
{
    scan->ran_out |= scan->at >= scan->end;
    CNX_FAIL_IF(scan->ran_out, CNX_ERR_FORMAT,
                "the file ends where an entry is expected: it is cut off");
    CNX_FAIL_IF(*scan->at == '-' || (*scan->at >= '0' && *scan->at <= '9'), CNX_ERR_FORMAT,
                "is a number; an object is expected");
    CNX_FAIL_IF(*scan->at != '{', CNX_ERR_FORMAT, "is %s; an object is expected",
                cnx_json_kind_here(scan));
    return CNX_OK;
}

static cnx_status read_entry(reader *r, piece *p, cnx_json_window *w, cnx_json_scan *scan,
                             size_t longest, cnx_error *err)
{
    const uint64_t start = cnx_json_window_offset(w, scan);
    for (;;) {
        cnx_status status = begin_entry(scan, err);
        if (status == CNX_OK)
            status = r->list->read(r->list->user, p->part, scan, err);
        if (status == CNX_OK || !scan->ran_out || cnx_json_window_is_last(w, r->file))
            return status;
        const size_t length = (size_t)(w->base + w->used - start);
        if (length > longest) {
            p->gave_up = longest < LONGEST_ENTRY;
            return cnx_fail(err, CNX_ERR_UNSUPPORTED, "is longer than %zu MiB", longest >> 20);
        }
        CNX_TRY(cnx_json_window_extend(w, r->file, start, err));
        *scan = cnx_json_window_scan(w, start);
    }
}

/* Reads the entries that begin in [start, p->stop). */
static void read_piece_from(reader *r, piece *p, cnx_json_window *w, uint64_t start, size_t longest)
{
    p->part = r->list->part_new(r->list->user);
    p->started = true;
    p->start = p->next = start;
    if (!p->part) {
        cnx_fail(&p->error, CNX_ERR_MEMORY, "not enough memory to read it");
        return;
    }
    cnx_json_scan scan = cnx_json_window_scan(w, start);
    while (!p->ended && p->next < p->stop) {
        p->error_at = p->next;
        if (read_entry(r, p, w, &scan, longest, &p->error) != CNX_OK)
            return;
        p->count++;
        p->error_at = cnx_json_window_offset(w, &scan);
        if (pass_separator(r, p, w, &scan, &p->error) != CNX_OK)
            return;
        if (!p->ended && p->next >= r->file->size) {
            cnx_fail(&p->error, CNX_ERR_FORMAT, "the file ends inside the list: it is cut off");
            return;
        }
    }
    p->error.status = CNX_OK;
}

static void guess_piece(void *context, int index, int thread)
{
    reader *r = context;
    piece *p = &r->pieces[index];
    cnx_json_window *w = &r->windows[thread];
    const uint64_t from = index == 0 ? p->start : p->from - LOOK_BACK;
    const cnx_status status =
        cnx_json_window_load(w, r->file, from, (size_t)(p->stop - from) + SLACK, &p->error);
    p->started = false;
    if (status != CNX_OK) {
        p->started = true;
        p->error_at = from;
        return;
    }
    if (index == 0) {
        read_piece_from(r, p, w, p->start, LONGEST_ENTRY);
        return;
    }
    const char *at = guess_start(w, p);
    if (at)
        read_piece_from(r, p, w, w->base + (uint64_t)(at - w->data), GUESSED_ENTRY);
}

/* The guess was wrong: the piece begins at `start`. */
static cnx_status reread_piece(reader *r, piece *p, uint64_t start, cnx_error *err)
{
    if (p->part)
        r->list->part_free(p->part);
    *p = (piece){.from = p->from, .stop = p->stop};
    CNX_TRY(cnx_json_window_load(&r->windows[0], r->file, start, (size_t)(p->stop - start) + SLACK,
                                 err));
    read_piece_from(r, p, &r->windows[0], start, LONGEST_ENTRY);
    return CNX_OK;
}

/* What the pieces read, in order, as far as they fit together. */
static cnx_status join_pieces(reader *r, uint64_t *next, bool *ended, uint64_t *count,
                              cnx_error *err)
{
    for (int i = 0; i < r->count && !*ended; i++) {
        piece *p = &r->pieces[i];
        if (*next >= p->stop)
            continue; /* an entry reaches over the whole piece */
        if (!p->started || p->start != *next || p->gave_up)
            CNX_TRY(reread_piece(r, p, *next, err));
        if (p->error.status != CNX_OK) {
            const uint64_t number = *count + p->count + (p->error_at == p->next);
            if (err)
                *err = p->error;
            cnx_error_prefix(err, "%s %llu (byte %llu)", r->list->entry, (unsigned long long)number,
                             (unsigned long long)p->error_at);
            return p->error.status;
        }
        CNX_TRY(r->list->take(r->list->user, p->part, err));
        r->list->part_free(p->part);
        p->part = NULL;
        *count += p->count;
        *next = p->next;
        *ended = p->ended;
    }
    return CNX_OK;
}

static cnx_status look_at_first(const reader *r, uint64_t offset, cnx_error *err)
{
    cnx_json_window *w = &r->windows[0];
    CNX_TRY(cnx_json_window_load(w, r->file, offset, SLACK, err));
    for (;;) {
        cnx_json_scan scan = cnx_json_window_scan(w, offset);
        r->list->first(r->list->user, &scan);
        if (!scan.ran_out || cnx_json_window_is_last(w, r->file) || w->used > LONGEST_ENTRY)
            return CNX_OK;
        CNX_TRY(cnx_json_window_extend(w, r->file, offset, err));
    }
}

static cnx_status read_batches(reader *r, uint64_t *offset, uint64_t *count, cnx_error *err)
{
    const uint64_t begin = *offset;
    bool ended = false;
    if (r->list->first)
        CNX_TRY(look_at_first(r, begin, err));
    for (uint64_t at = begin; !ended; at += (uint64_t)BATCH * PIECE) {
        if (*offset >= at + (uint64_t)BATCH * PIECE)
            continue;
        r->count = 0;
        for (uint64_t from = at; from < r->file->size && r->count < BATCH; from += PIECE)
            r->pieces[r->count++] = (piece){.from = from, .stop = from + PIECE};
        r->pieces[0].start = *offset;
        if (*offset >=
            r->pieces[0].stop) /* the last entry of the batch before reaches far into this */
            r->pieces[0].stop = *offset + 1;
        cnx_parallel_for(r->list->threads, r->count, guess_piece, r);
        const cnx_status status = join_pieces(r, offset, &ended, count, err);
        for (int i = 0; i < r->count; i++)
            if (r->pieces[i].part)
                r->list->part_free(r->pieces[i].part);
        CNX_TRY(status);
    }
    return CNX_OK;
}

/* Past '[' and blanks; *empty: and past ']'. */
static cnx_status open_list(const cnx_json_file *file, cnx_json_window *w, uint64_t *offset,
                            bool *empty, cnx_error *err)
{
    CNX_TRY(cnx_json_window_load(w, file, *offset, SLACK, err));
    cnx_json_scan scan = cnx_json_window_scan(w, *offset);
    CNX_TRY(cnx_json_expect(&scan, '[', "", err));
    while (cnx_json_peek(&scan) == '\0' && scan.at >= scan.end &&
           !cnx_json_window_is_last(w, file)) {
        const uint64_t at = cnx_json_window_offset(w, &scan);
        CNX_TRY(cnx_json_window_load(w, file, at, SLACK, err));
        scan = cnx_json_window_scan(w, at);
    }
    CNX_FAIL_IF(scan.at >= scan.end, CNX_ERR_FORMAT,
                "the file ends at the beginning of a list: it is cut off");
    *empty = *scan.at == ']';
    *offset = cnx_json_window_offset(w, &scan) + (*empty ? 1 : 0);
    return CNX_OK;
}

cnx_status cnx_json_read_list(const cnx_json_file *file, uint64_t *offset,
                              const cnx_json_list *list, uint64_t *count, cnx_error *err)
{
    const int threads = list->threads > 0 ? list->threads : 1;
    reader r = {.file = file, .list = list};
    cnx_status status = CNX_OK;
    uint64_t entries = 0;
    bool empty = false;
    r.pieces = calloc(BATCH, sizeof *r.pieces);
    r.windows = calloc((size_t)threads, sizeof *r.windows);
    CNX_CHECK_IF(!r.pieces || !r.windows, CNX_ERR_MEMORY, "not enough memory to read it");
    CNX_CHECK(open_list(file, &r.windows[0], offset, &empty, err));
    if (!empty)
        CNX_CHECK(read_batches(&r, offset, &entries, err));
cleanup:
    for (int i = 0; r.windows && i < threads; i++)
        cnx_json_window_free(&r.windows[i]);
    free(r.windows);
    free(r.pieces);
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", file->path);
    else if (count)
        *count = entries;
    return status;
}

/* Nothing but blanks from offset on. */
static cnx_status check_rest(const cnx_json_file *file, uint64_t offset, cnx_error *err)
{
    cnx_json_window w = {0};
    cnx_status status = CNX_OK;
    while (offset < file->size) {
        CNX_CHECK(cnx_json_window_load(&w, file, offset, SLACK, err));
        cnx_json_scan scan = cnx_json_window_scan(&w, offset);
        cnx_json_peek(&scan);
        offset = cnx_json_window_offset(&w, &scan);
        CNX_CHECK_IF(scan.at < scan.end, CNX_ERR_FORMAT,
                     "%s: byte %llu: more follows after the end of the JSON value", file->path,
                     (unsigned long long)offset);
    }
cleanup:
    cnx_json_window_free(&w);
    return status;
}

/* Where the value begins: behind a byte order mark and blanks; *first is its first byte. */
static cnx_status find_value(const cnx_json_file *file, uint64_t *offset, char *first,
                             cnx_error *err)
{
    cnx_json_window w = {0};
    cnx_status status = CNX_OK;
    *first = '\0';
    *offset = 0;
    while (*offset < file->size && !*first) {
        CNX_CHECK(cnx_json_window_load(&w, file, *offset, SLACK, err));
        const bool mark = *offset == 0 && w.used >= 3 && memcmp(w.data, "\xef\xbb\xbf", 3) == 0;
        cnx_json_scan scan = cnx_json_window_scan(&w, *offset + (mark ? 3 : 0));
        *first = cnx_json_peek(&scan);
        *offset = cnx_json_window_offset(&w, &scan);
        if (scan.at < scan.end)
            break;
    }
cleanup:
    cnx_json_window_free(&w);
    return status;
}

static const char *kind_of(char first)
{
    return first == '{'   ? "an object"
           : first == '[' ? "a list"
           : first == '"' ? "a string"
           : first        ? "something else"
                          : "nothing";
}

cnx_status cnx_json_read_list_file(const cnx_json_file *file, const cnx_json_list *list,
                                   uint64_t *count, cnx_error *err)
{
    uint64_t offset;
    char first;
    CNX_TRY(find_value(file, &offset, &first, err));
    CNX_FAIL_IF(first != '[', CNX_ERR_FORMAT, "%s: holds %s; a list of objects is expected",
                file->path, kind_of(first));
    CNX_TRY(cnx_json_read_list(file, &offset, list, count, err));
    return check_rest(file, offset, err);
}

cnx_status cnx_json_look_at_list_file(const cnx_json_file *file, const cnx_json_list *list,
                                      bool *empty, cnx_error *err)
{
    uint64_t offset;
    char first;
    cnx_json_window window = {0};
    const reader r = {.file = file, .list = list, .windows = &window};
    cnx_status status = CNX_OK;
    CNX_CHECK(find_value(file, &offset, &first, err));
    CNX_CHECK_IF(first != '[', CNX_ERR_FORMAT, "%s: holds %s; a list of objects is expected",
                 file->path, kind_of(first));
    status = open_list(file, &window, &offset, empty, err);
    if (status == CNX_OK && !*empty)
        status = look_at_first(&r, offset, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "%s", file->path);
cleanup:
    cnx_json_window_free(&window);
    return status;
}

/* The next key of the object, or its end; moves *offset to the value. */
static cnx_status step_key(const cnx_json_file *file, cnx_json_window *w, uint64_t *offset,
                           bool *first, bool *more, cnx_json_text *key, cnx_error *err)
{
    CNX_TRY(cnx_json_window_load(w, file, *offset, SLACK, err));
    for (;;) {
        cnx_json_scan scan = cnx_json_window_scan(w, *offset);
        bool begin = *first;
        const cnx_status status = cnx_json_next_key(more, key, &begin, &scan, err);
        if (status == CNX_OK && (!*more || scan.at < scan.end)) {
            *offset = cnx_json_window_offset(w, &scan);
            *first = false;
            return CNX_OK;
        }
        if ((status != CNX_OK && !scan.ran_out) || cnx_json_window_is_last(w, file)) {
            CNX_TRY(status);
            return cnx_fail(err, CNX_ERR_FORMAT, "the file ends inside an object: it is cut off");
        }
        CNX_FAIL_IF(w->used > LONGEST_ENTRY, CNX_ERR_UNSUPPORTED, "a key is too long");
        CNX_TRY(cnx_json_window_extend(w, file, *offset, err));
    }
}

static cnx_status skip_member(const cnx_json_file *file, cnx_json_window *w, uint64_t *offset,
                              cnx_error *err)
{
    for (;;) {
        cnx_json_scan scan = cnx_json_window_scan(w, *offset);
        const cnx_status status = cnx_json_skip(&scan, err);
        if (status == CNX_OK) {
            *offset = cnx_json_window_offset(w, &scan);
            return CNX_OK;
        }
        if (!scan.ran_out || cnx_json_window_is_last(w, file))
            return status;
        CNX_FAIL_IF(w->used > LONGEST_ENTRY, CNX_ERR_UNSUPPORTED,
                    "a value that is not needed is longer than %d MiB", LONGEST_ENTRY >> 20);
        CNX_TRY(cnx_json_window_extend(w, file, *offset, err));
    }
}

static cnx_status read_members(const cnx_json_file *file, uint64_t *offset, cnx_json_member member,
                               void *user, cnx_error *err)
{
    cnx_json_window w = {0};
    cnx_status status = CNX_OK;
    bool first = true, more = true;
    for (;;) {
        cnx_json_text key;
        bool named = false; /* the caller's messages name the file */
        status = step_key(file, &w, offset, &first, &more, &key, err);
        if (status == CNX_OK && !more)
            break;
        const uint64_t value = *offset;
        if (status == CNX_OK) {
            status = member(user, file, &key, w.data[value - w.base], offset, err);
            named = status != CNX_OK;
        }
        if (status == CNX_OK && *offset == value)
            status = skip_member(file, &w, offset, err);
        if (status != CNX_OK) {
            if (!named)
                cnx_error_prefix(err, "%s: byte %llu", file->path, (unsigned long long)*offset);
            break;
        }
    }
    cnx_json_window_free(&w);
    return status;
}

cnx_status cnx_json_read_object_file(const cnx_json_file *file, cnx_json_member member, void *user,
                                     cnx_error *err)
{
    uint64_t offset;
    char first;
    CNX_TRY(find_value(file, &offset, &first, err));
    CNX_FAIL_IF(first != '{', CNX_ERR_FORMAT, "%s: holds %s; an object is expected", file->path,
                kind_of(first));
    offset++;
    CNX_TRY(read_members(file, &offset, member, user, err));
    return check_rest(file, offset, err);
}
