/* What ensembles of any kind have in common: how many models, what is averaged, with what shares. */
#ifndef CNX_HEADS_ENSEMBLE_H
#define CNX_HEADS_ENSEMBLE_H

#include "heads/description.h"

#define CNX_MAX_MODELS 16

/* Of probabilities, or of logits before they become probabilities. */
typedef enum cnx_average { CNX_AVERAGE_PROBABILITIES, CNX_AVERAGE_LOGITS } cnx_average;

/* Shares that add up to one from `count` weights of at least 0; weights NULL: equal ones. */
cnx_status cnx_ensemble_shares(double shares[CNX_MAX_MODELS], const double *weights, int count,
                               cnx_error *err);

/* Have both models the same classes?  Names that were made up are none.  CNX_ERR_MODEL tells what
 * differs; a_name, b_name: what messages call them. */
cnx_status cnx_ensemble_compare(const cnx_description *a, const char *a_name,
                                const cnx_description *b, const char *b_name, cnx_error *err);

#endif
