/* The pictures that cnx detect saves beside its results. */
#ifndef CNX_TOOLS_DETECT_PICTURES_H
#define CNX_TOOLS_DETECT_PICTURES_H

#include "core/file.h"
#include "tools/detect_args.h"
#include "tools/detected.h"

/* Draws what was found into the picture, as args say, and writes it as an RGB PNG. */
cnx_status cnx_detect_overlay(cnx_output *file, cnx_image *image, const cnx_detected *d,
                              const cnx_detect_args *args, cnx_error *err);
/* 16-bit grey PNG: 0, or the detection's place in every file of the picture, from 1.  Where masks
 * overlap, the one of the higher score is seen. */
cnx_status cnx_detect_instances(cnx_output *file, const cnx_detected *d, cnx_error *err);

#endif
