/* Lists of millions of bytes read in pieces: the same entries and errors as from front to back, whatever
 * stands where pieces are cut. */
#include "core/json_stream.h"

#include <unistd.h>

#include "tests/unit/check.h"

static char path[] = "/tmp/cnx_test_json_stream_XXXXXX";

/* Numbers in order, as a part or the whole. */
typedef struct numbers {
    long long *list;
    size_t count, room;
} numbers;

static void *part_new(void *user)
{
    (void)user;
    return calloc(1, sizeof(numbers));
}

static void part_free(void *part)
{
    free(((numbers *)part)->list);
    free(part);
}

static void put(numbers *n, long long value)
{
    if (n->count == n->room) {
        n->room = n->room ? 2 * n->room : 64;
        n->list = realloc(n->list, n->room * sizeof *n->list);
    }
    n->list[n->count++] = value;
}

static cnx_status read_n(void *user, const cnx_json_text *key, cnx_json_scan *scan, cnx_error *err)
{
    return cnx_json_text_is(key, "n") ? cnx_json_scan_whole(user, "n", scan, err)
                                      : cnx_json_skip(scan, err);
}

static cnx_status read_entry(void *user, void *part, cnx_json_scan *scan, cnx_error *err)
{
    long long n = -1;
    (void)user;
    CNX_TRY(cnx_json_scan_object(read_n, &n, scan, err));
    put(part, n);
    return CNX_OK;
}

static cnx_status take(void *user, void *part, cnx_error *err)
{
    numbers *all = user;
    const numbers *p = part;
    (void)err;
    for (size_t i = 0; i < p->count; i++)
        put(all, p->list[i]);
    return CNX_OK;
}

static cnx_status read_all(numbers *all, int threads, cnx_error *err)
{
    cnx_json_file file;
    *all = (numbers){0};
    const cnx_json_list list = {.threads = threads,
                                .entry = "entry",
                                .user = all,
                                .part_new = part_new,
                                .part_free = part_free,
                                .read = read_entry,
                                .take = take};
    uint64_t count = 0;
    CNX_TRY(cnx_json_file_open(&file, path, err));
    const cnx_status status = cnx_json_read_list_file(&file, &list, &count, err);
    cnx_json_file_close(&file);
    if (status == CNX_OK)
        CHECK(count == all->count);
    return status;
}

/* Text that looks like the border of two entries. */
static const char lure[] = "}, {\\\"n\\\": 7}, {\\\"n\\\": 8";

enum { PLAIN, LURES, NESTED, LONG, BLANKS, KINDS };

/* About `bytes` of entries 0, 1, ...; returns how many. */
static long long write_list(int kind, size_t bytes, const char *end)
{
    FILE *file = fopen(path, "w");
    long long n = 0;
    unsigned long long seed = (unsigned long long)kind + 1;
    fputs("  [", file);
    while ((size_t)ftell(file) < bytes) {
        fputs(n > 0 ? "," : "", file);
        if (kind == BLANKS)
            fprintf(file, "%*s", (int)(check_random(&seed) % 3000), "");
        fprintf(file, "{\"n\":%lld", n++);
        if (kind == LURES)
            for (int i = (int)(check_random(&seed) % 4000); i > 0; i--)
                fprintf(file, "%s\"%d\":\"%s\"", ",", i, lure);
        if (kind == NESTED)
            for (int i = (int)(check_random(&seed) % 3000); i > 0; i--)
                fputs(i == 1 ? ",\"x\":[{\"n\":1},{\"n\":2}]" : ",\"l\":[{\"n\":3}, {\"n\":4}]",
                      file);
        if (kind == LONG && check_random(&seed) % 3 == 0)
            fprintf(file, ",\"s\":\"%0*d\"", (int)(check_random(&seed) % 3000000), 0);
        fputs("}", file);
    }
    fputs(end, file);
    fclose(file);
    return n;
}

static void sound_lists(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
        const long long wanted = write_list(kind, 4u << 20, "]\n");
        for (int threads = 1; threads <= 3; threads += 2) {
            numbers all;
            cnx_error err = {0};
            const bool read = read_all(&all, threads, &err) == CNX_OK;
            bool in_order = (long long)all.count == wanted;
            for (size_t i = 0; in_order && i < all.count; i++)
                in_order = all.list[i] == (long long)i;
            CHECK(read && in_order, "kind %d, %d threads: %s, %zu entries of %lld", kind, threads,
                  err.message, all.count, wanted);
            free(all.list);
        }
    }
}

