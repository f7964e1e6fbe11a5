/* What follows "cnx eval": a command for each data set. */
#ifndef CNX_TOOLS_EVAL_KINDS_H
#define CNX_TOOLS_EVAL_KINDS_H

#include "tools/options.h"

extern const cnx_command cnx_eval_ade20k;
extern const cnx_command cnx_eval_folder;
extern const cnx_command cnx_eval_imagenet;
extern const cnx_command cnx_eval_imagenet_s;

extern const cnx_command cnx_eval_coco;
extern const cnx_command cnx_eval_coco_o;

#endif
