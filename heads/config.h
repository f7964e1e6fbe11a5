/* The config tree: what fields there are, what fits into them, how layers of it merge. */
#ifndef CNX_HEADS_CONFIG_H
#define CNX_HEADS_CONFIG_H

#include <cjson/cJSON.h>

#include "core/status.h"

/* Every field known, of the right type and in range; the message names the dotted path, what was
 * found and what fits.  NULL is a valid config. */
cnx_status cnx_config_validate(const cJSON *config, cnx_error *err);

/* The item at a dotted path; NULL when it is not there. */
const cJSON *cnx_config_get(const cJSON *config, const char *path);

/* Lays `layer` over *config (NULL for none yet), which takes it over: later fields win, objects
 * merge, arrays replace.  On failure `layer` is deleted. */
cnx_status cnx_config_merge(cJSON **config, cJSON *layer, cnx_error *err);

/* A value as it stands in the config, cut to what a message can hold. */
typedef struct cnx_config_text {
    char text[96];
} cnx_config_text;
cnx_config_text cnx_config_show(const cJSON *item);

#endif
