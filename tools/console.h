/* How the program talks: messages on standard error, data on standard output, exit codes. */
#ifndef CNX_TOOLS_CONSOLE_H
#define CNX_TOOLS_CONSOLE_H

#include "core/status.h"

/* Exit codes of every subcommand. */
enum {
    CNX_EXIT_DONE = 0,
    CNX_EXIT_FAILED = 1,
    CNX_EXIT_USAGE = 2,
    CNX_EXIT_SOME_FAILED = 3, /* with --keep-going: some inputs failed, the others are done */
    CNX_EXIT_INTERRUPTED = 130
};

/* One line each: "cnx: error: ...", "cnx: warning: ...", "cnx: ...".  Control characters, which a
 * file name or a class name may bring along, are shown as '?'. */
void cnx_console_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cnx_console_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cnx_console_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The exit code that a failure calls for: what the caller asked for wrongly is a usage error. */
int cnx_console_exit_code(const cnx_error *error);
/* Says what went wrong and returns that code. */
int cnx_console_fail(const cnx_error *error);

/* Writes out what stands in standard output's buffer; tells a full disk or a closed pipe. */
cnx_status cnx_console_flush(cnx_error *err);
/* The last act of a subcommand: code, or CNX_EXIT_FAILED when standard output was not writable.  A
 * reader that went away (head, less) is no news and gets no message. */
int cnx_console_finish(int code);

#endif
