#include "tools/eval_journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/file.h"
#include "tools/console.h"

cnx_status cnx_file_check_of(cnx_file_check *out, const char *path, cnx_error *err)
{
    cnx_mapping mapping;
    CNX_TRY(cnx_mapping_open(&mapping, path, err));
    snprintf(out->text, sizeof out->text, "%zu bytes %08x", mapping.size,
             (unsigned)crc32_z(crc32_z(0, NULL, 0), mapping.data, mapping.size));
    cnx_mapping_close(&mapping);
    return CNX_OK;
}

static cnx_status make_path(char **out, const cnx_eval_journal_request *request, cnx_error *err)
{
    const char *model = request->model ? request->model : "demo";
    const char *slash = strrchr(model, '/'), *name = slash ? slash + 1 : model;
    const char *dot = strrchr(name, '.');
    const int length = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
    *out = NULL;
    const bool made = request->journal.given
                          ? (*out = strdup(request->journal.value)) != NULL
                          : asprintf(out, "cnx-eval-%.*s.journal", length, name) >= 0;
    CNX_FAIL_IF(!made, CNX_ERR_MEMORY, "not enough memory for a path");
    return CNX_OK;
}

cnx_status cnx_eval_journal_open(cnx_journal **out, char **path,
                                 const cnx_eval_journal_request *request, cnx_error *err)
{
    cnx_journal_found found;
    CNX_TRY(make_path(path, request, err));
    const cnx_status status =
        cnx_journal_open(out, *path, request->identity, request->count, request->resume,
                         request->record, request->user, &found, err);
    if (status == CNX_ERR_IO && !request->journal.given)
        cnx_error_prefix(err, "journal (--journal FILE puts it elsewhere)");
    if (status == CNX_OK && found.kept && !request->quiet)
        cnx_console_note("%zu of %zu pictures are done already (%s)", found.kept, request->count,
                         *path);
    if (status == CNX_OK && found.dropped)
        cnx_console_warning("%s: %zu bytes at its end were unfinished; their pictures are done "
                            "again",
                            *path, found.dropped);
    return status;
}
