/* The zip container: what may stand beside the members that count, and what makes it ambiguous. */
#include "core/checkpoint/checkpoint.h"
#include "tests/unit/check.h"
#include "tests/unit/checkpoint/build.h"

static cnx_error err;

typedef struct member {
    const char *name, *data;
} member;

/* A pickle {"w": a tensor of two elements in storage "0"}; from malloc. */
static bytes small_pickle(void)
{
    bytes p = {0};
    ops(&p, "\x80\x02}");
    text(&p, "w");
    vector(&p, "0", 2);
    ops(&p, "s.");
    return p;
}

/* ROOT/data.pkl and ROOT/data/0 with some members around them. */
static bytes archive(const char *root, const member *others, int count)
{
    char name[64];
    const float values[2] = {1.5f, -2.0f};
    zip_builder z = {0};
    bytes p = small_pickle();
    snprintf(name, sizeof name, "%s/data.pkl", root);
    zip_add(&z, name, p.data, p.size);
    for (int i = 0; i < count; i++)
        zip_add(&z, others[i].name, others[i].data, strlen(others[i].data));
    snprintf(name, sizeof name, "%s/data/0", root);
    zip_add(&z, name, values, sizeof values);
    free(p.data);
    return zip_finish(&z);
}

/* Opens and reads the one tensor; frees the file. */
static cnx_status use(bytes *file)
{
    cnx_checkpoint *c = NULL;
    float out[2] = {0};
    cnx_status status = cnx_checkpoint_open_memory(&c, file->data, file->size, "test", &err);
    if (status == CNX_OK) {
        status = cnx_checkpoint_read_f32(c, cnx_checkpoint_tensor(c, 0), out, &err);
        CHECK(status != CNX_OK || (out[0] == 1.5f && out[1] == -2.0f), "values");
    }
    cnx_checkpoint_close(&c);
    free(file->data);
    return status;
}

