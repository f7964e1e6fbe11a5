/* .npy files: what numpy writes, what it does not, and what cnx writes. */
#include "core/npy.h"

#include <stdint.h>

#include "tests/unit/check.h"

static char path[] = "/tmp/cnx_test_npy_XXXXXX";

/* A file of the given format version, header text and data. */
static void write_npy(int version, const char *header, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    const size_t length = strlen(header);
    const uint8_t head[12] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', (uint8_t)version, 0, (uint8_t)length, (uint8_t)(length >> 8),
        0,    0};
    CHECK(file && fwrite(head, 1, version == 1 ? 10 : 12, file) > 0);
    fwrite(header, 1, length, file);
    fwrite(data, 1, size, file);
    fclose(file);
}

static cnx_status read_status(int version, const char *header, size_t size, cnx_npy *npy,
                              cnx_error *err)
{
    static const uint8_t data[256] = {1, 2, 3, 4, 5, 6, 7, 8};
    write_npy(version, header, data, size);
    return cnx_npy_read(npy, path, err);
}

static void test_types_and_versions(void)
{
    static const struct {
        const char *descr;
        cnx_npy_type type;
        size_t size;
    } cases[] = {{"<f4", CNX_NPY_F32, 4}, {"<f2", CNX_NPY_F16, 2}, {"<f8", CNX_NPY_F64, 8},
                 {"<i8", CNX_NPY_I64, 8}, {"<i4", CNX_NPY_I32, 4}, {"<u2", CNX_NPY_U16, 2},
                 {"|u1", CNX_NPY_U8, 1},  {"|b1", CNX_NPY_BOOL, 1}};
    for (int version = 1; version <= 3; version++) {
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            char header[128];
            snprintf(header, sizeof header,
                     "{'descr': '%s', 'fortran_order': False, 'shape': (2, 3), }   \n",
                     cases[i].descr);
            cnx_npy npy;
            cnx_error err = {0};
            CHECK(read_status(version, header, 6 * cases[i].size, &npy, &err) == CNX_OK, "%s",
                  err.message);
            CHECK(npy.type == cases[i].type && npy.rank == 2 && npy.shape[0] == 2 &&
                  npy.shape[1] == 3 && npy.elements == 6);
            CHECK(npy.data && ((uint8_t *)npy.data)[1] == 2);
            cnx_npy_free(&npy);
            cnx_npy_free(&npy);
            CHECK(read_status(version, header, 6 * cases[i].size - 1, &npy, &err) == CNX_ERR_FORMAT,
                  "short data");
            CHECK(read_status(version, header, 6 * cases[i].size + 1, &npy, &err) == CNX_ERR_FORMAT,
                  "long data");
            CHECK(!npy.data);
        }
    }
}

static void test_odd_but_sound(void)
{
    cnx_npy npy;
    cnx_error err = {0};
    CHECK(read_status(1, "{\"shape\":(3L,),\"fortran_order\":False,\"descr\":\"|u1\"}", 3, &npy,
                      &err) == CNX_OK,
          "%s", err.message);
    CHECK(npy.rank == 1 && npy.shape[0] == 3);
    cnx_npy_free(&npy);
    CHECK(read_status(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 4, &npy,
                      &err) == CNX_OK,
          "%s", err.message);
    CHECK(npy.rank == 0 && npy.elements == 1);
    cnx_npy_free(&npy);
    CHECK(read_status(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4), }", 0, &npy,
                      &err) == CNX_OK,
          "%s", err.message);
    CHECK(npy.elements == 0 && !npy.data);
    cnx_npy_free(&npy);
}

