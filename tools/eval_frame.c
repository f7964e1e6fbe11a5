#include "tools/eval_frame.h"

#include <stdio.h>

#include "core/clock.h"
#include "core/memory.h"
#include "tools/console.h"
#include "tools/words.h"

cnx_status cnx_eval_part(size_t *first, size_t *count, size_t all, const char *folder,
                         cnx_int_arg skip, cnx_int_arg limit, cnx_error *err)
{
    *first = (size_t)skip.value;
    CNX_FAIL_IF(*first >= all, CNX_ERR_ARGUMENT,
                "--skip %zu leaves nothing of the %zu pictures in %s", *first, all, folder);
    *count = all - *first;
    if (limit.given && (size_t)limit.value < *count)
        *count = (size_t)limit.value;
    return CNX_OK;
}

int cnx_eval_interrupted(const cnx_eval_end *end)
{
    cnx_console_note("interrupted after %zu of %zu; --resume goes on from %s", end->done,
                     end->count, end->journal_path);
    return CNX_EXIT_INTERRUPTED;
}

int cnx_eval_broken_off(const cnx_eval_end *end, int code)
{
    if (end->done)
        cnx_console_note("%zu of %zu are done; --resume goes on from %s", end->done, end->count,
                         end->journal_path);
    return code;
}

static cnx_status remove_traces(const cnx_eval_end *end, cnx_error *err)
{
    CNX_TRY(cnx_journal_remove(end->journal, err));
    return end->remove ? end->remove(end->user, err) : CNX_OK;
}

int cnx_eval_finish(const cnx_eval_end *end)
{
    cnx_error error = {0};
    if (end->done == 0) {
        cnx_console_error("none of %zu pictures could be scored", end->count);
        return CNX_EXIT_FAILED;
    }
    if (end->failed)
        cnx_console_warning("%zu of %zu pictures were skipped: the scores are those of the others; "
                            "--resume tries them again",
                            end->failed, end->count);
    if (end->tell(end->user, &error) != CNX_OK)
        return error.message[0] ? cnx_console_fail(&error) : CNX_EXIT_FAILED;
    if (end->failed)
        return CNX_EXIT_SOME_FAILED;
    if (remove_traces(end, &error) != CNX_OK)
        cnx_console_warning("%s", error.message);
    return CNX_EXIT_DONE;
}

void cnx_eval_tell_end(size_t scored, size_t failed, double started, bool with_rate)
{
    const double seconds = cnx_now() - started;
    char skipped[64] = "", rate[64] = "";
    if (failed)
        snprintf(skipped, sizeof skipped, ", %zu skipped", failed);
    if (with_rate)
        snprintf(rate, sizeof rate, " (%.1f a second)", seconds > 0 ? (double)scored / seconds : 0);
    cnx_console_note("%zu picture%s scored in %s%s%s, peak memory %s", scored,
                     scored == 1 ? "" : "s", cnx_words_clock(seconds).text, skipped, rate,
                     cnx_words_bytes(cnx_peak_rss()).text);
}
