/*
 * What the pickle of a torch file may say, and what is made of it: sections, names, views, dtypes,
 * metadata, and the globals that are taken and refused.
 */
#include "core/checkpoint/checkpoint.h"
#include "tests/unit/check.h"
#include "tests/unit/checkpoint/build.h"

static cnx_error err;

/* Opens a torch file of this pickle with storage "0" of 1..elements; *file must outlive *c. */
static cnx_status open_pickle(cnx_checkpoint **c, bytes *file, bytes *pickle, int elements)
{
    *file = torch_file(pickle, elements);
    *c = NULL;
    err.message[0] = '\0';
    return cnx_checkpoint_open_memory(c, file->data, file->size, "test", &err);
}

static void close_all(cnx_checkpoint **c, bytes *file)
{
    cnx_checkpoint_close(c);
    free(file->data);
}

static void refuse(bytes *pickle, int elements, const char *words)
{
    cnx_checkpoint *c;
    bytes file;
    CHECK(open_pickle(&c, &file, pickle, elements) != CNX_OK, "accepted; expected \"%s\"", words);
    CHECK(strstr(err.message, words), "\"%s\" does not say \"%s\"", err.message, words);
    CHECK(!c, "a refused file is open");
    close_all(&c, &file);
}

/* ---- where the tensors are ---- */

static void add_section(bytes *p, const char *name, int64_t count)
{
    text(p, name);
    ops(p, "}");
    text(p, "w");
    vector(p, "0", count);
    ops(p, "ss");
}

static void section(const char *const *names, int count, const char *want, int64_t size)
{
    bytes p = {0}, file;
    cnx_checkpoint *c;
    ops(&p, "\x80\x02}");
    for (int i = 0; i < count; i++)
        add_section(&p, names[i], i + 1);
    ops(&p, ".");
    CHECK(open_pickle(&c, &file, &p, 8) == CNX_OK, "%s", err.message);
    if (c) {
        const cnx_tensor_info *t = cnx_checkpoint_find(c, "w");
        CHECK(strcmp(cnx_checkpoint_section(c), want) == 0, "section %s, expected %s",
              cnx_checkpoint_section(c), want);
        CHECK(t && t->shape[0] == size, "the tensor of another section");
        CHECK(!cnx_checkpoint_find(c, "v") && !cnx_checkpoint_find(c, ""), "found what is not");
    }
    close_all(&c, &file);
}

static void sections(void)
{
    section((const char *[]){"optimizer", "model", "state_dict"}, 3, "state_dict", 3);
    section((const char *[]){"model_ema", "model"}, 2, "model", 2);
    section((const char *[]){"optimizer", "model_ema"}, 2, "model_ema", 2);
    section((const char *[]){"state_dict_ema", "ema"}, 2, "state_dict_ema", 1);
    section((const char *[]){"ema"}, 1, "ema", 1);

    bytes p = {0}, file;
    cnx_checkpoint *c;
    ops(&p, "\x80\x02}"); /* bare, with a tensor named "model", a number and a nested dictionary */
    text(&p, "model");
    vector(&p, "0", 3);
    ops(&p, "s");
    text(&p, "epoch");
    integer(&p, 7);
    ops(&p, "s");
    add_section(&p, "optimizer", 2);
    ops(&p, ".");
    CHECK(open_pickle(&c, &file, &p, 8) == CNX_OK, "%s", err.message);
    CHECK(c && cnx_checkpoint_count(c) == 1 && strcmp(cnx_checkpoint_section(c), "") == 0, "bare");
    close_all(&c, &file);

    ops(&p, "\x80\x02}");
    add_section(&p, "weights", 2);
    ops(&p, ".");
    refuse(&p, 8, "\"weights\"");
    ops(&p, "\x80\x02}.");
    refuse(&p, 8, "no tensors");
    ops(&p, "\x80\x02K\x05.");
    refuse(&p, 8, "an integer, not a dictionary");
}

