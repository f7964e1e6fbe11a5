/* The command line of cnx eval coco and cnx eval coco-o. */
#ifndef CNX_TOOLS_EVAL_COCO_ARGS_H
#define CNX_TOOLS_EVAL_COCO_ARGS_H

#include "tools/coco_args.h"
#include "tools/detect_args.h"

/* COCO-O's six domains, by their folders' names; NULL ends the list. */
enum { CNX_COCO_O_DOMAINS = 6 };
extern const char *const cnx_coco_o_domains[];

typedef struct cnx_eval_coco_args {
    bool domains; /* cnx eval coco-o */
    cnx_session_args run;
    cnx_detection_args detection;
    cnx_coco_args coco; /* but for its images: these are all that were run */
    cnx_text_arg data, split, annotations, images;
    cnx_set_arg of_domains;
    cnx_int_arg skip, limit;
    cnx_flag_arg segm_boxes, resume;
    cnx_real_arg coco_ap;
    cnx_text_arg csv, report, save_pred, journal;
} cnx_eval_coco_args;

extern const cnx_option cnx_eval_coco_options[], cnx_eval_coco_o_options[];

/* What can be told without the model and the data. */
cnx_status cnx_eval_coco_args_check(const cnx_eval_coco_args *args, cnx_error *err);

#endif
