/* cnx segment: pictures in, label maps out. */
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/expected.h"
#include "tools/segment_errand.h"
#include "tools/segment_writer.h"
#include "tools/session_begin.h"

/* ---- before any work ---- */

static cnx_status check(const cnx_session *s, const cnx_segment_args *args, cnx_error *err)
{
    const char *suffixes[CNX_SAVE_KINDS];
    cnx_outputs outputs = {.folder = args->run.out.value, .suffixes = suffixes};
    for (int kind = 0; kind < CNX_SAVE_KINDS; kind++)
        if (cnx_saves(args->save.bits, kind))
            suffixes[outputs.suffix_count++] = cnx_segment_suffixes[kind];
    return cnx_session_check(s, &outputs, err);
}

/* What --max-memory is to hold. */
static int expect_pictures(cnx_segment_expected out[CNX_EXPECTED_SIZES], const cnx_session *s,
                           int classes)
{
    const cnx_segment_model *m = s->model;
    cnx_expected_size sizes[CNX_EXPECTED_SIZES];
    const int count =
        cnx_expected_sizes(sizes, &s->inputs, cnx_pipeline_args_ignore_exif(&s->args->pipeline));
    for (int i = 0; i < count; i++)
        out[i] = (cnx_segment_expected){.width = sizes[i].width,
                                        .height = sizes[i].height,
                                        .beside = cnx_segment_writer_bytes(m->args->save.bits,
                                                                           classes, sizes[i].width,
                                                                           sizes[i].height)};
    return count;
}

static cnx_status open_segmentor(cnx_session *s, cnx_model_file *file, cnx_error *err)
{
    cnx_segment_model *m = s->model;
    cnx_segmentor *seg = NULL;
    cnx_pipeline pipeline;
    CNX_TRY(cnx_segment_args_pipeline(&pipeline, m->args, &file->description, err));
    CNX_TRY(cnx_segment_args_check_labels(m->args, file->description.class_count, err));
    const cnx_model_options options = cnx_session_args_model_options(s->args, s->threads);
    cnx_segment_prospect prospect = {.pipeline = &pipeline,
                                     .want = cnx_segment_writer_wants(m->args->save.bits)};
    cnx_segment_expected expected[CNX_EXPECTED_SIZES];
    if (options.max_memory)
        prospect.count = expect_pictures(expected, s, file->description.class_count);
    if (prospect.count > 0)
        prospect.expected = expected;
    CNX_TRY(cnx_segmentor_open_for(&seg, file, &options, &prospect, err));
    const cnx_status status = cnx_segmentor_group_add(&m->group, seg, &pipeline,
                                                      cnx_checkpoint_name(file->checkpoint), err);
    if (status != CNX_OK)
        cnx_segmentor_close(&seg);
    return status;
}

static cnx_status prepare(cnx_session *s, cnx_error *err)
{
    cnx_segment_model *m = s->model;
    CNX_TRY(check(s, m->args, err));
    CNX_TRY(cnx_session_open_models(s, CNX_TASK_SEGMENTATION, open_segmentor, err));
    return cnx_session_weigh_models(s, cnx_segmentor_group_weights_bytes(&m->group),
                                    m->group.shares, &m->group.average, err);
}

/* ---- all pictures ---- */

static int segment(const cnx_segment_args *args, const cnx_operands *operands)
{
    cnx_segment_model model = {.args = args};
    cnx_session s = {.errand = &cnx_segment_errand, .args = &args->run, .model = &model};
    const int code = cnx_session_command(&s, operands, prepare, NULL);
    cnx_segmentor_group_close(&model.group);
    return code;
}

static int run(int argc, char **argv)
{
    cnx_segment_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_segment, argc, argv, &args, &operands, &code)) {
        if (cnx_segment_args_check(&args, operands.count, &error) != CNX_OK)
            code = cnx_command_misused(&cnx_command_segment, &error);
        else
            code = segment(&args, &operands);
    }
    cnx_session_args_free(&args.run);
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_segment = {
    .name = "segment",
    .summary = "label every pixel of pictures",
    .usage = "[-m MODEL ...] INPUT... -o OUT [FLAGS]",
    .about =
        "INPUT is any number of picture files, folders (the pictures in them), patterns such as "
        "'*.jpg', @LIST (a text file with one path a line), or - for standard input. "
        "Each result is named after its picture: OUT/<stem>.png, OUT/<stem>_overlay.png ...",
    .notes = "Exit code: 0 all done, 1 failed, 2 usage, 3 some inputs failed (--keep-going), 130 "
             "interrupted.",
    .options = cnx_segment_options,
    .run = run,
};