static void names(void)
{
    bytes p = {0}, file;
    cnx_checkpoint *c;
    ops(&p, "\x80\x02}");
    text(&p, "module.a");
    vector(&p, "0", 1);
    ops(&p, "s");
    text(&p, "module.module.b");
    vector(&p, "0", 2);
    ops(&p, "s.");
    CHECK(open_pickle(&c, &file, &p, 8) == CNX_OK, "%s", err.message);
    CHECK(c && cnx_checkpoint_find(c, "a") && cnx_checkpoint_find(c, "module.b"), "one module.");
    CHECK(c && strcmp(cnx_checkpoint_tensor(c, 0)->name, "a") == 0, "order");
    CHECK(c && !cnx_checkpoint_tensor(c, 2), "a tensor too many");
    close_all(&c, &file);

    ops(&p, "\x80\x02}");
    text(&p, "module.a");
    vector(&p, "0", 1);
    ops(&p, "s");
    text(&p, "b");
    vector(&p, "0", 2);
    ops(&p, "s.");
    CHECK(open_pickle(&c, &file, &p, 8) == CNX_OK, "%s", err.message);
    CHECK(c && cnx_checkpoint_find(c, "module.a"), "not every name has it");
    close_all(&c, &file);

    static const struct {
        const char *first, *second, *words;
    } bad[] = {{"a", "a", "two tensors"},
               {"a", "\x1b[31m", "no name"},
               {"a", "\xff", "no name"},
               {"a", "", "no name"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ops(&p, "\x80\x02}");
        text(&p, bad[i].first);
        vector(&p, "0", 1);
        ops(&p, "s");
        text(&p, bad[i].second);
        vector(&p, "0", 1);
        ops(&p, "s.");
        refuse(&p, 8, bad[i].words);
    }
}

/* ---- views ---- */

typedef struct view {
    const char *type;
    int64_t count, offset;
    int rank;
    int64_t size[9], stride[9];
    const char *words; /* NULL: sound */
    float values[12];
} view;

/* clang-format off */
static const view views[] = {
    {"FloatStorage", 8, 0, 1, {8}, {1}, NULL, {1, 2, 3, 4, 5, 6, 7, 8}},
    {"FloatStorage", 8, 2, 2, {2, 3}, {3, 1}, NULL, {3, 4, 5, 6, 7, 8}},
    {"FloatStorage", 8, 2, 2, {2, 3}, {1, 2}, NULL, {3, 5, 7, 4, 6, 8}},
    {"FloatStorage", 8, 0, 3, {2, 2, 2}, {1, 4, 2}, NULL, {1, 3, 5, 7, 2, 4, 6, 8}},
    {"FloatStorage", 8, 1, 2, {3, 2}, {2, 0}, NULL, {2, 2, 4, 4, 6, 6}},
    {"FloatStorage", 8, 7, 0, {0}, {0}, NULL, {8}},
    {"FloatStorage", 8, 7, 3, {1, 1, 1}, {9, 99, 1ll << 60}, NULL, {8}},
    {"FloatStorage", 8, 0, 2, {0, 5}, {5, 1}, NULL, {0}},
    {"FloatStorage", 8, 0, 1, {9}, {1}, "reaches beyond", {0}},
    {"FloatStorage", 8, 8, 0, {0}, {0}, "reaches beyond", {0}},
    {"FloatStorage", 8, 1, 1, {8}, {1}, "reaches beyond", {0}},
    {"FloatStorage", 8, 0, 2, {2, 2}, {7, 1}, "reaches beyond", {0}},
    {"FloatStorage", 8, -1, 1, {2}, {1}, "negative offset", {0}},
    {"FloatStorage", 8, INT64_MAX, 1, {2}, {1}, "reaches beyond", {0}},
    {"FloatStorage", 8, 0, 1, {3}, {INT64_MAX}, "reaches beyond", {0}},
    {"FloatStorage", 8, 0, 1, {-3}, {1}, "negative size", {0}},
    {"FloatStorage", 8, 0, 1, {3}, {-1}, "negative stride", {0}},
    {"FloatStorage", 8, 0, 2, {1ll << 40, 1ll << 40}, {0, 0}, "64 bits", {0}},
    {"FloatStorage", 8, 0, 1, {1ll << 40}, {0}, "shows 8 stored elements", {0}},
    {"FloatStorage", 9, 0, 1, {1}, {1}, "the file holds 32 bytes", {0}},
    {"DoubleStorage", 8, 0, 1, {1}, {1}, "the file holds 32 bytes", {0}},
    {"FloatStorage", 1ll << 62, 0, 1, {1}, {1}, "the file holds 32 bytes", {0}},
    {"FloatStorage", -1, 0, 1, {1}, {1}, "-1 elements", {0}},
    {"FloatStorage", 8, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {0}, "9 dimensions", {0}},
};
/* clang-format on */

static void check_views(void)
{
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        const view *v = &views[i];
        bytes p = {0}, file;
        ops(&p, "\x80\x02}");
        text(&p, "w");
        tensor(&p, v->type, "0", v->count, v->offset, v->rank, v->size, v->stride);
        ops(&p, "s.");
        if (v->words) {
            refuse(&p, 8, v->words);
            continue;
        }
        cnx_checkpoint *c;
        CHECK(open_pickle(&c, &file, &p, 8) == CNX_OK, "view %zu: %s", i, err.message);
        const cnx_tensor_info *t = c ? cnx_checkpoint_tensor(c, 0) : NULL;
        float out[16] = {0};
        CHECK(t && t->elements <= 12 && cnx_checkpoint_read_f32(c, t, out, &err) == CNX_OK,
              "view %zu: %s", i, err.message);
        CHECK(t && memcmp(out, v->values, t->elements * sizeof *out) == 0, "view %zu: values", i);
        CHECK(t && out[t->elements] == 0, "view %zu: written past the end", i);
        const float *in_file = t ? cnx_checkpoint_view_f32(c, t) : NULL;
        CHECK(!in_file || memcmp(in_file, v->values, t->elements * sizeof *out) == 0,
              "view %zu: values in the file", i);
        close_all(&c, &file);
    }
}

