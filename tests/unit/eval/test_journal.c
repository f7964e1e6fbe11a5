/* The journal: what comes back, what damage costs, what is refused. */
#include "eval/journal.h"

#include <fcntl.h>

#include "tests/unit/check.h"

enum { COUNT = 6 };
static const char run[] = "model a, data b";

typedef struct log {
    char text[COUNT][64];
    int order[COUNT], kept;
} log;

static cnx_status keep(void *user, size_t index, const char *text, cnx_error *err)
{
    log *l = user;
    (void)err;
    l->order[l->kept++] = (int)index;
    snprintf(l->text[index], sizeof l->text[index], "%s", text);
    return CNX_OK;
}

static cnx_status reopen(cnx_journal **j, const char *path, const char *of, log *l,
                         cnx_journal_found *found, cnx_error *err)
{
    *l = (log){0};
    return cnx_journal_open(j, path, of, COUNT, true, keep, l, found, err);
}

static void write_some(const char *path, const int *order, int n)
{
    cnx_journal *j = NULL;
    cnx_journal_found found;
    cnx_error err = {0};
    log l = {0};
    unlink(path);
    CHECK(cnx_journal_open(&j, path, run, COUNT, false, keep, &l, &found, &err) == CNX_OK, "%s",
          err.message);
    for (int i = 0; i < n; i++) {
        char text[64];
        snprintf(text, sizeof text, "{\"n\":%d}", order[i] * 11);
        CHECK(!cnx_journal_has(j, (size_t)order[i]));
        CHECK(cnx_journal_add(j, (size_t)order[i], text, &err) == CNX_OK, "%s", err.message);
        CHECK(cnx_journal_has(j, (size_t)order[i]));
    }
    CHECK(cnx_journal_sync(j, &err) == CNX_OK);
    cnx_journal_close(&j);
}

static size_t slurp(const char *path, char *data, size_t room)
{
    FILE *f = fopen(path, "rb");
    const size_t n = f ? fread(data, 1, room, f) : 0;
    if (f)
        fclose(f);
    return n;
}

static void put(const char *path, const char *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, size, f) == size && fclose(f) == 0);
}

static void comes_back(const char *path)
{
    const int order[] = {4, 0, 2};
    cnx_journal *j = NULL;
    cnx_journal_found found;
    cnx_error err = {0};
    log l;
    write_some(path, order, 3);
    CHECK(reopen(&j, path, run, &l, &found, &err) == CNX_OK, "%s", err.message);
    CHECK(found.kept == 3 && found.dropped == 0 && l.kept == 3);
    CHECK(l.order[0] == 4 && l.order[1] == 0 && l.order[2] == 2);
    CHECK(strcmp(l.text[4], "{\"n\":44}") == 0 && strcmp(l.text[0], "{\"n\":0}") == 0);
    CHECK(cnx_journal_has(j, 2) && !cnx_journal_has(j, 1) && !cnx_journal_has(j, 99));
    CHECK(cnx_journal_add(j, 2, "x", &err) == CNX_ERR_INTERNAL);

    cnx_journal *second = NULL; /* two runs must not write one journal */
    log other;
    CHECK(reopen(&second, path, run, &other, &found, &err) == CNX_ERR_IO);
    CHECK(strstr(err.message, "another run is writing"), "%s", err.message);
    CHECK(cnx_journal_remove(j, &err) == CNX_OK && access(path, F_OK) != 0);
    cnx_journal_close(&j);
}

/* Cut anywhere: what stands whole is kept, the rest is written again. */
static void cut_anywhere(const char *path)
{
    const int order[] = {0, 1, 2};
    char data[1024];
    write_some(path, order, 3);
    const size_t size = slurp(path, data, sizeof data);
    size_t line_ends[8], lines = 0;
    for (size_t i = 0; i < size; i++)
        if (data[i] == '\n')
            line_ends[lines++] = i + 1;
    CHECK(lines == 4);
    for (size_t cut = 0; cut <= size; cut++) {
        size_t expected = 0;
        while (expected < 3 && line_ends[expected + 1] <= cut)
            expected++;
        put(path, data, cut);
        cnx_journal *j = NULL;
        cnx_journal_found found;
        cnx_error err = {0};
        log l;
        CHECK(reopen(&j, path, run, &l, &found, &err) == CNX_OK, "cut at %zu: %s", cut,
              err.message);
        CHECK(found.kept == expected, "cut at %zu: %zu of %zu", cut, found.kept, expected);
        for (int i = (int)expected; i < 3; i++) {
            char text[64];
            snprintf(text, sizeof text, "{\"n\":%d}", i * 11);
            CHECK(cnx_journal_add(j, (size_t)i, text, &err) == CNX_OK);
        }
        cnx_journal_close(&j);
        char again[1024];
        CHECK(slurp(path, again, sizeof again) == size && memcmp(again, data, size) == 0,
              "cut at %zu", cut);
    }
}

/* A changed byte is never taken for a record. */
static void damage_anywhere(const char *path)
{
    const int order[] = {0, 1, 2};
    char data[1024];
    write_some(path, order, 3);
    const size_t size = slurp(path, data, sizeof data);
    for (size_t at = 0; at < size; at++) {
        data[at] ^= 4;
        put(path, data, size);
        data[at] ^= 4;
        cnx_journal *j = NULL;
        cnx_journal_found found;
        cnx_error err = {0};
        log l;
        const cnx_status status = reopen(&j, path, run, &l, &found, &err);
        if (status == CNX_OK)
            CHECK(found.kept < 3 && found.dropped > 0, "byte %zu", at);
        else
            CHECK(status == CNX_ERR_FORMAT && strstr(err.message, path), "byte %zu: %s", at,
                  err.message);
        for (int i = 0; i < l.kept; i++) {
            char text[64];
            snprintf(text, sizeof text, "{\"n\":%d}", i * 11);
            CHECK(l.order[i] == i && strcmp(l.text[i], text) == 0, "byte %zu", at);
        }
        cnx_journal_close(&j);
    }
}

static void refused(const char *path)
{
    const int order[] = {0};
    cnx_journal *j = NULL;
    cnx_journal_found found;
    cnx_error err = {0};
    log l = {0};
    write_some(path, order, 1);
    CHECK(cnx_journal_open(&j, path, run, COUNT, false, keep, &l, &found, &err) == CNX_ERR_IO);
    CHECK(strstr(err.message, "--resume"), "%s", err.message);
    CHECK(reopen(&j, path, "model c", &l, &found, &err) == CNX_ERR_ARGUMENT);
    CHECK(strstr(err.message, run) && strstr(err.message, "model c"), "%s", err.message);
    const char notes[] = "my notes\n";
    for (size_t size = 1; size < sizeof notes; size++) { /* not ours: left as it is */
        char after[32];
        put(path, notes, size);
        CHECK(reopen(&j, path, run, &l, &found, &err) == CNX_ERR_FORMAT, "%zu bytes", size);
        CHECK(slurp(path, after, sizeof after) == size);
    }
    unlink(path);
    CHECK(reopen(&j, "/nonexistent/journal", run, &l, &found, &err) == CNX_ERR_IO);
    CHECK(reopen(&j, "/", run, &l, &found, &err) == CNX_ERR_IO);
    CHECK(j == NULL);
}

int main(void)
{
    char path[] = "/tmp/cnx_journal_XXXXXX";
    const int file = mkstemp(path);
    CHECK(file >= 0);
    close(file);
    comes_back(path);
    cut_anywhere(path);
    damage_anywhere(path);
    refused(path);
    unlink(path);
    return CHECK_RESULT;
}
