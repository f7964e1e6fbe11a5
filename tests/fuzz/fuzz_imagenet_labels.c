/* Lists of labels: any bytes are a list or an error, and what is found lies in the text. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/imagenet_classes.h"
#include "datasets/imagenet_labels.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char ids[][12] = {"n01440764", "n01443537", "cat"};
    char *wnids[] = {ids[0], ids[1], ids[2]};
    const cnx_imagenet set = {.class_count = 3, .wnids = wnids, .names = wnids};
    cnx_imagenet_labels labels;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (cnx_imagenet_labels_parse(&labels, &set, text, size, "labels", NULL) == CNX_OK) {
        for (size_t i = 0; i < labels.count; i++) {
            const cnx_imagenet_label *l = &labels.items[i];
            if (l->label < 0 || l->label >= set.class_count ||
                (labels.named && (l->stem < text || l->stem + l->length > text + size)))
                abort();
        }
        if (cnx_imagenet_labels_find(&labels, "a/val_1.JPEG") >= set.class_count)
            abort();
        cnx_imagenet_labels_free(&labels);
    }
    free(text);
    return 0;
}