/* Of an optimizer nothing is checked; sizes and strides must agree in number; keys must exist. */
static void other_tensors(void)
{
    const int64_t two[] = {2, 2}, huge[] = {1ll << 50, 1ll << 50};
    bytes p = {0}, file;
    cnx_checkpoint *c;
    ops(&p, "\x80\x02}");
    add_section(&p, "state_dict", 2);
    text(&p, "optimizer");
    tensor(&p, "FloatStorage", "absent", 99, -5, 2, huge, huge);
    ops(&p, "s.");
    CHECK(open_pickle(&c, &file, &p, 8) == CNX_OK, "%s", err.message);
    const cnx_tensor_info other = {.name = "w"};
    float out[4];
    CHECK(c && cnx_checkpoint_read_f32(c, &other, out, &err) == CNX_ERR_ARGUMENT, "a stranger");
    close_all(&c, &file);

    ops(&p, "\x80\x02}");
    text(&p, "w");
    tensor(&p, "FloatStorage", "../0", 8, 0, 2, two, two);
    ops(&p, "s.");
    refuse(&p, 8, "\"../0\" is not in the file");

    ops(&p, "\x80\x02}"); /* two sizes, one stride */
    text(&p, "w");
    global(&p, "torch._utils", "_rebuild_tensor_v2");
    ops(&p, "(");
    storage(&p, "FloatStorage", "0", 8);
    ops(&p, "K");
    put_number(&p, 0, 1);
    integers(&p, two, 2);
    integers(&p, two, 1);
    ops(&p, "\x89NtRs.");
    refuse(&p, 8, "2 sizes but 1 strides");
}

/* _rebuild_tensor_v3 with an untyped storage, a Parameter around it, a pending negation. */
static void newer_tensors(void)
{
    const int64_t size = 3, stride = 2;
    bytes p = {0}, file;
    cnx_checkpoint *c;
    ops(&p, "\x80\x02}");
    for (int i = 0; i < 2; i++) {
        text(&p, i == 0 ? "w" : "lazy");
        global(&p, "torch._utils", "_rebuild_parameter");
        global(&p, "torch._utils", "_rebuild_tensor_v3");
        ops(&p, "((");
        text(&p, "storage");
        global(&p, "torch.storage", "UntypedStorage");
        text(&p, "0");
        text(&p, "cpu");
        integer(&p, 32);
        ops(&p, "tQ");
        integer(&p, 1);
        integers(&p, &size, 1);
        integers(&p, &stride, 1);
        ops(&p, "\x89}");
        global(&p, "torch", "float32");
        ops(&p, "}");
        if (i == 1) {
            text(&p, "neg");
            ops(&p, "\x88s");
        }
        ops(&p, "tR\x88}\x87Rs");
    }
    ops(&p, ".");
    CHECK(open_pickle(&c, &file, &p, 8) == CNX_OK, "%s", err.message);
    float out[3] = {0};
    CHECK(c && cnx_checkpoint_read_f32(c, cnx_checkpoint_find(c, "w"), out, &err) == CNX_OK, "%s",
          err.message);
    CHECK(out[0] == 2 && out[1] == 4 && out[2] == 6, "values");
    CHECK(c && cnx_checkpoint_read_f32(c, cnx_checkpoint_find(c, "lazy"), out, &err) ==
                   CNX_ERR_MODEL,
          "a pending negation was read as if it were none");
    close_all(&c, &file);
}

