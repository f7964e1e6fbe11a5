/* cnx eval: a model over a data set, scored; finds the data set's command. */
#include <stdio.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/console.h"
#include "tools/eval_kinds.h"
#include "tools/words.h"

static const cnx_command *const kinds[] = {
    &cnx_eval_ade20k,     &cnx_eval_folder, &cnx_eval_imagenet,
    &cnx_eval_imagenet_s, &cnx_eval_coco,   &cnx_eval_coco_o,
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* "ade20k" of "eval ade20k". */
static const char *word_of(const cnx_command *kind)
{
    return kind->name + strlen("eval ");
}

static void print_kinds(FILE *to)
{
    fprintf(to, "Usage: cnx eval DATASET -m MODEL --data DIR [FLAGS]\n\nData sets:\n");
    for (int i = 0; i < KINDS; i++)
        fprintf(to, "  %-12s%s\n", word_of(kinds[i]), kinds[i]->summary);
    fprintf(to, "\n\"cnx eval DATASET --help\" shows the flags.\n");
}

static int run(int argc, char **argv)
{
    const char *words[KINDS];
    const bool help = argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0);
    if (help || argc == 0) {
        print_kinds(help ? stdout : stderr);
        return help ? cnx_console_finish(CNX_EXIT_DONE) : CNX_EXIT_USAGE;
    }
    for (int i = 0; i < KINDS; i++) {
        words[i] = word_of(kinds[i]);
        if (strcmp(argv[0], words[i]) == 0)
            return kinds[i]->run(argc - 1, argv + 1);
    }
    const char *nearest = cnx_words_nearest(argv[0], words, KINDS);
    cnx_console_error("unknown data set \"%s\"%s%s%s (cnx eval --help lists them)", argv[0],
                      nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                      nearest ? "\"?" : "");
    return CNX_EXIT_USAGE;
}

static const cnx_option no_options[] = {{.kind = CNX_OPT_END}};

const cnx_command cnx_command_eval = {
    .name = "eval",
    .summary = "run a model over a data set and score it",
    .usage = "ade20k|folder|imagenet|imagenet-s|coco|coco-o -m MODEL --data DIR [FLAGS]",
    .about =
        "Data sets: ade20k (the scene parsing benchmark), folder (pictures and label files of "
        "your own), imagenet (classifiers; also ImageNet-A, -R, -Sketch, -C), imagenet-s, coco "
        "(and data sets in its form), coco-o. \"cnx eval ade20k --help\" shows the flags.",
    .options = no_options,
    .run = run,
};
