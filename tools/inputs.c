#include "tools/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/image/image.h"
#include "tools/interrupt.h"

enum { LIST_LIMIT = 64 << 20 };
#define STDIN_LIMIT ((size_t)1 << 30)

static cnx_status out_of_memory(cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_MEMORY, "not enough memory for the list of inputs");
}

static char *stem_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    return dot && dot != base ? strndup(base, (size_t)(dot - base)) : strdup(base);
}

/* Appends an input and returns it, NULL when memory ran out. */
static cnx_input *append(cnx_inputs *inputs, const char *name)
{
    if (inputs->count == inputs->capacity) {
        const size_t capacity = inputs->capacity ? 2 * inputs->capacity : 16;
        cnx_input *items = realloc(inputs->items, capacity * sizeof *items);
        if (!items)
            return NULL;
        inputs->items = items;
        inputs->capacity = capacity;
    }
    cnx_input *input = &inputs->items[inputs->count];
    *input = (cnx_input){.name = strdup(name)};
    if (!input->name)
        return NULL;
    inputs->count++;
    return input;
}

static cnx_status add_problem(cnx_inputs *inputs, const char *name, const char *problem,
                              cnx_error *err)
{
    cnx_input *input = append(inputs, name);
    if (!input || !(input->problem = strdup(problem)))
        return out_of_memory(err);
    return CNX_OK;
}

static cnx_status add_file(cnx_inputs *inputs, const char *path, cnx_error *err)
{
    cnx_input *input = append(inputs, path);
    if (!input || !(input->stem = stem_of(path)))
        return out_of_memory(err);
    return CNX_OK;
}

static cnx_status add_stdin(cnx_inputs *inputs, cnx_error *err)
{
    cnx_input *input = append(inputs, "standard input");
    if (!input || !(input->stem = strdup("stdin")))
        return out_of_memory(err);
    input->is_stdin = true;
    return CNX_OK;
}

static int is_picture(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && cnx_image_suffix_known(entry->d_name);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* One entry of a folder; a subfolder that happens to be called "x.png" is passed over. */
static cnx_status add_entry(cnx_inputs *inputs, const char *folder, const char *name,
                            cnx_error *err)
{
    char *path = NULL;
    const bool slashed = folder[strlen(folder) - 1] == '/';
    if (asprintf(&path, "%s%s%s", folder, slashed ? "" : "/", name) < 0)
        return out_of_memory(err);
    struct stat info;
    cnx_status status = CNX_OK;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        status = add_file(inputs, path, err);
    free(path);
    return status;
}

static cnx_status add_folder(cnx_inputs *inputs, const char *folder, cnx_error *err)
{
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_picture, by_bytes);
    if (count < 0)
        return errno == ENOMEM ? out_of_memory(err)
                               : add_problem(inputs, folder, strerror(errno), err);
    const size_t before = inputs->count;
    cnx_status status = CNX_OK;
    for (int i = 0; i < count; i++) {
        if (status == CNX_OK)
            status = add_entry(inputs, folder, entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    if (status == CNX_OK && inputs->count == before)
        status = add_problem(inputs, folder, "no picture in this folder", err);
    return status;
}

static cnx_status add_path(cnx_inputs *inputs, const char *path, cnx_error *err)
{
    struct stat info;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
        return add_folder(inputs, path, err);
    CNX_TRY(add_file(inputs, path, err));
    if (stat(path, &info) == 0)
        return CNX_OK;
    cnx_input *input = &inputs->items[inputs->count - 1];
    input->problem = strdup(strerror(errno));
    return input->problem ? CNX_OK : out_of_memory(err);
}

static cnx_status add_pattern(cnx_inputs *inputs, const char *pattern, cnx_error *err)
{
    glob_t found = {0};
    const int result = glob(pattern, 0, NULL, &found);
    cnx_status status = CNX_OK;
    if (result == GLOB_NOSPACE)
        status = out_of_memory(err);
    else if (result != 0)
        status = add_problem(inputs, pattern, "no file matches this pattern", err);
    for (size_t i = 0; result == 0 && i < found.gl_pathc && status == CNX_OK; i++)
        status = add_path(inputs, found.gl_pathv[i], err);
    globfree(&found);
    return status;
}

/* text: the whole list, cut up in place. */
static cnx_status add_lines(cnx_inputs *inputs, char *text, cnx_error *err)
{
    if (strncmp(text, "\xef\xbb\xbf", 3) == 0)
        text += 3;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const size_t length = strlen(line);
        if (length && line[length - 1] == '\r')
            line[length - 1] = '\0';
        const char *first = line + strspn(line, " \t");
        if (*first && *first != '#')
            CNX_TRY(add_path(inputs, line, err));
    }
    return CNX_OK;
}

static cnx_status add_list(cnx_inputs *inputs, const char *path, cnx_error *err)
{
    char *text = NULL;
    size_t size = 0;
    cnx_error reason = {0};
    if (cnx_read_text(path, LIST_LIMIT, &text, &size, &reason) != CNX_OK)
        return add_problem(inputs, path, reason.message, err);
    const size_t before = inputs->count;
    cnx_status status = CNX_OK;
    if (strlen(text) != size)
        status = add_problem(inputs, path, "this list of inputs is not a text file", err);
    else
        status = add_lines(inputs, text, err);
    if (status == CNX_OK && inputs->count == before)
        status = add_problem(inputs, path, "this list names no input", err);
    free(text);
    return status;
}

cnx_status cnx_inputs_gather(cnx_inputs *out, const char *const *operands, size_t count,
                             cnx_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *operand = operands[i];
        struct stat info;
        if (strcmp(operand, "-") == 0)
            CNX_TRY(add_stdin(out, err));
        else if (operand[0] == '@')
            CNX_TRY(add_list(out, operand + 1, err));
        else if (strpbrk(operand, "*?[") && stat(operand, &info) != 0)
            CNX_TRY(add_pattern(out, operand, err));
        else
            CNX_TRY(add_path(out, operand, err));
    }
    return CNX_OK;
}

void cnx_inputs_free(cnx_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        free(inputs->items[i].name);
        free(inputs->items[i].stem);
        free(inputs->items[i].problem);
    }
    free(inputs->items);
    *inputs = (cnx_inputs){0};
}

cnx_status cnx_input_open(cnx_input_bytes *out, const cnx_input *input, cnx_error *err)
{
    CNX_FAIL_IF(input->problem, CNX_ERR_IO, "%s: %s", input->name, input->problem);
    if (input->is_stdin) {
        const cnx_status status =
            cnx_read_stream(stdin, input->name, STDIN_LIMIT, &out->owned, &out->size, err);
        CNX_FAIL_IF(cnx_interrupted(), CNX_ERR_INTERRUPTED, "interrupted");
        CNX_TRY(status);
        out->data = out->owned;
        return CNX_OK;
    }
    CNX_TRY(cnx_mapping_open(&out->mapping, input->name, err));
    out->data = out->mapping.data;
    out->size = out->mapping.size;
    return CNX_OK;
}

void cnx_input_close(cnx_input_bytes *bytes)
{
    cnx_mapping_close(&bytes->mapping);
    free(bytes->owned);
    *bytes = (cnx_input_bytes){0};
}
