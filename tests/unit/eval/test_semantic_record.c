/* Counts written into a line and read back. */
#include "eval/semantic_record.h"

#include "tests/unit/check.h"

enum { CLASSES = 5, SIDE = 16, PIXELS = SIDE * SIDE };

static void count_noise(cnx_semantic_counts *counts, int64_t *confusion, unsigned long long seed)
{
    uint8_t truth[PIXELS], pred[PIXELS];
    for (int i = 0; i < PIXELS; i++) {
        truth[i] = (uint8_t)(check_random(&seed) % (CLASSES + 2));
        pred[i] = (uint8_t)(check_random(&seed) % CLASSES);
    }
    cnx_semantic_counter *counter = NULL;
    const cnx_semantic_rules rules = {.classes = CLASSES, .ignore = CLASSES + 1};
    CHECK(cnx_semantic_counter_open(&counter, &rules, NULL) == CNX_OK);
    cnx_semantic_count(counter, (cnx_label_view){truth, false}, (cnx_label_view){pred, false},
                       PIXELS, counts, confusion);
    cnx_semantic_counter_close(&counter);
}

static void there_and_back(void)
{
    cnx_semantic_counts counts = {0}, back = {0};
    int64_t confusion[CLASSES * CLASSES] = {0}, again[CLASSES * CLASSES] = {0};
    char *text = NULL;
    cnx_error err = {0};
    CHECK(cnx_semantic_counts_alloc(&counts, CLASSES, &err) == CNX_OK);
    CHECK(cnx_semantic_counts_alloc(&back, CLASSES, &err) == CNX_OK);
    const size_t bytes = cnx_semantic_value_count(CLASSES) * sizeof(int64_t);
    for (unsigned long long seed = 0; seed < 20; seed++) {
        if (seed) /* the first is all zeros */
            count_noise(&counts, confusion, seed);
        CHECK(cnx_semantic_record_write(&text, &counts, confusion, &err) == CNX_OK);
        memset(again, 0, sizeof again);
        CHECK(cnx_semantic_record_read(text, &back, again, &err) == CNX_OK, "%s: %s", text,
              err.message);
        CHECK(memcmp(counts.values, back.values, bytes) == 0 &&
              memcmp(confusion, again, sizeof again) == 0);
        CHECK(cnx_semantic_record_read(text, &back, NULL, &err) == CNX_OK);
        free(text);
        CHECK(cnx_semantic_record_write(&text, &counts, NULL, &err) == CNX_OK);
        CHECK(cnx_semantic_record_read(text, &back, again, &err) == CNX_OK, "%s", err.message);
        CHECK(memcmp(counts.values, back.values, bytes) == 0);
        free(text);
    }
    cnx_semantic_counts_free(&counts);
    cnx_semantic_counts_free(&back);
}

static void refused(void)
{
    static const char *const lines[] = {"",
                                        "5",
                                        "5 ",
                                        "4 - -",
                                        "5 - ",
                                        "5 -",
                                        "5 - - ",
                                        "5 -  -",
                                        "x - -",
                                        "5 1:2 -",
                                        "5 0:-1 -",
                                        "5 99999:1 -",
                                        "5 - 25:1",
                                        "5 - 0:1,",
                                        "5 - 0:",
                                        "5 - :1",
                                        "5 - 0:1:2",
                                        "5 - 0:1 -",
                                        "5 - -1:1",
                                        "5 - 0: 1",
                                        "5 - 0:+1",
                                        "5 - 0:1;1:1",
                                        "-5 - -",
                                        "5 - 0:99999999999999999999",
                                        "5 - 0:9223372036854775807,0:1"};
    cnx_semantic_counts counts = {0};
    int64_t confusion[CLASSES * CLASSES] = {0};
    cnx_error err = {0};
    CHECK(cnx_semantic_counts_alloc(&counts, CLASSES, &err) == CNX_OK);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        CHECK(cnx_semantic_record_read(lines[i], &counts, confusion, &err) == CNX_ERR_FORMAT,
              "\"%s\"", lines[i]);
    cnx_semantic_counts_free(&counts);
}

int main(void)
{
    there_and_back();
    refused();
    return CHECK_RESULT;
}
