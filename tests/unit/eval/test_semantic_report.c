/* Results written and read back, the tables letter for letter. */
#include <math.h>

#include "core/file.h"
#include "core/json.h"
#include "eval/semantic_report.h"
#include "eval/semantic_result.h"
#include "tests/unit/check.h"

/* Three classes: one half right, one never seen, one whose name needs care. */
static void fill(cnx_semantic_counts *counts)
{
    cnx_error err;
    CHECK(cnx_semantic_counts_alloc(counts, 3, &err) == CNX_OK);
    counts->intersect[0] = 2;
    counts->predicted[0] = 3;
    counts->labelled[0] = 6;
    counts->intersect[2] = 1;
    counts->predicted[2] = 4;
    counts->labelled[2] = 1;
    counts->totals[CNX_SEMANTIC_PIXELS] = 7;
    counts->totals[CNX_SEMANTIC_HITS] = 3;
}

static const char *const names[] = {"wall", "odd", "a \"b\", \\ \x01 \xc3\xa9 \xff"};

/* What write() wrote, NUL-terminated; the caller frees it. */
static char *text_of(void (*write)(FILE *, const cnx_semantic_report *),
                     const cnx_semantic_report *report)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    write(stream, report);
    fclose(stream);
    return text;
}

static void write_json(FILE *to, const cnx_semantic_report *report)
{
    cnx_semantic_summary summary;
    cnx_semantic_summarise(&summary, report->counts, &report->options);
    putc('{', to);
    cnx_semantic_write_members(to, report);
    fputs(",\"more\":{},\"images\":[", to);
    cnx_semantic_write_picture(to, "a/b", 7, &summary);
    fputs("]}\n", to);
}

static void write_tables(FILE *to, const cnx_semantic_report *report)
{
    cnx_semantic_write_tables(to, report, 1u << CNX_METRIC_IOU | 1u << CNX_METRIC_PRECISION);
}

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b;
}

