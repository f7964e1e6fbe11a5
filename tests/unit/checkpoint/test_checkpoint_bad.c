/*
 * Damaged and hostile files: each is refused with words that say what is wrong, and nothing that
 * stands in one is executed.
 */
#include <sys/stat.h>

#include "core/checkpoint/checkpoint.h"
#include "tests/unit/check.h"

static cnx_error err;

typedef struct verdict {
    const char *file, *words; /* words NULL: opens and reads */
} verdict;

/* clang-format off */
static const verdict verdicts[] = {
    {"big_endian.pth", "byte order is \"big\""},
    {"empty.pth", "empty"},
    {"empty.safetensors", "empty"},
    {"evil_bare.pkl", "posix.system"},
    {"evil_beside_model.pth", "refused"},
    {"evil_builtins_eval.pth", "builtins.eval"},
    {"evil_getattr_chain.pth", "builtins.__import__"},
    {"evil_in_metadata.pth", "nt.system"},
    {"evil_lookalike_global.pth", "torch._utils._rebuild_tensor_v2;os.system"},
    {"evil_obj.pth", "os.system"},
    {"evil_os_system.pth", "os.system"},
    {"evil_os_system_legacy.pth", "os.system"},
    {"evil_stack_global.pth", "os.system"},
    {"legacy_cut_pickle.pth", "ends too early|does not end"},
    {"legacy_cut_storage.pth", "ends inside storage|ends before storage"},
    {"legacy_magic.pth", "magic number"},
    {"legacy_numel_huge.pth", "2305843009213693952 elements"},
    {"legacy_numel_negative.pth", "-1 elements"},
    {"numel_overflow.pth", "more elements than 64 bits"},
    {"offset_negative.pth", "negative offset"},
    {"offset_out.pth", "reaches beyond its storage"},
    {"pickle_bad_memo.pth", "memo entry 99"},
    {"pickle_deep_lists.pth", "a list, not a dictionary"},
    {"pickle_deep_nesting.pth", "nests deeper"},
    {"pickle_huge_binunicode.pth", "4294967295 bytes"},
    {"pickle_huge_string.pth", "1152921504606846976 bytes"},
    {"pickle_memo_bomb.pth", "stack is empty|memo index"},
    {"pickle_proto_99.pth", "protocol 99"},
    {"pickle_underflow.pth", "stack is empty"},
    {"size_negative.pth", "negative size"},
    {"st_bad_json.safetensors", "not valid JSON"},
    {"st_begin_after_end.safetensors", "lies at"},
    {"st_header_len_100mb.safetensors", "at most 100000000"},
    {"st_header_len_huge.safetensors", "4611686018427387904"},
    {"st_missing_field.safetensors", "no shape"},
    {"st_negative_offset.safetensors", "data_offsets"},
    {"st_not_object.safetensors", "begin with '{'"},
    {"st_out_of_range.safetensors", "lies at"},
    {"st_overlap.safetensors", "before byte"},
    {"st_shape_overflow.safetensors", "64 bits"},
    {"st_trailing.safetensors", "follow the last tensor"},
    {"storage_missing.pth", "not in the file"},
    {"storage_short.pth", "the file holds"},
    {"stride_out.pth", "reaches beyond its storage"},
    {"text.pth", "web page"},
    {"zip_backslash.pth", NULL},
    {"zip_bad_crc.pth", "CRC-32"},
    {"zip_count_claim.pth", "claims 60000 members"},
    {"zip_cut_half.pth", "no end record"},
    {"zip_cut_tail.pth", "no end record"},
    {"zip_deflate.pth", "compressed"},
    {"zip_dup_pkl.pth", "ambiguous"},
    {"zip_local_offset_out.pth", "past the members"},
    {"zip_no_pkl.pth", "no member data.pkl"},
    {"zip_size_claim.pth", "claims"},
    {"zip_traversal.pth", NULL},
};
/* clang-format on */

/* Any of the alternatives between bars. */
static bool says(const char *message, const char *words)
{
    char copy[200], *rest = copy;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word; (word = strsep(&rest, "|"));)
        if (strstr(message, word))
            return true;
    return false;
}

/* Opens and reads everything, as a model would. */
static cnx_status use(const char *path)
{
    cnx_checkpoint *c = NULL;
    cnx_status status = cnx_checkpoint_open(&c, path, &err);
    for (size_t i = 0; status == CNX_OK && i < cnx_checkpoint_count(c); i++) {
        const cnx_tensor_info *t = cnx_checkpoint_tensor(c, i);
        float *values = malloc((t->elements + 1) * sizeof *values);
        if (t->dtype != CNX_I64)
            status = cnx_checkpoint_read_f32(c, t, values, &err);
        free(values);
    }
    cnx_checkpoint_close(&c);
    return status;
}

static void check_folder(const char *folder, size_t least)
{
    size_t seen = 0;
    for (size_t i = 0; i < sizeof verdicts / sizeof *verdicts; i++) {
        const verdict *v = &verdicts[i];
        char path[600];
        snprintf(path, sizeof path, "%s/%s", folder, v->file);
        if (access(path, R_OK) != 0)
            continue;
        seen++;
        err.message[0] = '\0';
        const cnx_status status = use(path);
        if (!v->words) {
            CHECK(status == CNX_OK, "%s: %s", v->file, err.message);
            continue;
        }
        CHECK(status != CNX_OK, "%s was accepted", v->file);
        CHECK(says(err.message, v->words), "%s: \"%s\" does not say \"%s\"", v->file, err.message,
              v->words);
        CHECK(strncmp(err.message, path, strlen(path)) == 0, "%s: the message has no file name: %s",
              v->file, err.message);
    }
    CHECK(seen >= least, "only %zu files were there in %s", seen, folder);
}

int main(void)
{
    const char *data = CNX_SOURCE_DIR "/tests/data/segmentation/bad";
    char buffer[512], here[] = "/tmp/cnx-test-XXXXXX";
    char *real = realpath(data, NULL);
    const char *folder = check_shared(buffer, sizeof buffer, "fixtures/seg/bad");
    char *shared = folder ? realpath(folder, NULL) : NULL;

    /* A command that ran would make PWNED in the working directory. */
    CHECK(mkdtemp(here) && chdir(here) == 0, "no temporary folder");
    check_folder(real, 35);
    if (shared)
        check_folder(shared, 54);
    CHECK(chdir("/") == 0 && rmdir(here) == 0, "a file was made in the working directory");

    CHECK(use("/nonexistent/model.pth") == CNX_ERR_IO, "%s", err.message);
    CHECK(use("/tmp") == CNX_ERR_IO && strstr(err.message, "folder"), "%s", err.message);
    free(real);
    free(shared);
    return CHECK_RESULT;
}
