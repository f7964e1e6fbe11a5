#include "tools/session_args.h"

#include <string.h>
#include <sys/stat.h>

#include "core/image/image.h"

const char *cnx_session_args_kernels(const cnx_session_args *args)
{
    return cnx_kernel_names[args->kernels.value];
}

static cnx_status check_out(const cnx_session_args *args, cnx_error *err)
{
    if (!args->out.given) {
        CNX_FAIL_IF(!args->dry_run.given, CNX_ERR_ARGUMENT,
                    "where should the results go? Name a folder with -o OUT");
        return CNX_OK;
    }
    const char *out = args->out.value;
    struct stat info;
    CNX_FAIL_IF(strcmp(out, "-") == 0, CNX_ERR_ARGUMENT,
                "-o -: results go to files; name a folder");
    CNX_FAIL_IF(cnx_image_suffix_known(out) && stat(out, &info) != 0, CNX_ERR_ARGUMENT,
                "-o %s: OUT is a folder, and this looks like the name of a file", out);
    return CNX_OK;
}

cnx_status cnx_session_args_check(const cnx_session_args *args, size_t inputs, cnx_error *err)
{
    CNX_FAIL_IF(inputs == 0, CNX_ERR_ARGUMENT,
                "no input; name pictures, folders, patterns, @LIST or - for standard input");
    return check_out(args, err);
}
