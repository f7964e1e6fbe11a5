#include "datasets/full_ade20k.h"

#include <string.h>

#include "datasets/folder.h"

/* ADE_val_00000001_seg.png: red and green number the object's class, blue its instance. */
static bool is_mask(void *user, const char *name)
{
    (void)user;
    static const char end[] = "_seg.png";
    const char *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name;
    const size_t n = strlen(base), m = sizeof end - 1;
    return strncmp(base, "ADE_", 4) == 0 && n > m && strcmp(base + n - m, end) == 0;
}

cnx_status cnx_full_ade20k_refuse(const char *folder, cnx_error *err)
{
    cnx_folder found;
    CNX_TRY(cnx_folder_list(&found, folder, is_mask, NULL, err));
    const size_t count = found.count;
    cnx_folder_free(&found);
    CNX_FAIL_IF(count, CNX_ERR_UNSUPPORTED,
                "%s: holds %zu file%s ADE_*_seg.png: this is the full ADE20K data set, whose RGB "
                "masks number thousands of classes and their instances. The benchmark of 150 "
                "classes is another release, ADEChallengeData2016 (images/validation and "
                "annotations/validation; grey PNG files with 0 to 150): get that one",
                folder, count, count == 1 ? "" : "s");
    return CNX_OK;
}