static void test_refused(void)
{
    static const struct {
        const char *header;
        cnx_status status;
    } cases[] = {
        {"", CNX_ERR_FORMAT},
        {"{}", CNX_ERR_FORMAT},
        {"garbage", CNX_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False}", CNX_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)", CNX_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", CNX_ERR_UNSUPPORTED},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (1,), }", CNX_ERR_FORMAT},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", CNX_ERR_UNSUPPORTED},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", CNX_ERR_UNSUPPORTED},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", CNX_ERR_UNSUPPORTED},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", CNX_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1 1), }", CNX_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': 1, }", CNX_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
         CNX_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387905,), }",
         CNX_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,), }",
         CNX_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }",
         CNX_ERR_UNSUPPORTED},
        {"{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
         CNX_ERR_FORMAT},
        {"{'other': '<f4', 'fortran_order': False, 'shape': (1,), }", CNX_ERR_FORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (", CNX_ERR_FORMAT},
        {"{'descr': '<f4", CNX_ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cnx_npy npy;
        cnx_error err = {0};
        const cnx_status status = read_status(1, cases[i].header, 4, &npy, &err);
        CHECK(status == cases[i].status ||
                  (cases[i].status == CNX_ERR_FORMAT && status == CNX_ERR_UNSUPPORTED),
              "%s: %d", cases[i].header, status);
        CHECK(!npy.data && strncmp(err.message, path, strlen(path)) == 0, "%s", err.message);
    }
    cnx_npy npy;
    cnx_error err;
    CHECK(read_status(4, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4, &npy,
                      &err) == CNX_ERR_UNSUPPORTED);
    CHECK(cnx_npy_read(&npy, "/nonexistent.npy", &err) == CNX_ERR_IO);
}

static void test_cut_anywhere(void)
{
    const float data[6] = {1, 2, 3, 4, 5, 6};
    write_npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }\n", data, sizeof data);
    uint8_t bytes[256];
    FILE *file = fopen(path, "rb");
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 0; cut < size; cut++) {
        file = fopen(path, "wb");
        fwrite(bytes, 1, cut, file);
        fclose(file);
        cnx_npy npy;
        cnx_error err;
        CHECK(cnx_npy_read(&npy, path, &err) == CNX_ERR_FORMAT, "cut to %zu", cut);
    }
}

/* The header byte for byte as numpy 1.24 writes it. */
static void test_write(void)
{
    const size_t shape[3] = {2, 1, 3};
    const float values[6] = {0.5f, -1, 2, 3, 4, 5};
    for (int rank = 0; rank <= 3; rank++) {
        cnx_error err = {0};
        cnx_output out;
        size_t offset = 0, elements = 1;
        for (int i = 0; i < rank; i++)
            elements *= shape[i];
        CHECK(cnx_output_open(&out, path, &err) == CNX_OK);
        CHECK(cnx_npy_begin_f32(&out, rank, shape, &offset, &err) == CNX_OK, "%s", err.message);
        CHECK(offset == 128, "%zu", offset);
        for (size_t i = elements; i-- > 0;) /* in any order */
            CHECK(cnx_output_write_at(&out, &values[i], 4, offset + 4 * i, &err) == CNX_OK);
        CHECK(cnx_output_commit(&out, &err) == CNX_OK, "%s", err.message);
        cnx_npy npy;
        CHECK(cnx_npy_read(&npy, path, &err) == CNX_OK, "%s", err.message);
        CHECK(npy.rank == rank && npy.elements == elements && npy.type == CNX_NPY_F32);
        CHECK(npy.data && memcmp(npy.data, values, 4 * elements) == 0);
        cnx_npy_free(&npy);
    }
    static const char expected[] = "\x93NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False, "
                                   "'shape': (2, 1, 3), }";
    char head[129] = "";
    FILE *file = fopen(path, "rb");
    CHECK(fread(head, 1, 128, file) == 128);
    fclose(file);
    CHECK(memcmp(head, expected, sizeof expected - 1) == 0 && head[127] == '\n' &&
          head[126] == ' ');

    size_t offset;
    cnx_error err;
    CHECK(cnx_npy_begin_f32(&(cnx_output){0}, 9, shape, &offset, &err) == CNX_ERR_ARGUMENT);
}

static void test_shared(void)
{
    char buffer[4096], name[5000];
    const char *folder = check_shared(buffer, sizeof buffer, "fixtures/seg/ops/softmax_channels");
    if (!folder)
        return;
    snprintf(name, sizeof name, "%s/x.npy", folder);
    cnx_npy npy;
    cnx_error err = {0};
    CHECK(cnx_npy_read(&npy, name, &err) == CNX_OK, "%s", err.message);
    CHECK(npy.rank == 4 && npy.elements == 2 * 9 * 4 * 5 && npy.type == CNX_NPY_F32);
    cnx_npy_free(&npy);
}

int main(void)
{
    const int made = mkstemp(path);
    CHECK(made >= 0);
    close(made);
    test_types_and_versions();
    test_odd_but_sound();
    test_refused();
    test_cut_anywhere();
    test_write();
    test_shared();
    unlink(path);
    return CHECK_RESULT;
}
