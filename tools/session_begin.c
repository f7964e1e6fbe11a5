#include "tools/session_begin.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__ /* known from here on */
#include <malloc.h>
#endif

#include "core/threads.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/leftovers.h"

/* One heap for all threads, before there are any: what one of them has freed while weights were
 * packed, the next can use, and what is left can be handed back. */
static void share_heap(void)
{
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
#endif
}

cnx_status cnx_session_begin(cnx_session *s, const cnx_operands *operands, cnx_error *err)
{
    s->threads = s->args->threads.given ? s->args->threads.value : cnx_threads_available();
    share_heap();
    cnx_interrupt_catch();
    return cnx_inputs_gather(&s->inputs, operands->items, operands->count, err);
}

/* ---- before any work ---- */

static cnx_status check_outputs(const cnx_session *s, const cnx_outputs *outputs, cnx_error *err)
{
    const cnx_session_args *args = s->args;
    if (!args->out.given)
        return CNX_OK;
    const char *sources[CNX_MAX_SHARES + 2] = {args->model.value, args->config.value};
    size_t count = 2;
    for (size_t i = 0; i < args->models.count; i++)
        sources[count++] = args->models.items[i];
    const bool may_replace = args->overwrite.given || args->dry_run.given;
    CNX_TRY(cnx_outputs_check_names(outputs, &s->inputs, err));
    CNX_TRY(cnx_outputs_check_existing(outputs, &s->inputs, sources, count, may_replace, err));
    return args->dry_run.given ? CNX_OK : cnx_folder_check(args->out.value, err);
}

/* With --keep-going an input that is not there fails when its turn comes. */
static cnx_status check_inputs(const cnx_session *s, cnx_error *err)
{
    for (size_t i = 0; i < s->inputs.count && !s->args->keep_going.given; i++) {
        const cnx_input *input = &s->inputs.items[i];
        CNX_FAIL_IF(input->problem, CNX_ERR_IO, "%s: %s", input->name, input->problem);
    }
    return CNX_OK;
}

cnx_status cnx_session_check(const cnx_session *s, const cnx_outputs *outputs, cnx_error *err)
{
    CNX_TRY(check_outputs(s, outputs, err));
    return check_inputs(s, err);
}

/* ---- the model ---- */

cnx_status cnx_session_open_file(const cnx_session *s, cnx_model_file *file, cnx_task task,
                                 cnx_error *err)
{
    const cnx_session_args *args = s->args;
    return cnx_session_open_named(s, file, args->model.given ? args->model.value : NULL, task, err);
}

cnx_status cnx_session_open_named(const cnx_session *s, cnx_model_file *file, const char *path,
                                  cnx_task task, cnx_error *err)
{
    const cnx_session_args *args = s->args;
    cnx_kernels kernels; /* a wrong --kernels should not wait for a large file */
    CNX_TRY(cnx_kernels_init(&kernels, cnx_session_args_kernels(args), err));
    CNX_TRY(cnx_kernels_set_weights(&kernels, (cnx_weight_type)args->weights.value, err));
    CNX_TRY(cnx_model_file_open(file, path ? path : cnx_demo_model(task), args->config.value,
                                args->sets.items, args->sets.count, false, err));
    CNX_TRY(cnx_model_file_expect(file, task, err));
    cnx_leftovers_warn(file);
    return CNX_OK;
}

static void *prepare_images(void *unused)
{
    (void)unused;
    cnx_image_prepare();
    return NULL;
}

cnx_status cnx_session_open_network(cnx_session *s, cnx_model_file *file, cnx_network_opener open,
                                    cnx_error *err)
{
    pthread_t preparing;
    const bool beside = s->threads > 1 && !s->args->dry_run.given &&
                        pthread_create(&preparing, NULL, prepare_images, NULL) == 0;
    const cnx_status status = open(s, file, err);
    if (beside)
        pthread_join(preparing, NULL);
    if (status == CNX_ERR_MEMORY && s->args->max_memory.given)
        cnx_error_prefix(err, "--max-memory");
    return status;
}

cnx_status cnx_session_open_models(cnx_session *s, cnx_task task, cnx_network_opener open,
                                   cnx_error *err)
{
    const cnx_session_args *args = s->args;
    for (int i = 0; i < cnx_session_args_model_count(args); i++) {
        cnx_model_file file = {0};
        cnx_status status = cnx_session_open_named(
            s, &file, args->model.given ? args->models.items[i] : NULL, task, err);
        if (status == CNX_OK)
            status = cnx_session_open_network(s, &file, open, err);
        cnx_model_file_close(&file);
        CNX_TRY(status);
    }
    return CNX_OK;
}

cnx_status cnx_session_weigh_models(cnx_session *s, size_t weights_bytes, double *shares,
                                    cnx_average *average, cnx_error *err)
{
    const cnx_session_args *args = s->args;
    const int count = cnx_session_args_model_count(args);
    s->weights_bytes = weights_bytes;
    CNX_FAIL_IF(args->max_memory.given && weights_bytes > args->max_memory.value, CNX_ERR_MEMORY,
                "--max-memory: the weights of the %d models alone take %.1f MiB", count,
                (double)weights_bytes / 1048576);
    *average = (cnx_average)args->average.value;
    return cnx_ensemble_shares(shares, cnx_session_args_shares(args), count, err);
}

/* ---- the run ---- */

void cnx_session_do(cnx_session *s)
{
    const cnx_session_args *args = s->args;
    const bool talk = !args->quiet.given && !args->no_progress.given && !args->dry_run.given;
    cnx_meter_begin(&s->meter, s->inputs.count, "pictures", talk);
    cnx_session_run(s);
}

static int finish(cnx_session *s, cnx_session_step complete)
{
    cnx_error error = {0};
    const int code = cnx_session_exit_code(s);
    const bool whole = code == CNX_EXIT_DONE || code == CNX_EXIT_SOME_FAILED;
    if (whole && complete && complete(s, &error) != CNX_OK)
        return cnx_console_fail(&error);
    if (code != CNX_EXIT_INTERRUPTED)
        cnx_session_tell_end(s);
    return code;
}

int cnx_session_command(cnx_session *s, const cnx_operands *operands, cnx_session_step prepare,
                        cnx_session_step complete)
{
    cnx_error error = {0};
    int code = CNX_EXIT_FAILED;
    if (cnx_session_begin(s, operands, &error) != CNX_OK || prepare(s, &error) != CNX_OK) {
        code = cnx_console_fail(&error);
    } else {
        cnx_session_do(s);
        code = finish(s, complete);
    }
    cnx_inputs_free(&s->inputs);
    return cnx_console_finish(code);
}
