/* An annotation file, a line with %%, a results file: whatever the bytes, they are scored or refused. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "eval/coco_errors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file without a name: the readers take paths. */
static int open_bytes(char path[64], const void *data, size_t size)
{
    const int fd = memfd_create("fuzz_coco", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void check_scores(cnx_coco_scorer *scorer, cnx_coco_kind kind)
{
    cnx_coco_scores scores;
    cnx_coco_errors errors;
    double stats[CNX_COCO_STATS];
    if (cnx_coco_scorer_run(&scores, scorer, kind, NULL) != CNX_OK)
        abort();
    cnx_coco_summary(stats, &scores, -1);
    for (int i = 0; i < CNX_COCO_STATS; i++)
        if (!(stats[i] == -1 || (stats[i] >= 0 && stats[i] <= 1)))
            abort();
    cnx_coco_scores_free(&scores);
    if (cnx_coco_errors_find(&errors, scorer, kind, NULL) != CNX_OK)
        abort();
}

static void score(const char *truth_path, const char *results_path, cnx_coco_kind kind)
{
    cnx_error err = {0};
    cnx_coco_truth truth;
    cnx_coco_scorer *scorer = NULL;
    const cnx_coco_truth_options options = {.threads = 1, .segmentations = kind == CNX_COCO_SEGM};
    cnx_coco_params params = {.threads = 1, .all_pairs = true};
    params.kinds[kind] = true;
    if (cnx_coco_truth_open(&truth, truth_path, &options, &err) != CNX_OK)
        return;
    if (cnx_coco_scorer_open(&scorer, &truth, &params, &err) == CNX_OK) {
        const bool all = cnx_coco_scorer_read(scorer, results_path, &err) == CNX_OK;
        if (truth.category_count < 16) /* arrays for each: slow, and nothing new */
            check_scores(scorer, kind);
        if (!all && !err.message[0])
            abort();
    }
    cnx_coco_scorer_close(&scorer);
    cnx_coco_truth_close(&truth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char border[] = "\n%%\n";
    const uint8_t *at = memmem(data, size, border, sizeof border - 1);
    if (!at)
        return 0;
    const uint8_t *rest = at + sizeof border - 1;
    char truth[64], results[64];
    const int fds[] = {open_bytes(truth, data, (size_t)(at - data)),
                       open_bytes(results, rest, (size_t)(data + size - rest))};
    score(truth, results, CNX_COCO_BBOX);
    score(truth, results, CNX_COCO_SEGM);
    close(fds[0]);
    close(fds[1]);
    return 0;
}