/* ---- metadata ---- */

static void list_of(bytes *p, const char *const *items, int count)
{
    ops(p, "](");
    for (int i = 0; i < count; i++)
        text(p, items[i]);
    ops(p, "e");
}

/* A file with meta = {key: <value>}, where the value was put into `value`. */
static void meta(const char *key, bytes *value, size_t classes, size_t colours)
{
    bytes p = {0}, file;
    cnx_checkpoint *c;
    ops(&p, "\x80\x02}");
    text(&p, "meta");
    ops(&p, "}");
    text(&p, key);
    put(&p, value->data, value->size);
    ops(&p, "ss");
    add_section(&p, "state_dict", 1);
    ops(&p, ".");
    CHECK(open_pickle(&c, &file, &p, 8) == CNX_OK, "%s", err.message);
    const uint8_t *rgb = NULL;
    CHECK(c && cnx_checkpoint_class_count(c) == classes, "%s: %zu classes", key, classes);
    CHECK(c && cnx_checkpoint_palette(c, &rgb) == colours, "%s: %zu colours", key, colours);
    close_all(&c, &file);
    free(value->data);
    *value = (bytes){0};
}

static void check_meta(void)
{
    bytes v = {0};
    list_of(&v, (const char *[]){"wall", "sky"}, 2);
    meta("CLASSES", &v, 2, 0);
    list_of(&v, (const char *[]){"wall", "sky"}, 2);
    meta("classes", &v, 2, 0);
    list_of(&v, (const char *[]){"wall", "sky"}, 2);
    meta("other", &v, 0, 0);
    list_of(&v, (const char *[]){"wall", "\x1b[2J"}, 2); /* could clear a terminal */
    meta("CLASSES", &v, 0, 0);
    ops(&v, "N");
    meta("CLASSES", &v, 0, 0);
    ops(&v, "](K\x01K\x02K\x03\x87K\xff");
    ops(&v, "K\x01K\x02\x87"
            "e");
    meta("PALETTE", &v, 0, 2);
    ops(&v, "](K\x01K\x02K\x03\x87M\x01\x01K\x01K\x02\x87"
            "e"); /* 257 */
    meta("PALETTE", &v, 0, 0);
    ops(&v, "](K\x01K\x02\x86"
            "e");
    meta("palette", &v, 0, 0);
    ops(&v, "}"); /* dataset_meta: {classes: (...), palette: ...} */
    text(&v, "classes");
    list_of(&v, (const char *[]){"a", "b", "c"}, 3);
    ops(&v, "s");
    text(&v, "palette");
    ops(&v, "](K\x01K\x02K\x03\x87"
            "es");
    meta("dataset_meta", &v, 3, 1);
}

/* ---- globals ---- */

