/* The report page of cnx eval imagenet. */
#ifndef CNX_TOOLS_IMAGENET_PAGE_H
#define CNX_TOOLS_IMAGENET_PAGE_H

#include "tools/imagenet_results.h"

cnx_status cnx_imagenet_page_write(const cnx_imagenet_results *results, cnx_error *err);

#endif