/* The message names the entry, counted from the file's beginning. */
static void refuse(int kind, size_t bytes, const char *end, const char *say, int entry_offset)
{
    const long long n = write_list(kind, bytes, end);
    for (int threads = 1; threads <= 3; threads += 2) {
        numbers all;
        cnx_error err = {0};
        char entry[64];
        snprintf(entry, sizeof entry, "entry %lld (byte ", n + entry_offset);
        CHECK(read_all(&all, threads, &err) != CNX_OK && strstr(err.message, say) &&
                  strstr(err.message, path) && (entry_offset == -99 || strstr(err.message, entry)),
              "kind %d, %d threads: %s; expected %s %s", kind, threads, err.message, entry, say);
        free(all.list);
    }
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void small_files(void)
{
    static const struct {
        const char *text;
        int count; /* -1: refused */
    } cases[] = {{"[]", 0},
                 {" [ ] ", 0},
                 {"[{\"n\":5}]", 1},
                 {"\xef\xbb\xbf[{\"n\":5},{}]", 2},
                 {"[{\"n\":5},]", -1},
                 {"[{\"n\":5}", -1},
                 {"[{\"n\":5}}", -1},
                 {"[,{}]", -1},
                 {"[5]", -1},
                 {"[[]]", -1},
                 {"{}", -1},
                 {"[{}]x", -1},
                 {"[{}],", -1},
                 {"[", -1},
                 {" ", -1},
                 {"[{}", -1},
                 {"[{},", -1},
                 {"[{\"n\":1e}]", -1},
                 {"nul", -1},
                 {"[{}{}]", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        numbers all;
        cnx_error err = {0};
        write_text(cases[i].text);
        const cnx_status status = read_all(&all, 2, &err);
        CHECK((status == CNX_OK) == (cases[i].count >= 0), "%s: %s", cases[i].text, err.message);
        if (cases[i].count >= 0)
            CHECK((int)all.count == cases[i].count, "%s: %zu", cases[i].text, all.count);
        else
            CHECK(strstr(err.message, path), "%s: %s", cases[i].text, err.message);
        free(all.list);
    }
}

static cnx_status see_member(void *user, const cnx_json_file *file, const cnx_json_text *key,
                             char first_byte, uint64_t *offset, cnx_error *err)
{
    const cnx_json_list list = {.threads = 2,
                                .entry = "entry",
                                .user = user,
                                .part_new = part_new,
                                .part_free = part_free,
                                .read = read_entry,
                                .take = take};
    if (!cnx_json_text_is(key, "list"))
        return CNX_OK;
    CHECK(first_byte == '[');
    return cnx_json_read_list(file, offset, &list, NULL, err);
}

static void object_files(void)
{
    static const struct {
        const char *text;
        int count;
    } cases[] = {{"{}", 0},
                 {" {\"a\":1, \"list\" : [{\"n\":1},{\"n\":2}] , \"z\":{\"list\":[]}} ", 2},
                 {"{\"list\":[]}", 0},
                 {"{\"a\":[1,2", -1},
                 {"{\"list\":[{}]", -1},
                 {"{\"list\":[{}],}", -1},
                 {"{\"list\":[{}]}}", -1},
                 {"[]", -1},
                 {"{\"a\"}", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        numbers all = {0};
        cnx_error err = {0};
        cnx_json_file file;
        write_text(cases[i].text);
        CHECK(cnx_json_file_open(&file, path, &err) == CNX_OK);
        const cnx_status status = cnx_json_read_object_file(&file, see_member, &all, &err);
        cnx_json_file_close(&file);
        CHECK((status == CNX_OK) == (cases[i].count >= 0), "%s: %s", cases[i].text, err.message);
        if (cases[i].count >= 0)
            CHECK((int)all.count == cases[i].count, "%s: %zu", cases[i].text, all.count);
        free(all.list);
    }
}

int main(void)
{
    const int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    small_files();
    object_files();
    sound_lists();
    refuse(PLAIN, 3u << 20, ",{\"n\":\"x\"}]", "n is a string", 1);
    refuse(LURES, 3u << 20, ",{\"n\":1.5}]", "whole number", 1);
    refuse(NESTED, 3u << 20, ",17]", "is a number", 1);
    refuse(LONG, 5u << 20, "", "cut off", 0);
    refuse(PLAIN, 3u << 20, ",", "cut off", -99);
    refuse(BLANKS, 3u << 20, "] x", "more follows", -99);
    cnx_json_file file;
    CHECK(cnx_json_file_open(&file, "/tmp", NULL) == CNX_ERR_IO);
    cnx_json_file_close(&file);
    unlink(path);
    return CHECK_RESULT;
}
