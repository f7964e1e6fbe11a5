/* cnx check: the doctor of label files. */
#include <stdlib.h>

#include "tools/check_report.h"
#include "tools/commands.h"
#include "tools/console.h"
#include "tools/interrupt.h"
#include "tools/meter.h"

typedef struct check_args {
    cnx_text_arg data, split, images, labels, image_suffix, label_suffix, classes;
    cnx_int_arg ignore, threads;
    cnx_flag_arg reduce_zero_label, no_reduce_zero_label, all, json, quiet, no_progress;
} check_args;

#define AT(field) offsetof(check_args, field)

static const cnx_option options[] = {
    {CNX_OPT_GROUP, .help = "Data"},
    {CNX_OPT_TEXT, 0, "data", "DIR", "the same as DIR", .offset = AT(data)},
    {CNX_OPT_TEXT, 0, "split", "NAME", "which part of the data set", .fallback = "validation",
     .offset = AT(split)},
    {CNX_OPT_TEXT, 0, "images", "DIR", "the pictures, with --labels instead of DIR",
     .offset = AT(images)},
    {CNX_OPT_TEXT, 0, "labels", "DIR", "the label files; without --images they alone are looked at",
     .offset = AT(labels)},
    {CNX_OPT_TEXT, 0, "image-suffix", "TEXT",
     "what follows the shared part of a picture's name, such as _leftImg8bit.png",
     .otherwise = "any picture's", .offset = AT(image_suffix)},
    {CNX_OPT_TEXT, 0, "label-suffix", "TEXT",
     "what follows it in a label file's name, such as _gtFine_labelTrainIds.png",
     .otherwise = ".png", .offset = AT(label_suffix)},

    {CNX_OPT_GROUP, .help = "Labels"},
    {CNX_OPT_TEXT, 0, "classes", "ade20k|FILE|N",
     "what the labels should be: a known data set (ade20k, imagenet-s50 ...), a JSON file with the "
     "class names, or their number",
     .offset = AT(classes)},
    {CNX_OPT_INT, 0, "ignore", "N", "the value whose pixels are left out",
     .otherwise = "the data set's, else 255", .max = 65535, .offset = AT(ignore)},
    {CNX_OPT_FLAG, 0, "reduce-zero-label",
     .help = "0 means \"other\": 0 becomes 255, every other value one less (ade20k: by itself)",
     .offset = AT(reduce_zero_label)},
    {CNX_OPT_FLAG, 0, "no-reduce-zero-label",
     .help = "not even where the data set says so: its labels were reduced before they were stored",
     .offset = AT(no_reduce_zero_label)},

    {CNX_OPT_GROUP, .help = "Report"},
    {CNX_OPT_FLAG, 0, "all", .help = "list every value, however many there are", .offset = AT(all)},
    {CNX_OPT_FLAG, 0, "json", .help = "one JSON object", .offset = AT(json)},
    {CNX_OPT_INT, 0, "threads", "N", "threads; the report does not depend on it",
     .otherwise = "all processors", .min = 1, .max = 1024, .offset = AT(threads)},
    {CNX_OPT_FLAG, 'q', "quiet", .help = "nothing on standard error but errors",
     .offset = AT(quiet)},
    {CNX_OPT_FLAG, 0, "no-progress", .help = "no progress lines", .offset = AT(no_progress)},
    {.kind = CNX_OPT_END},
};

static cnx_status open_data(cnx_dataset *out, const check_args *args, const char *dir,
                            cnx_error *err)
{
    const cnx_dataset_suffixes suffixes = {args->image_suffix.value, args->label_suffix.value};
    if (dir)
        return cnx_dataset_open(out, dir, args->split.value, &suffixes, err);
    return cnx_dataset_open_folders(out, args->images.value, args->labels.value, &suffixes, err);
}

static cnx_label_rules rules_of(const check_args *args, const cnx_classes *classes)
{
    cnx_label_rules rules = classes->name
                                ? classes->rules
                                : (cnx_label_rules){.coding = CNX_LABELS_INDEX, .ignore = 255};
    if (args->ignore.given)
        rules.ignore = args->ignore.value;
    if (args->reduce_zero_label.given)
        rules.reduce_zero_label = true;
    if (args->no_reduce_zero_label.given)
        rules.reduce_zero_label = false;
    return rules;
}

static bool on_progress(void *user, size_t done)
{
    cnx_meter *meter = user;
    meter->done = done;
    cnx_meter_share(meter, 0);
    return !cnx_interrupted();
}