static void read_text(cnx_semantic_result *out, const char *text, cnx_status expected,
                      const char *says)
{
    char path[] = "/tmp/test_semantic_report.XXXXXX";
    const int file = mkstemp(path);
    cnx_error err = {0};
    CHECK(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    const cnx_status status = cnx_semantic_result_read(out, path, &err);
    CHECK(status == expected, "%s: %s", text, err.message);
    CHECK(!says || strstr(err.message, says), "\"%s\" does not say \"%s\"", err.message, says);
    unlink(path);
}

static void test_round_trip(const cnx_semantic_report *report)
{
    cnx_semantic_result result;
    cnx_semantic_summary summary;
    char *text = text_of(write_json, report);
    cnx_semantic_summarise(&summary, report->counts, &report->options);
    read_text(&result, text, CNX_OK, NULL);
    CHECK(result.classes == 3 && result.picture_count == 1);
    CHECK(same(result.summary.accuracy, summary.accuracy));
    for (int s = 0; s < CNX_SCORE_COUNT; s++)
        CHECK(same(result.summary.mean[s], summary.mean[s]));
    for (int c = 0; c < result.classes; c++) {
        double scores[CNX_SCORE_COUNT];
        cnx_semantic_class_scores(scores, report->counts, c, &report->options);
        for (int s = 0; s < CNX_SCORE_COUNT; s++)
            CHECK(same(result.scores[c][s], scores[s]), "class %d, score %d", c, s);
    }
    CHECK(strcmp(result.names[2], "a \"b\", \\ \x01 \xc3\xa9 \xef\xbf\xbd") == 0, "%s",
          result.names[2]);
    CHECK(strcmp(result.pictures[0].name, "a/b") == 0 &&
          same(result.pictures[0].miou, summary.mean[CNX_SCORE_IOU]));
    cnx_semantic_result_free(&result);
    free(text);
}

static void test_tables(const cnx_semantic_report *report)
{
    static const char wanted[] = "per class results:\n"
                                 "\n"
                                 "+-------+-------+--------+-----------+\n"
                                 "| Class |  IoU  |  Acc   | Precision |\n"
                                 "+-------+-------+--------+-----------+\n"
                                 "|  wall | 28.57 | 33.33  |   66.67   |\n"
                                 "|  odd  |  nan  |  nan   |    nan    |\n"
                                 "|  \xc3\xa9t\xc3\xa9  | 25.00 | 100.00 |   25.00   |\n"
                                 "+-------+-------+--------+-----------+\n"
                                 "\n"
                                 "Summary:\n"
                                 "\n"
                                 "+-------+-------+-------+------------+\n"
                                 "|  aAcc |  mIoU |  mAcc | mPrecision |\n"
                                 "+-------+-------+-------+------------+\n"
                                 "| 42.86 | 26.79 | 66.67 |   45.83    |\n"
                                 "+-------+-------+-------+------------+\n";
    static const char *const short_names[] = {"wall", "odd", "\xc3\xa9t\xc3\xa9"};
    cnx_semantic_report other = *report;
    other.names = short_names;
    char *text = text_of(write_tables, &other);
    CHECK(strcmp(text, wanted) == 0, "\n%s", text);
    free(text);
}

static void test_csv(const cnx_semantic_report *report)
{
    char *text = text_of(cnx_semantic_write_csv, report);
    CHECK(strstr(text, "index,class,IoU,Acc,Dice,Fscore,Precision,Recall,intersect,union,predicted,"
                       "labelled\n0,wall,0.2857142857142857") == text,
          "%s", text);
    CHECK(strstr(text, "\n1,odd,nan,nan,nan,nan,nan,nan,0,0,0,0\n") != NULL, "%s", text);
    CHECK(strstr(text, "\n2,\"a \"\"b\"\", \\") != NULL, "%s", text);
    CHECK(strstr(text, "\n,(all pixels),,0.4285714285714285") != NULL, "%s", text);
    free(text);
}

/* What is no result is refused with what is missing. */
static void test_refusals(void)
{
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"[]", "expected the object"},
        {"{}", "aAcc"},
        {"{\"aAcc\":\"x\"}", "expected a number or null"},
        {"{\"aAcc\":1,\"mIoU\":1,\"mAcc\":1,\"mDice\":1,\"mFscore\":1,\"mPrecision\":1}",
         "mRecall"},
        {"{\"aAcc\":1,\"mIoU\":1,\"mAcc\":1,\"mDice\":1,\"mFscore\":1,\"mPrecision\":1,"
         "\"mRecall\":null}",
         "classes"},
        {"{\"aAcc\":1,\"mIoU\":1,\"mAcc\":1,\"mDice\":1,\"mFscore\":1,\"mPrecision\":1,"
         "\"mRecall\":null,\"classes\":[]}",
         "empty"},
        {"{\"aAcc\":1,\"mIoU\":1,\"mAcc\":1,\"mDice\":1,\"mFscore\":1,\"mPrecision\":1,"
         "\"mRecall\":null,\"classes\":[3]}",
         "name"},
        {"{\"aAcc\":1,\"mIoU\":1,\"mAcc\":1,\"mDice\":1,\"mFscore\":1,\"mPrecision\":1,"
         "\"mRecall\":null,\"classes\":[{\"name\":\"x\",\"IoU\":1}]}",
         "Acc"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cnx_semantic_result result;
        read_text(&result, wrong[i].text, CNX_ERR_FORMAT, wrong[i].says);
        cnx_semantic_result_free(&result);
    }
}

int main(void)
{
    cnx_semantic_counts counts;
    fill(&counts);
    const cnx_semantic_report report = {.counts = &counts, .names = names};
    test_round_trip(&report);
    test_tables(&report);
    test_csv(&report);
    test_refusals();
    cnx_semantic_counts_free(&counts);
    return CHECK_RESULT;
}
