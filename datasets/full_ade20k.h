/* The full ADE20K data set, which is not the benchmark of the same name. */
#ifndef CNX_DATASETS_FULL_ADE20K_H
#define CNX_DATASETS_FULL_ADE20K_H

#include "core/status.h"

/* CNX_ERR_UNSUPPORTED, with an explanation, where files of it lie in the folder or below. */
cnx_status cnx_full_ade20k_refuse(const char *folder, cnx_error *err);

#endif
