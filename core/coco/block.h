/* Memory in blocks that are let go of together. */
#ifndef CNX_CORE_COCO_BLOCK_H
#define CNX_CORE_COCO_BLOCK_H

#include <stddef.h>

typedef struct cnx_coco_block cnx_coco_block;

/* Memory aligned as for a double, from the list's first block or a new one; NULL when there is none. */
void *cnx_coco_block_alloc(cnx_coco_block **list, size_t size);
/* Puts the blocks of *from before those of *to. */
void cnx_coco_block_move(cnx_coco_block **to, cnx_coco_block **from);
void cnx_coco_block_free(cnx_coco_block **list);

#endif
