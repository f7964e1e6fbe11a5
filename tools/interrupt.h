/* Ctrl-C and SIGTERM: asked to stop, not killed. */
#ifndef CNX_TOOLS_INTERRUPT_H
#define CNX_TOOLS_INTERRUPT_H

#include <stdbool.h>

/* From here on the first SIGINT, SIGTERM or SIGHUP is remembered, so that the work can stop and
 * clean up; a second one ends the program at once. */
void cnx_interrupt_catch(void);
bool cnx_interrupted(void);

#endif
