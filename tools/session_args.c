#include "tools/session_args.h"

#include <string.h>
#include <sys/stat.h>

#include "core/image/image.h"

const char *const cnx_average_names[] = {"prob", "logits", NULL};

cnx_status cnx_session_args_models(cnx_session_args *args, cnx_error *err)
{
    const size_t count = args->models.count;
    const size_t shares = (size_t)args->weights.count;
    for (size_t i = 0; i < count; i++)
        CNX_FAIL_IF(!*args->models.items[i], CNX_ERR_ARGUMENT, "--model: an empty value");
    args->model = (cnx_text_arg){.given = count > 0, .value = count ? args->models.items[0] : NULL};
    CNX_FAIL_IF(count > CNX_MAX_SHARES, CNX_ERR_ARGUMENT, "more than %d models", CNX_MAX_SHARES);
    CNX_FAIL_IF(shares > 0 && shares != (count ? count : 1), CNX_ERR_ARGUMENT,
                "--weights: %zu number%s for %zu model%s", shares, shares == 1 ? "" : "s",
                count ? count : 1, count > 1 ? "s" : "");
    CNX_FAIL_IF(args->average.given && count < 2, CNX_ERR_ARGUMENT,
                "--average belongs to several models: give -m more than once");
    double sum = 0;
    for (size_t i = 0; i < shares; i++)
        sum += args->weights.shares[i];
    CNX_FAIL_IF(shares > 0 && !(sum > 0), CNX_ERR_ARGUMENT,
                "--weights: the numbers add up to nothing");
    return CNX_OK;
}

int cnx_session_args_model_count(const cnx_session_args *args)
{
    return args->models.count ? (int)args->models.count : 1;
}

const double *cnx_session_args_shares(const cnx_session_args *args)
{
    return args->weights.count ? args->weights.shares : NULL;
}

const char *cnx_session_args_kernels(const cnx_session_args *args)
{
    return cnx_kernel_names[args->kernels.value];
}

cnx_model_options cnx_session_args_model_options(const cnx_session_args *args, int threads)
{
    return (cnx_model_options){.threads = threads,
                               .max_memory = args->max_memory.given ? args->max_memory.value : 0,
                               .kernels = cnx_session_args_kernels(args),
                               .weights = (cnx_weight_type)args->weights.value};
}

static cnx_status check_out(const cnx_session_args *args, cnx_error *err)
{
    if (!args->out.given)
        return CNX_OK;
    const char *out = args->out.value;
    struct stat info;
    CNX_FAIL_IF(strcmp(out, "-") == 0, CNX_ERR_ARGUMENT,
                "-o -: results go to files; name a folder");
    CNX_FAIL_IF(cnx_image_suffix_known(out) && stat(out, &info) != 0, CNX_ERR_ARGUMENT,
                "-o %s: OUT is a folder, and this looks like the name of a file", out);
    return CNX_OK;
}

cnx_status cnx_session_args_check_inputs(const cnx_session_args *args, size_t inputs,
                                         cnx_error *err)
{
    CNX_FAIL_IF(inputs == 0, CNX_ERR_ARGUMENT,
                "no input; name pictures, folders, patterns, @LIST or - for standard input");
    return check_out(args, err);
}

cnx_status cnx_session_args_check(const cnx_session_args *args, size_t inputs, cnx_error *err)
{
    CNX_TRY(cnx_session_args_check_inputs(args, inputs, err));
    CNX_FAIL_IF(!args->out.given && !args->dry_run.given, CNX_ERR_ARGUMENT,
                "where should the results go? Name a folder with -o OUT");
    return CNX_OK;
}

void cnx_session_args_free(cnx_session_args *args)
{
    cnx_texts_free(&args->models);
    cnx_texts_free(&args->sets);
}
