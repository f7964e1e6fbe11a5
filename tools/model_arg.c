#include "tools/model_arg.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/embedded/embedded.h"
#include "tools/words.h"

enum { MAX_NAMES = 256, NAME_ROOM = 64 };

/* ---- suggestions ---- */

typedef struct name_list {
    char text[MAX_NAMES][NAME_ROOM];
    const char *names[MAX_NAMES];
    size_t count;
} name_list;

static void add_name(void *user, const char *name)
{
    name_list *list = user;
    if (list->count == MAX_NAMES)
        return;
    snprintf(list->text[list->count], NAME_ROOM, "%s", name);
    list->names[list->count] = list->text[list->count];
    list->count++;
}

static cnx_status refuse_unknown(const char *text, cnx_error *err)
{
    name_list list = {.count = 0};
    cnx_catalogue_names(add_name, &list);
    const char *nearest = cnx_words_nearest(text, list.names, list.count);
    return cnx_fail(
        err, CNX_ERR_ARGUMENT,
        "%.200s: there is no such file, and no built-in model of that name%s%s%s (\"cnx "
        "list\" shows them)",
        text, nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");
}

/* ---- what kind of file ---- */

/* A config is text that begins with a brace; a checkpoint has zeros within the first bytes. */
static bool looks_like_config(const char *path)
{
    unsigned char start[64];
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    const size_t n = fread(start, 1, sizeof start, f);
    fclose(f);
    size_t i = 0;
    while (i < n && isspace(start[i]))
        i++;
    return i < n && start[i] == '{' && !memchr(start, 0, n);
}

static cnx_status open_config(cnx_model_choice *out, const cnx_model_args *args, const char *path,
                              cnx_error *err)
{
    cJSON *config;
    CNX_FAIL_IF(args->config.given, CNX_ERR_ARGUMENT,
                "--config goes over a checkpoint, and %s is a config itself; --set changes its "
                "fields",
                path);
    CNX_TRY(cnx_model_file_random(&out->file, path, args->sets.items, args->sets.count, 1, err));
    CNX_TRY(cnx_config_load(&config, path, args->sets.items, args->sets.count, err));
    out->published = cnx_published_from(config);
    cJSON_Delete(config);
    return CNX_OK;
}

/* Is there more of a built-in model than its description? */
static bool has_weights(const char *built_in)
{
    char path[192];
    cnx_embedded_file file;
    snprintf(path, sizeof path, "models/%s.pth", built_in);
    return cnx_embedded_find(path, &file);
}

static cnx_status open_checkpoint(cnx_model_choice *out, const cnx_model_args *args,
                                  const char *path, cnx_error *err)
{
    out->from_checkpoint = true;
    return cnx_model_file_open(&out->file, path, args->config.value, args->sets.items,
                               args->sets.count, false, err);
}

static cnx_status open_named(cnx_model_choice *out, const cnx_model_args *args, const char *text,
                             cnx_error *err)
{
    struct stat info;
    char built_in[128];
    if (stat(text, &info) == 0) {
        snprintf(out->name, sizeof out->name, "%s", text);
        if (looks_like_config(text))
            return open_config(out, args, text, err);
        return open_checkpoint(out, args, text, err);
    }
    if (!cnx_catalogue_find(text, built_in, sizeof built_in))
        return refuse_unknown(text, err);
    snprintf(out->name, sizeof out->name, "%s", built_in);
    out->built_in = true;
    if (has_weights(built_in))
        return open_checkpoint(out, args, built_in, err);
    return open_config(out, args, built_in, err);
}

cnx_status cnx_model_choose(cnx_model_choice *out, const cnx_model_args *args,
                            const cnx_operands *operands, cnx_error *err)
{
    *out = (cnx_model_choice){.name = ""};
    const size_t models = operands->count + args->model.given;
    CNX_FAIL_IF(models == 0, CNX_ERR_ARGUMENT,
                "which model? Name a checkpoint, a config, or a built-in model (\"cnx list\" shows "
                "them)");
    CNX_FAIL_IF(models > 1, CNX_ERR_ARGUMENT, "one model at a time");
    const char *text = operands->count ? operands->items[0] : args->model.value;
    const cnx_status status = open_named(out, args, text, err);
    if (status != CNX_OK)
        cnx_model_choice_free(out);
    return status;
}

void cnx_model_choice_free(cnx_model_choice *choice)
{
    cnx_model_file_close(&choice->file);
}
