/* The help text of a subcommand, made from its table. */
#include <stdio.h>
#include <string.h>

#include "tools/options.h"

enum { HELP_WIDTH = 96, HELP_INDENT = 28 };

/* Writes text word by word within HELP_WIDTH; further lines start at `indent`.  A line break in
 * the text starts a new line.  column: where the text begins. */
static void print_wrapped(const char *text, int column, int indent)
{
    bool first = true;
    while (*text) {
        if (*text == '\n') {
            putchar('\n');
            if (text[1] && text[1] != '\n')
                printf("%*s", indent, "");
            column = indent;
            first = true;
            text++;
            continue;
        }
        const size_t length = strcspn(text, " \n");
        if (!first && column + 1 + (int)length > HELP_WIDTH) {
            printf("\n%*s", indent, "");
            column = indent;
            first = true;
        }
        column += printf("%s%.*s", first ? "" : " ", (int)length, text);
        first = false;
        text += length;
        while (*text == ' ')
            text++;
    }
    putchar('\n');
}

static void print_range(const cnx_option *option, char *out, size_t size)
{
    *out = '\0';
    switch (option->kind) {
    case CNX_OPT_INT:
    case CNX_OPT_INT_OR_AUTO:
        snprintf(out, size, "%.0f to %.0f", option->min, option->max);
        break;
    case CNX_OPT_REAL:
        snprintf(out, size, "%g to %g", option->min, option->max);
        break;
    case CNX_OPT_REALS:
        snprintf(out, size, "each %g to %g", option->min, option->max);
        break;
    case CNX_OPT_SIZE:
    case CNX_OPT_SIZE_OR_NONE:
        snprintf(out, size, "each %.0f to %.0f", option->min, option->max);
        break;
    case CNX_OPT_TEXTS:
        snprintf(out, size, "may be repeated");
        break;
    case CNX_OPT_END:
    case CNX_OPT_GROUP:
    case CNX_OPT_FLAG:
    case CNX_OPT_TEXT:
    case CNX_OPT_BYTES:
    case CNX_OPT_CHOICE:
    case CNX_OPT_WEIGHTS:
    case CNX_OPT_SET:
        break;
    }
}

static void print_option(const cnx_option *option)
{
    char range[64], text[1024];
    int column = printf("  ");
    if (option->letter)
        column += printf("-%c, ", option->letter);
    column += printf("--%s", option->name);
    if (option->kind != CNX_OPT_FLAG)
        column += printf(" %s", option->value);
    if (column + 2 > HELP_INDENT) {
        putchar('\n');
        column = 0;
    }
    printf("%*s", HELP_INDENT - column, "");
    print_range(option, range, sizeof range);
    const char *standard = option->fallback ? option->fallback : option->otherwise;
    snprintf(text, sizeof text, "%s%s%s%s%s%s%s", option->help, *range || standard ? " (" : "",
             range, *range && standard ? "; " : "", standard ? "default: " : "",
             standard ? standard : "", *range || standard ? ")" : "");
    print_wrapped(text, HELP_INDENT, HELP_INDENT);
}

void cnx_command_help(const cnx_command *command)
{
    printf("cnx %s: %s\n\nUsage: cnx %s %s\n\n", command->name, command->summary, command->name,
           command->usage);
    print_wrapped(command->about, 0, 0);
    for (const cnx_option *option = command->options; option->kind != CNX_OPT_END; option++) {
        if (option->kind == CNX_OPT_GROUP)
            printf("\n%s:\n", option->help);
        else
            print_option(option);
    }
    printf("\n  -h, --help%*s", HELP_INDENT - 12, "");
    print_wrapped("show this text", HELP_INDENT, HELP_INDENT);
    if (command->notes) {
        putchar('\n');
        print_wrapped(command->notes, 0, 0);
    }
}
