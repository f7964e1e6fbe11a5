/* A large file costs what is read of it: its other parts are never touched, and the pages of a
 * tensor are let go of while it is read. */
#include <fcntl.h>
#include <sys/stat.h>

#include "core/checkpoint/checkpoint.h"
#include "core/memory.h"
#include "tests/unit/check.h"
#include "tests/unit/checkpoint/build.h"

static cnx_error err;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

enum { MB = 1024 * 1024, OPTIMIZER = 600 * MB, WEIGHT = 96 * MB };

/* Local header and directory entry of a member of zeros that the file has as a hole. */
static void add_hole(zip_builder *z, int fd, size_t *at, const char *name, size_t size,
                     uint32_t crc)
{
    const size_t header = *at;
    bytes local = {0};
    put(&local, "PK\3\4\0\0\0\0\0\0\0\0\0\0", 14);
    put(&z->directory, "PK\1\2\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    bytes *const both[] = {&local, &z->directory};
    for (int i = 0; i < 2; i++) {
        put_number(both[i], crc, 4);
        put_number(both[i], size, 4);
        put_number(both[i], size, 4);
        put_number(both[i], strlen(name), 2);
        put_number(both[i], 0, 2);
    }
    put(&z->directory, "\0\0\0\0\0\0\0\0\0\0", 10);
    put_number(&z->directory, header, 4);
    ops(&z->directory, name);
    ops(&local, name);
    CHECK(pwrite(fd, local.data, local.size, (off_t)*at) == (ssize_t)local.size, "write");
    *at += local.size + size;
    free(local.data);
    z->count++;
}

static uint32_t crc_of_zeros(size_t size)
{
    unsigned char *zeros = calloc(1, MB);
    uLong crc = 0;
    for (size_t i = 0; i < size / MB; i++)
        crc = crc32_z(crc, zeros, MB);
    free(zeros);
    return (uint32_t)crc;
}

static void write_file(const char *path)
{
    bytes p = {0};
    ops(&p, "\x80\x02}");
    text(&p, "state_dict");
    ops(&p, "}");
    text(&p, "w");
    vector(&p, "0", WEIGHT / 4);
    ops(&p, "ss");
    text(&p, "optimizer");
    ops(&p, "}");
    text(&p, "m");
    vector(&p, "1", OPTIMIZER / 4);
    ops(&p, "ss.");
    zip_builder z = {0};
    zip_add(&z, "a/data.pkl", p.data, p.size);
    free(p.data);

    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    CHECK(fd >= 0, "no temporary file");
    size_t at = z.file.size;
    CHECK(pwrite(fd, z.file.data, at, 0) == (ssize_t)at, "write");
    add_hole(&z, fd, &at, "a/data/0", WEIGHT, crc_of_zeros(WEIGHT));
    add_hole(&z, fd, &at, "a/data/1", OPTIMIZER, 12345); /* never checked */
    const size_t directory = z.directory.size;
    z.file.size = 0;
    bytes end = zip_finish(&z);
    for (int i = 0; i < 4; i++) /* where the directory really is */
        end.data[directory + 16 + (size_t)i] = (unsigned char)(at >> (8 * i));
    CHECK(pwrite(fd, end.data, end.size, (off_t)at) == (ssize_t)end.size, "write");
    free(end.data);
    close(fd);
}

int main(void)
{
    if (SANITIZED) {
        fprintf(stderr, "a sanitizer's own memory would be measured\n");
        return 77;
    }
    char folder[] = "/tmp/cnx-test-XXXXXX", path[64];
    CHECK(mkdtemp(folder), "no temporary folder");
    snprintf(path, sizeof path, "%s/large.pth", folder);
    write_file(path);

    float *out = malloc(WEIGHT);
    memset(out, 1, WEIGHT);
    const size_t before = cnx_peak_rss();
    cnx_checkpoint *c = NULL;
    CHECK(cnx_checkpoint_open(&c, path, &err) == CNX_OK, "%s", err.message);
    const cnx_tensor_info *t = c ? cnx_checkpoint_find(c, "w") : NULL;
    CHECK(t && cnx_checkpoint_read_f32(c, t, out, &err) == CNX_OK, "%s", err.message);
    CHECK(out[0] == 0 && out[WEIGHT / 4 - 1] == 0, "values");
    const size_t cost = cnx_peak_rss() - before;
    CHECK(cost < 24 * (size_t)MB, "opening and reading took %zu MB", cost / MB);
    cnx_checkpoint_close(&c);
    free(out);
    unlink(path);
    rmdir(folder);
    return CHECK_RESULT;
}
