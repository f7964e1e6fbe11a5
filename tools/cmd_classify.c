/* cnx classify: pictures in, the likeliest classes out. */
#include "tools/classify_errand.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/session_begin.h"

/* ---- before any work ---- */

static cnx_status check(const cnx_session *s, const cnx_classify_args *args, cnx_error *err)
{
    const char *suffixes[CNX_CLASS_SAVES];
    cnx_outputs outputs = {.folder = args->run.out.value, .suffixes = suffixes};
    for (int kind = 0; kind < CNX_CLASS_SAVES; kind++)
        if (cnx_classify_saves(args, kind))
            suffixes[outputs.suffix_count++] = cnx_classify_suffixes[kind];
    return cnx_session_check(s, &outputs, err);
}

/* The one that is being opened. */
static cnx_status open_classifier(cnx_session *s, cnx_model_file *file, cnx_error *err)
{
    cnx_classify_model *m = s->model;
    const cnx_model_options options = cnx_session_args_model_options(s->args, s->threads);
    const char *name = cnx_checkpoint_name(file->checkpoint);
    cnx_classifier *cls = NULL;
    cnx_pipeline pipeline;
    cnx_view_args_apply(&pipeline, &m->args->view, &file->description);
    cnx_view_warn(&pipeline, &m->args->view, name);
    CNX_TRY(cnx_classifier_open(&cls, file, &options, err));
    const cnx_status status = cnx_classifier_group_add(&m->group, cls, &pipeline, name, err);
    if (status != CNX_OK)
        cnx_classifier_close(&cls);
    return status;
}

static cnx_status prepare(cnx_session *s, cnx_error *err)
{
    cnx_classify_model *m = s->model;
    CNX_TRY(check(s, m->args, err));
    CNX_TRY(cnx_session_open_models(s, CNX_TASK_CLASSIFICATION, open_classifier, err));
    return cnx_session_weigh_models(s, cnx_classifier_group_weights_bytes(&m->group),
                                    m->group.shares, &m->group.average, err);
}

/* ---- all pictures ---- */

static int classify(const cnx_classify_args *args, const cnx_operands *operands)
{
    cnx_classify_model model = {.args = args};
    cnx_session s = {.errand = &cnx_classify_errand, .args = &args->run, .model = &model};
    const int code = cnx_session_command(&s, operands, prepare, NULL);
    cnx_classifier_group_close(&model.group);
    return code;
}

static int run(int argc, char **argv)
{
    cnx_classify_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_classify, argc, argv, &args, &operands, &code)) {
        if (cnx_classify_args_check(&args, operands.count, &error) != CNX_OK)
            code = cnx_command_misused(&cnx_command_classify, &error);
        else
            code = classify(&args, &operands);
    }
    cnx_session_args_free(&args.run);
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_classify = {
    .name = "classify",
    .summary = "tell what pictures show: the likeliest classes",
    .usage = "-m MODEL [-m MODEL ...] INPUT... [FLAGS]",
    .about =
        "INPUT is any number of picture files, folders (the pictures in them), patterns such as "
        "'*.jpg', @LIST (a text file with one path a line), or - for standard input. MODEL is any "
        "ConvNeXt classifier: ImageNet-1k or 22k, isotropic, V2, in the names of every system.",
    .notes = "Exit code: 0 all done, 1 failed, 2 usage, 3 some inputs failed (--keep-going), 130 "
             "interrupted.",
    .options = cnx_classify_options,
    .run = run,
};