/* The palette to look for in colour maps: that of the classes, else ADE20K's.  *known: owned. */
static cnx_status choose_palette(cnx_inspect_options *o, const cnx_classes *classes,
                                 cnx_classes *known, cnx_error *err)
{
    if (!classes->palette_given)
        CNX_TRY(cnx_classes_open(known, "ade20k", err));
    const cnx_classes *from = classes->palette_given ? classes : known;
    o->palette = from->palette;
    o->palette_size = from->count;
    return CNX_OK;
}

static cnx_status check(const check_args *args, const char *dir, size_t *problems, cnx_error *err)
{
    cnx_classes classes = {0}, known = {0};
    cnx_dataset data = {0};
    cnx_inspection seen = {0};
    cnx_findings findings = {0};
    cnx_meter meter;
    cnx_inspect_options inspect = {
        .threads = args->threads.value, .progress = on_progress, .user = &meter};
    cnx_status status = CNX_OK;
    if (args->classes.given)
        CNX_CHECK(cnx_classes_open(&classes, args->classes.value, err));
    const cnx_label_rules rules = rules_of(args, &classes);
    inspect.coding = rules.coding;
    CNX_CHECK(choose_palette(&inspect, &classes, &known, err));
    CNX_CHECK(open_data(&data, args, dir, err));
    cnx_meter_begin(&meter, data.count, "files", !args->quiet.given && !args->no_progress.given);
    status = cnx_inspect(&seen, &data, &inspect, err);
    cnx_meter_clear(&meter);
    if (status != CNX_OK)
        goto cleanup;
    const cnx_classes *given = args->classes.given ? &classes : NULL;
    CNX_CHECK(cnx_findings_make(&findings, &data, &seen, given, &rules, err));
    *problems = findings.problems;
    const cnx_check_report report = {.dataset = &data,
                                     .seen = &seen,
                                     .findings = &findings,
                                     .classes = given,
                                     .rules = rules,
                                     .all_values = args->all.given};
    status = args->json.given ? cnx_check_json(&report, err) : cnx_check_text(&report, err);
cleanup:
    cnx_findings_free(&findings);
    cnx_inspection_free(&seen);
    cnx_dataset_free(&data);
    cnx_classes_free(&known);
    cnx_classes_free(&classes);
    return status;
}

/* dir: the data set, NULL for two folders. */
static cnx_status check_usage(const check_args *args, const cnx_operands *operands,
                              const char **dir, cnx_error *err)
{
    const size_t dirs = operands->count + args->data.given;
    *dir = operands->count ? operands->items[0] : args->data.value;
    CNX_FAIL_IF(dirs > 1, CNX_ERR_ARGUMENT, "one data set at a time");
    CNX_FAIL_IF(dirs && (args->images.given || args->labels.given), CNX_ERR_ARGUMENT,
                "either a data set's folder, or --images and --labels");
    CNX_FAIL_IF(!dirs && !args->labels.given, CNX_ERR_ARGUMENT,
                "which data? Give the data set's folder, or --images DIR and --labels DIR");
    CNX_FAIL_IF(args->reduce_zero_label.given && args->no_reduce_zero_label.given, CNX_ERR_ARGUMENT,
                "--reduce-zero-label and --no-reduce-zero-label contradict each other");
    return CNX_OK;
}

static int run(int argc, char **argv)
{
    check_args args = {0};
    cnx_operands operands = {0};
    cnx_error error = {0};
    int code = CNX_EXIT_USAGE;
    if (cnx_command_begin(&cnx_command_check, argc, argv, &args, &operands, &code)) {
        const char *dir;
        size_t problems = 0;
        cnx_interrupt_catch();
        if (check_usage(&args, &operands, &dir, &error) != CNX_OK)
            code = cnx_command_misused(&cnx_command_check, &error);
        else if (check(&args, dir, &problems, &error) != CNX_OK)
            code = cnx_console_fail(&error);
        else
            code = cnx_console_finish(problems ? CNX_EXIT_FAILED : CNX_EXIT_DONE);
    }
    cnx_operands_free(&operands);
    return code;
}

const cnx_command cnx_command_check = {
    .name = "check",
    .summary = "look for what is wrong with a data set's label files",
    .usage = "DIR [FLAGS] | --images DIR --labels DIR [FLAGS]",
    .about = "DIR is a data set in the layout of ADE20K (images/validation and "
             "annotations/validation; DIR may hold ADEChallengeData2016), of ImageNet-S, of mmseg, "
             "or with folders images and labels. Reads every label file and the header of every "
             "picture. Tells which values occur, which files are missing, damaged or of another "
             "size than their picture, which values are no class, what is probably wrong and what "
             "mends it.",
    .notes = "Exit code: 0 no problems (there may be warnings), 1 problems, or data that cannot be "
             "read at all, 2 usage, 130 interrupted.",
    .options = options,
    .run = run,
};
