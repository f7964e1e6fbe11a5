/* cnx detect: pictures in, boxes, classes, scores and masks out. */
#include <stdlib.h>

#include "tools/commands.h"
#include "tools/console.h"
#include "tools/detect_errand.h"
#include "tools/image_ids.h"
#include "tools/session_begin.h"

/* ---- before any work ---- */

static cnx_status check(const cnx_session *s, cnx_detect_model *m, cnx_error *err)
{
    const char *suffixes[CNX_FORMATS + CNX_PAINTS], *files[CNX_FORMATS];
    cnx_outputs outputs;
    cnx_detect_args_outputs(m->args, &outputs, suffixes, files);
    CNX_TRY(cnx_session_check(s, &outputs, err));
    return cnx_image_ids_assign(&m->ids, &s->inputs, err);
}

static cnx_status open_detector(cnx_session *s, cnx_model_file *file, cnx_error *err)
{
    cnx_detect_model *m = s->model;
    const cnx_model_options options = cnx_session_args_model_options(s->args, s->threads);
    CNX_TRY(cnx_detector_open(&m->detector, file, &options, err));
    s->weights_bytes = cnx_detector_weights_bytes(m->detector);
    return CNX_OK;
}

static cnx_status open_model(cnx_session *s, cnx_error *err)
{
    cnx_detect_model *m = s->model;
    const cnx_detection_args *detection = &m->args->detection;
    cnx_model_file file = {0};
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_session_open_file(s, &file, CNX_TASK_DETECTION, err));
    CNX_CHECK(cnx_pipeline_args_apply(&m->pipeline, &s->args->pipeline, &file.description, err));
    cnx_detection_args_rules(&m->rules, detection, &file.description);
    CNX_CHECK(cnx_detection_args_only(&m->only, detection, &file.description, err));
    CNX_CHECK(cnx_session_open_network(s, &file, open_detector, err));
cleanup:
    cnx_model_file_close(&file);
    return status;
}

static cnx_status prepare(cnx_session *s, cnx_error *err)
{
    cnx_detect_model *m = s->model;
    CNX_TRY(check(s, m, err));
    CNX_TRY(open_model(s, err));
    return s->args->dry_run.given
               ? CNX_OK
               : cnx_detect_results_open(&m->results, m->args,
                                         cnx_detector_description(m->detector), err);
}

/* ---- all pictures ---- */

/* The files of the run appear when there is something to say: not after a failure that ended it. */
static cnx_status complete(cnx_session *s, cnx_error *err)
{
    cnx_detect_model *m = s->model;
    return m->results ? cnx_detect_results_commit(m->results, err) : CNX_OK;
}

static int detect(const cnx_detect_args *args, const cnx_operands *operands)
{
    cnx_detect_model model = {.args = args};
    cnx_session s = {.errand = &cnx_detect_errand, .args = &args->run, .model = &model};
    const int code = cnx_session_command(&s, operands, prepare, complete);
    cnx_detect_results_close(&model.results);
    cnx_detector_close(&model.detector);
    free(model.only);
    free(model.ids);
    return code;
}

static int run(int argc, char **argv)
{
    cnx_detect_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_detect, argc, argv, &args, &operands, &code)) {
        if (cnx_detect_args_check(&args, operands.count, &error) != CNX_OK)
            code = cnx_command_misused(&cnx_command_detect, &error);
        else
            code = detect(&args, &operands);
    }
    cnx_session_args_free(&args.run);
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_detect = {
    .name = "detect",
    .summary = "find things in pictures: boxes, classes, scores, masks",
    .usage = "[-m MODEL] INPUT... -o OUT [FLAGS]",
    .about =
        "INPUT is any number of picture files, folders (the pictures in them), patterns such as "
        "'*.jpg', @LIST (a text file with one path a line), or - for standard input. "
        "Results of all pictures stand in one file, OUT/detections.json, in the order of the "
        "inputs.",
    .notes = "Exit code: 0 all done, 1 failed, 2 usage, 3 some inputs failed (--keep-going), 130 "
             "interrupted.",
    .options = cnx_detect_options,
    .run = run,
};
