/* JSON text in, cJSON trees out, with errors that say where. */
#ifndef CNX_CORE_JSON_H
#define CNX_CORE_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>

#include "core/status.h"

/*
 * Parses `size` bytes.  `name` is for messages ("model.json: line 3, column 14: ...").  Beyond what
 * cJSON checks: nothing but blanks may follow the value, and a key may stand once in an object.
 * The caller releases *out with cJSON_Delete.
 */
cnx_status cnx_json_parse(cJSON **out, const char *text, size_t size, const char *name,
                          cnx_error *err);

/* "a number", "a string", ... for messages. */
const char *cnx_json_kind(const cJSON *item);

/* For writing without a tree.  The text in quotes; bytes that are not UTF-8 become U+FFFD. */
void cnx_json_put_string(FILE *to, const char *text);
/* The shortest decimal that gives the same float again: 123.675, not 123.67500305175781. */
double cnx_json_decimal(float value);
/* So that it reads back exactly; what is not finite is null. */
void cnx_json_put_number(FILE *to, double value);

#endif
