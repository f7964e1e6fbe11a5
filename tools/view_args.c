#include "tools/view_args.h"

#include <stdio.h>
#include <string.h>

#include "tools/console.h"

cnx_status cnx_view_args_check(const cnx_view_args *args, cnx_error *err)
{
    CNX_FAIL_IF(args->size.given && args->no_resize.given, CNX_ERR_ARGUMENT,
                "--size and --no-resize exclude each other");
    return CNX_OK;
}

void cnx_view_args_apply(cnx_pipeline *out, const cnx_view_args *args,
                         const cnx_description *description)
{
    *out = description->pipeline;
    if (args->no_resize.given)
        out->resize = false;
    if (!args->size.given)
        return;
    out->resize = true;
    if (args->size.value == out->crop_h)
        return; /* with the share that the description may have given */
    out->crop_h = out->crop_w = args->size.value;
    out->crop_share = cnx_crop_share(args->size.value);
}

void cnx_view_describe(const cnx_pipeline *p, char *text, size_t size)
{
    if (!p->resize)
        snprintf(text, size, "as it is");
    else if (p->crop_share <= CNX_CROP_SQUASHED)
        snprintf(text, size, "squashed to %dx%d", p->crop_w, p->crop_h);
    else
        snprintf(text, size, "short side to %d, middle %dx%d", (int)(p->crop_h / p->crop_share),
                 p->crop_w, p->crop_h);
}

/* "384" in "convnext_base_1k_384.pth", 0 for none: a size that is used, and no part of a longer
 * number. */
static int size_in_name(const char *path)
{
    static const int sizes[] = {224, 256, 288, 320, 384, 512};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int found = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        char digits[8];
        snprintf(digits, sizeof digits, "%d", sizes[i]);
        const char *at = strstr(name, digits);
        const bool alone = at && (at == name || !strchr("0123456789", at[-1])) &&
                           (!at[3] || !strchr("0123456789", at[3]));
        found = alone ? sizes[i] : found;
    }
    return found;
}

void cnx_view_warn(const cnx_pipeline *pipeline, const cnx_view_args *args, const char *path)
{
    const int told = size_in_name(path);
    if (told && !args->size.given && pipeline->resize && told != pipeline->crop_h)
        cnx_console_warning("%s: the name tells of pictures of %d pixels, the model sees them at "
                            "%d; --size %d changes that",
                            path, told, pipeline->crop_h, told);
}
