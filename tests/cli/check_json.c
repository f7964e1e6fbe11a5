/*
 * Looks into JSON for the command-line tests.
 *
 *   check_json file FILE [KEY...]   FILE is one value; prints what stands at the path
 *   check_json lines FILE [KEY...]  each line of FILE is one object; prints what stands at the path
 *
 * A key is a name or, in a list, an index; "#" is the number of members.  Strings are printed as
 * they are, everything else as compact JSON.  Exits with 1 when it is no JSON or the path leads
 * nowhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/json.h"

static int print_at(const cJSON *item, char **keys, int count)
{
    for (int i = 0; i < count; i++) {
        if (strcmp(keys[i], "#") == 0)
            return printf("%d\n", cJSON_GetArraySize(item)) < 0;
        item = cJSON_IsArray(item) ? cJSON_GetArrayItem(item, atoi(keys[i]))
                                   : cJSON_GetObjectItemCaseSensitive(item, keys[i]);
        if (!item)
            return fprintf(stderr, "check_json: nothing at '%s'\n", keys[i]), 1;
    }
    if (cJSON_IsString(item))
        return puts(item->valuestring) < 0;
    char *text = cJSON_PrintUnformatted(item);
    const int failed = !text || puts(text) < 0;
    cJSON_free(text);
    return failed;
}

/* Parses and prints; object: nothing else will do. */
static int look(const char *text, size_t size, const char *name, int object, char **keys, int count)
{
    cnx_error err;
    cJSON *json = NULL;
    if (cnx_json_parse(&json, text, size, name, &err) != CNX_OK)
        return fprintf(stderr, "check_json: %s\n", err.message), 1;
    const int failed = object && !cJSON_IsObject(json)
                           ? (fprintf(stderr, "check_json: a line is no object\n"), 1)
                           : print_at(json, keys, count);
    cJSON_Delete(json);
    return failed;
}

int main(int argc, char **argv)
{
    cnx_error err;
    char *text = NULL;
    size_t size;
    int failed = 0;
    if (argc < 3 || (strcmp(argv[1], "file") != 0 && strcmp(argv[1], "lines") != 0))
        return fprintf(stderr, "check_json: usage is at the top of check_json.c\n"), 2;
    if (cnx_read_text(argv[2], (size_t)64 << 20, &text, &size, &err) != CNX_OK)
        return fprintf(stderr, "check_json: %s\n", err.message), 1;
    if (strcmp(argv[1], "file") == 0) {
        failed = look(text, size, argv[2], 0, argv + 3, argc - 3);
    } else {
        for (char *line = text, *end; *line && !failed; line = end + 1) {
            end = strchr(line, '\n');
            if (!end) {
                failed = (fprintf(stderr, "check_json: the last line has no end\n"), 1);
                break;
            }
            failed = look(line, (size_t)(end - line), argv[2], 1, argv + 3, argc - 3);
        }
    }
    free(text);
    return failed;
}
