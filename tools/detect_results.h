/* The files of cnx detect that hold the results of all pictures.  They grow in the order of the pictures,
 * so that nothing of a picture is held once it is done. */
#ifndef CNX_TOOLS_DETECT_RESULTS_H
#define CNX_TOOLS_DETECT_RESULTS_H

#include "tools/detect_args.h"
#include "tools/detected.h"

typedef struct cnx_detect_results cnx_detect_results;

/* Makes the folder and begins the files beside their places.  args and description: borrowed. */
cnx_status cnx_detect_results_open(cnx_detect_results **out, const cnx_detect_args *args,
                                   const cnx_description *description, cnx_error *err);
/* What the next picture has for the file of this format. */
cnx_status cnx_detect_results_append(cnx_detect_results *r, int format, const char *text,
                                     size_t size, cnx_error *err);
/* The next picture's entry in a data set. */
cnx_status cnx_detect_results_append_image(cnx_detect_results *r, const char *text, size_t size,
                                           cnx_error *err);
/* Completes all files, and then puts them into their places. */
cnx_status cnx_detect_results_commit(cnx_detect_results *r, cnx_error *err);
/* What has not been committed is gone without a trace. */
void cnx_detect_results_close(cnx_detect_results **r); /* accepts NULL */

#endif
