/* Detections on disk while a run goes on: added, taken over, damaged, written in order. */
#include "tools/coco_spool.h"

#include "tests/unit/check.h"

static char folder[] = "/tmp/cnx_spool_XXXXXX";

static const char *at(const char *name)
{
    static char path[100];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* The file's text; the caller frees it. */
static char *text_of(const char *name)
{
    char *text = NULL;
    size_t size;
    CHECK(cnx_read_text(at(name), 1 << 20, &text, &size, NULL) == CNX_OK, "%s", name);
    return text;
}

static void check_file(const char *name, const char *wanted)
{
    char *text = text_of(name);
    CHECK(text && strcmp(text, wanted) == 0, "%s: %s", name, text);
    free(text);
}

static void add(cnx_coco_spool *spool, size_t index, const char *boxes, const char *masks,
                char **record)
{
    const char *const texts[] = {boxes, masks};
    const size_t sizes[] = {strlen(boxes), strlen(masks)};
    CHECK(cnx_coco_spool_add(spool, index, texts, sizes, record, NULL) == CNX_OK);
}

static void test_order_and_resume(void)
{
    cnx_coco_spool spool, again;
    char *records[3] = {0};
    CHECK(cnx_coco_spool_open(&spool, at("a"), 4, false, false, NULL) == CNX_OK);
    add(&spool, 3, "b3", "m3,m3", &records[0]);
    add(&spool, 0, "b0", "", &records[1]);
    add(&spool, 2, "", "m2", &records[2]);
    CHECK(cnx_coco_spool_write(&spool, 0, 4, 0, at("boxes"), NULL) == CNX_OK);
    CHECK(cnx_coco_spool_write(&spool, 0, 4, 1, at("masks"), NULL) == CNX_OK);
    CHECK(cnx_coco_spool_write(&spool, 1, 1, 0, at("none"), NULL) == CNX_OK);
    check_file("boxes", "[\nb0,\nb3\n]\n");
    check_file("masks", "[\nm2,\nm3,m3\n]\n");
    check_file("none", "[]\n");
    cnx_coco_spool_close(&spool);

    /* Not replaced unasked; taken over record by record. */
    CHECK(cnx_coco_spool_open(&again, at("a"), 4, false, false, NULL) == CNX_ERR_IO);
    CHECK(cnx_coco_spool_open(&again, at("a"), 4, true, false, NULL) == CNX_OK);
    CHECK(cnx_coco_spool_restore(&again, 3, records[0], NULL) == CNX_OK && again.places[3].done);
    CHECK(cnx_coco_spool_restore(&again, 0, records[1], NULL) == CNX_OK && again.places[0].done);
    char *record = NULL;
    add(&again, 2, "", "other", &record); /* where the one that was lost lay */
    free(record);
    CHECK(cnx_coco_spool_write(&again, 0, 4, 1, at("masks"), NULL) == CNX_OK);
    check_file("masks", "[\nother,\nm3,m3\n]\n");
    cnx_coco_spool_close(&again);

    /* A text that is no longer as it was, or that is not there: done again. */
    FILE *file = fopen(at("a"), "r+");
    CHECK(file && fputc('X', file) == 'X' && fclose(file) == 0);
    CHECK(cnx_coco_spool_open(&again, at("a"), 4, true, false, NULL) == CNX_OK);
    CHECK(cnx_coco_spool_restore(&again, 3, records[0], NULL) == CNX_OK && !again.places[3].done);
    CHECK(cnx_coco_spool_restore(&again, 0, records[1], NULL) == CNX_OK && again.places[0].done);
    CHECK(cnx_coco_spool_restore(&again, 1, "1000000 5 5 00000000", NULL) == CNX_OK &&
          !again.places[1].done);
    CHECK(again.end == 9, "%llu", (unsigned long long)again.end);
    CHECK(cnx_coco_spool_remove(&again, NULL) == CNX_OK && access(at("a"), F_OK) != 0);
    cnx_coco_spool_close(&again);
    for (int i = 0; i < 3; i++)
        free(records[i]);
}

static void test_bad_records(void)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "1 2 3",
                                      "1 2 3 4 5",
                                      "x 2 3 4",
                                      "-1 2 3 4",
                                      "1  2 3 4",
                                      " 1 2 3 4",
                                      "1 2 3 g",
                                      "1 2 3 123456789",
                                      "99999999999999999999 1 1 1",
                                      "1 9000000000000000000 1 1"};
    cnx_coco_spool spool;
    cnx_error error;
    CHECK(cnx_coco_spool_open(&spool, at("b"), 2, false, false, NULL) == CNX_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(cnx_coco_spool_restore(&spool, 0, bad[i], &error) == CNX_ERR_FORMAT, "\"%s\"",
              bad[i]);
    CHECK(cnx_coco_spool_restore(&spool, 2, "0 0 0 00000000", &error) == CNX_ERR_FORMAT);
    CHECK(cnx_coco_spool_restore(&spool, 1, "0 0 0 00000000", NULL) == CNX_OK &&
          spool.places[1].done);
    cnx_coco_spool_close(&spool);
    CHECK(cnx_coco_spool_open(&spool, at("gone/b"), 2, false, false, &error) == CNX_ERR_IO, "%s",
          error.message);
    CHECK(cnx_coco_spool_open(&spool, folder, 2, true, false, NULL) == CNX_ERR_IO);
}

int main(void)
{
    char command[64];
    if (!mkdtemp(folder))
        return EXIT_FAILURE;
    test_order_and_resume();
    test_bad_records();
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
    return CHECK_RESULT;
}
