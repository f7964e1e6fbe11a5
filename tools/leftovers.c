#include "tools/leftovers.h"

#include "tools/console.h"

void cnx_leftovers_warn(const cnx_model_file *file)
{
    const char *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < cnx_weights_key_count(file->weights); i++) {
        const cnx_key *key = cnx_weights_key(file->weights, i);
        if (key->state != CNX_KEY_UNUSED)
            continue;
        if (!first)
            first = key->tensor->name;
        count++;
    }
    if (count)
        cnx_console_warning("%s: %zu tensor%s no part of the model and not used (%s%s; cnx info "
                            "--tensors lists all)",
                            cnx_checkpoint_name(file->checkpoint), count,
                            count == 1 ? " is" : "s are", first, count == 1 ? "" : " first");
}