static void globals(void)
{
    static const char *const refused[][2] = {{"os", "system"},
                                             {"torch", "load"},
                                             {"torch.storage", "_load_from_bytes"},
                                             {"torch", "FloatStorageX"},
                                             {"torch", "float3"},
                                             {"collections", "OrderedDict "},
                                             {"builtins", "eval"},
                                             {"__builtin__", "exec"},
                                             {"numpy.dtypes", "os"},
                                             {"torch._utils", "_rebuild_tensor_v2\r"},
                                             {"", ""},
                                             {"torch.nn.modules.conv", "Conv2d"}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        bytes p = {0};
        ops(&p, "\x80\x02}");
        add_section(&p, "state_dict", 2);
        text(&p, "x");
        global(&p, refused[i][0], refused[i][1]);
        ops(&p, "s.");
        refuse(&p, 8, "refused: the pickle names the global");
    }
    static const char *const inert[][2] = {{"torch", "Size"},
                                           {"torch", "device"},
                                           {"numpy.core.multiarray", "scalar"},
                                           {"numpy._core.multiarray", "_reconstruct"},
                                           {"numpy.dtypes", "Float64DType"},
                                           {"_codecs", "encode"},
                                           {"argparse", "Namespace"},
                                           {"collections", "defaultdict"},
                                           {"__builtin__", "set"},
                                           {"builtins", "getattr"},
                                           {"torch", "bfloat16"},
                                           {"mmengine.logging.history_buffer", "HistoryBuffer"},
                                           {"mmengine.config.config", "ConfigDict"}};
    for (size_t i = 0; i < sizeof inert / sizeof *inert; i++) {
        bytes p = {0}, file;
        cnx_checkpoint *c;
        ops(&p, "\x80\x02}");
        text(&p, "x");
        global(&p, inert[i][0], inert[i][1]);
        text(&p, "argument");
        ops(&p, "\x85R}bs"); /* REDUCE, BUILD */
        text(&p, "y");
        global(&p, inert[i][0], inert[i][1]);
        ops(&p, ")\x81(K\x01K\x02uK\x03"
                "as"); /* NEWOBJ, SETITEMS, APPEND */
        add_section(&p, "state_dict", 2);
        ops(&p, ".");
        CHECK(open_pickle(&c, &file, &p, 8) == CNX_OK, "%s.%s: %s", inert[i][0], inert[i][1],
              err.message);
        close_all(&c, &file);
    }
}

/* Opcodes out of place, and claims on memory and depth. */
static void opcodes(void)
{
    static const struct {
        const char *pickle, *words;
    } bad[] = {
        {"\x80\x02(ios\nsystem\n.", "INST"},
        {"\x80\x02\x82\x01.", "EXT"},
        {"\x80\x02I5\n.", "opcode 0x49"},
        {"\x80\x02}K\x01(t(s.", "stack is empty"},
        {"\x80\x02"
         "e.",
         "mark is missing"},
        {"\x80\x02(e.", "without their container"},
        {"\x80\x02]K\x01K\x02s.", "put into a list"},
        {"\x80\x02K\x01K\x02"
         "a.",
         "put into an integer"},
        {"\x80\x02}(K\x01u.", "key without a value"},
        {"\x80\x02K\x01)R.", "where a class is needed"},
        {"\x80\x02"
         "ctorch\nSize\nK\x01R.",
         "where arguments are needed"},
        {"\x80\x02K\x01}b.", "a state is given to an integer"},
        {"\x80\x02K\x01Q.", "a storage is not described"},
        {"\x80\x02}r\xff\xff\xff\x7f.", "memo index"},
        {"\x80\x02h\x05.", "memo entry 5"},
        {"\x80\x02", "ends too early"},
        {"\x80\x02}", "ends too early"},
        {"\x80\x02.", "stack is empty"},
        {"\x80\x02X\x10", "ends too early"},
        {"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xff}.", "frame"},
        {"\x80\x02"
         "cos",
         "does not end"},
        {"\x80\x02K\x01K\x02\x93.", "no text"},
        {"\x80\x02"
         "ccollections\nOrderedDict\nK\x01\x85R.",
         "no list of pairs"},
        {"\x80\x02"
         "ctorch._utils\n_rebuild_tensor_v2\n)R.",
         "a tensor is not described"},
        {"\x80\x02"
         "ctorch._utils\n_rebuild_parameter\n)R.",
         "no tensor"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        bytes p = {0};
        ops(&p, bad[i].pickle);
        refuse(&p, 8, bad[i].words);
    }
    bytes p = {0};
    ops(&p, "\x80\x02");
    for (int i = 0; i < 100000; i++)
        ops(&p, "(");
    refuse(&p, 8, "nests deeper");
    ops(&p, "\x80\x02]q\x01"); /* a list in itself, then each list twice in the next: 2^40 leaves */
    ops(&p, "h\x01"
            "a");
    for (int i = 0; i < 40; i++)
        ops(&p, "q\x02]h\x02"
                "ah\x02"
                "a");
    ops(&p, ".");
    refuse(&p, 8, "a list, not a dictionary");
}

int main(void)
{
    sections();
    names();
    check_views();
    other_tensors();
    newer_tensors();
    check_meta();
    globals();
    opcodes();
    return CHECK_RESULT;
}
