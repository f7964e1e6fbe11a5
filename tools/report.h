/* JSON for machines: objects on standard output, one a line. */
#ifndef CNX_TOOLS_REPORT_H
#define CNX_TOOLS_REPORT_H

#include <cjson/cJSON.h>

#include "core/status.h"

/* Adds text that may not be UTF-8 (file names, class names). */
bool cnx_report_text(cJSON *object, const char *key, const char *text);
/* Appends such a text to an array. */
bool cnx_report_append(cJSON *array, const char *text);

/* Adds a time in milliseconds. */
bool cnx_report_ms(cJSON *object, const char *key, double seconds);
/* What begins the object of a picture; false also where there is no object. */
bool cnx_report_picture(cJSON *object, const char *name, int width, int height);

/* Prints the object on a line of its own and deletes it; NULL: memory ran out while it was made. */
cnx_status cnx_report_line(cJSON *object, cnx_error *err);
/* The same for one that may have become incomplete: then not `sound`. */
cnx_status cnx_report_finish(cJSON *object, bool sound, cnx_error *err);

#endif