static void members(void)
{
    static const struct {
        const char *root;
        member others[2];
        int count;
        const char *words; /* NULL: opens and reads */
    } cases[] = {
        {"archive", {{0}}, 0, NULL},
        {"my model",
         {{"my model/byteorder", "little"}, {"my model/.data/serialization_id", "1"}},
         2,
         NULL},
        {"archive", {{"archive/byteorder", "big"}}, 1, "byte order is \"big\""},
        {"archive", {{"archive/byteorder", "littl\x1b"}}, 1, "byte order is \"littl?\""},
        {"archive", {{"../../PWNED", "x"}, {"/etc/PWNED", "x"}}, 2, NULL},
        {"archive", {{"archive/extra/data.pkl", "x"}, {"data.pkl", "x"}}, 2, NULL},
        {"archive", {{"archive/data.pkl", "x"}}, 1, "ambiguous"},
        {"archive", {{"archive/data/0", "12345678"}}, 1, "ambiguous"},
        {"archive", {{"other/data.pkl", "x"}}, 1, "ambiguous"},
        {"archive", {{"archive/code", "x"}, {"archive/code", "x"}}, 2, "ambiguous"},
        {"a/b", {{0}}, 0, "no member data.pkl"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bytes file = archive(cases[i].root, cases[i].others, cases[i].count);
        const cnx_status status = use(&file);
        CHECK((status == CNX_OK) == !cases[i].words, "case %zu: %s", i, err.message);
        CHECK(!cases[i].words || strstr(err.message, cases[i].words), "case %zu: \"%s\"", i,
              err.message);
    }
}

/* The place of the n-th directory entry. */
static unsigned char *entry(bytes *file, int n)
{
    unsigned char *p = file->data;
    for (;; p++)
        if (memcmp(p, "PK\1\2", 4) == 0 && n-- == 0)
            return p;
}

static void refuse(bytes file, const char *words)
{
    err.message[0] = '\0';
    CHECK(use(&file) != CNX_OK, "accepted; expected \"%s\"", words);
    CHECK(strstr(err.message, words), "\"%s\" does not say \"%s\"", err.message, words);
}

static void damage(void)
{
    bytes f = archive("archive", NULL, 0);
    entry(&f, 1)[10] = 8;
    refuse(f, "compressed");
    f = archive("archive", NULL, 0);
    entry(&f, 1)[8] = 1;
    refuse(f, "encrypted");
    f = archive("archive", NULL, 0);
    entry(&f, 1)[16] ^= 1;
    refuse(f, "CRC-32");
    f = archive("archive", NULL, 0);
    entry(&f, 0)[16] ^= 1;
    refuse(f, "CRC-32");
    f = archive("archive", NULL, 0);
    entry(&f, 1)[42]--;
    refuse(f, "not where the directory says");
    f = archive("archive", NULL, 0);
    f.data[30] = 'A'; /* the local header names another member */
    refuse(f, "not where the directory says");
    f = archive("archive", NULL, 0);
    entry(&f, 1)[44] = 0x7f;
    refuse(f, "past the members");
    f = archive("archive", NULL, 0);
    entry(&f, 1)[20] = 200;
    refuse(f, "claims");
    f = archive("archive", NULL, 0);
    entry(&f, 1)[24] ^= 1;
    refuse(f, "two sizes");
    f = archive("archive", NULL, 0);
    f.data[f.size - 22 + 10] = f.data[f.size - 22 + 8] = 200;
    refuse(f, "claims 200 members");
    f = archive("archive", NULL, 0);
    f.data[f.size - 22 + 4] = 1;
    refuse(f, "several parts");
    f = archive("archive", NULL, 0);
    put(&f, "x", 1);
    refuse(f, "no end record");
}

/* The same archive with zip64 records: sizes and offsets in extra fields, a zip64 end record. */
static bytes widened(void)
{
    const float values[2] = {1.5f, -2.0f};
    bytes p = small_pickle(), f = {0}, d = {0};
    const char *names[] = {"archive/data.pkl", "archive/data/0"};
    const void *data[] = {p.data, values};
    const size_t sizes[] = {p.size, sizeof values};
    for (int i = 0; i < 2; i++) {
        const uint32_t crc = (uint32_t)crc32_z(0, data[i], sizes[i]);
        const size_t header = f.size;
        put(&f, "PK\3\4\x2d\0\0\0\0\0\0\0\0\0", 14);
        put(&d, "PK\1\2\x2d\0\x2d\0\0\0\0\0\0\0\0\0", 16);
        put_number(&f, crc, 4);
        put_number(&d, crc, 4);
        put_number(&f, UINT64_MAX, 8); /* the local header's sizes count for nothing */
        put_number(&d, UINT64_MAX, 8);
        put_number(&f, strlen(names[i]), 2);
        put_number(&d, strlen(names[i]), 2);
        put_number(&f, 5, 2);
        put_number(&d, 34, 2);
        put(&d, "\0\0\0\0\0\0\0\0\0\0", 10);
        put_number(&d, UINT32_MAX, 4);
        ops(&f, names[i]);
        ops(&d, names[i]);
        put(&f, "FB\1\0Z", 5); /* padding, as torch does it */
        put(&f, data[i], sizes[i]);
        put(&d, "FB\2\0ZZ", 6);
        put_number(&d, 1, 2);
        put_number(&d, 24, 2);
        put_number(&d, sizes[i], 8);
        put_number(&d, sizes[i], 8);
        put_number(&d, header, 8);
    }
    const size_t directory = f.size, end = f.size + d.size;
    put(&f, d.data, d.size);
    put(&f, "PK\6\6", 4);
    put_number(&f, 44, 8);
    put_number(&f, 0x2d002d, 4);
    put_number(&f, 0, 8);
    put_number(&f, 2, 8);
    put_number(&f, 2, 8);
    put_number(&f, d.size, 8);
    put_number(&f, directory, 8);
    put(&f, "PK\6\7\0\0\0\0", 8);
    put_number(&f, end, 8);
    put_number(&f, 1, 4);
    put(&f, "PK\5\6\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0", 22);
    free(p.data);
    free(d.data);
    return f;
}

static void zip64(void)
{
    bytes f = widened();
    CHECK(use(&f) == CNX_OK, "%s", err.message);
    f = widened();
    f.data[f.size - 22 - 20 + 8] ^= 1;
    refuse(f, "not where its locator says");
    f = widened();
    f.data[f.size - 22 - 20 + 15] = 0xff;
    refuse(f, "not where its locator says");
    f = widened();
    f.data[f.size - 22 + 8] = f.data[f.size - 22 + 10] = 1; /* 0xff01, and 2 in the other */
    refuse(f, "contradict each other");
    f = widened();
    f.data[f.size - 22 - 20 - 56 + 24 + 5] = f.data[f.size - 22 - 20 - 56 + 32 + 5] = 1;
    refuse(f, "claims 1099511627778 members");
    f = widened();
    entry(&f, 1)[46 + 14 + 6 + 4 + 7] = 0x80; /* a size of 2^63 */
    refuse(f, "two sizes");
}

int main(void)
{
    members();
    damage();
    zip64();
    return CHECK_RESULT;
}
