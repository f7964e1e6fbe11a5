/* JSON for machines: objects on standard output, one a line. */
#ifndef CNX_TOOLS_REPORT_H
#define CNX_TOOLS_REPORT_H

#include <cjson/cJSON.h>

#include "core/status.h"

/* Adds text that may not be UTF-8 (file names, class names). */
bool cnx_report_text(cJSON *object, const char *key, const char *text);
/* Appends such a text to an array. */
bool cnx_report_append(cJSON *array, const char *text);

/* Prints the object on a line of its own and deletes it; NULL: memory ran out while it was made. */
cnx_status cnx_report_line(cJSON *object, cnx_error *err);
#endif
