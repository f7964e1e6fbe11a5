#include "tools/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/console.h"
#include "tools/option_value.h"
#include "tools/words.h"

#define MAX_NAMES 64

void cnx_texts_free(cnx_texts_arg *texts)
{
    free(texts->items);
    *texts = (cnx_texts_arg){0};
}

void cnx_operands_free(cnx_operands *operands)
{
    free(operands->items);
    *operands = (cnx_operands){0};
}

cnx_status cnx_operands_refuse(const cnx_operands *operands, const char *instead, cnx_error *err)
{
    CNX_FAIL_IF(operands->count, CNX_ERR_ARGUMENT, "what is \"%s\"? %s", operands->items[0],
                instead);
    return CNX_OK;
}

/* State of one parse. */
typedef struct parser {
    const cnx_command *command;
    int argc, next;
    char **argv;
    void *values;
} parser;

static void *target_of(const parser *p, const cnx_option *option)
{
    return (char *)p->values + option->offset;
}

static const cnx_option *find_long(const cnx_command *command, const char *name, size_t length)
{
    for (const cnx_option *option = command->options; option->kind != CNX_OPT_END; option++)
        if (option->name && strlen(option->name) == length &&
            memcmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

static const cnx_option *find_letter(const cnx_command *command, char letter)
{
    for (const cnx_option *option = command->options; option->kind != CNX_OPT_END; option++)
        if (option->letter == letter)
            return option;
    return NULL;
}

static cnx_status unknown_flag(const parser *p, const char *flag, size_t length, cnx_error *err)
{
    const char *names[MAX_NAMES] = {"help"};
    size_t count = 1;
    for (const cnx_option *option = p->command->options;
         option->kind != CNX_OPT_END && count < MAX_NAMES; option++)
        if (option->name)
            names[count++] = option->name;
    char word[80];
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word), flag);
    const char *nearest = cnx_words_nearest(word + strspn(word, "-"), names, count);
    if (nearest)
        return cnx_fail(err, CNX_ERR_ARGUMENT, "unknown flag %s; did you mean --%s?", word,
                        nearest);
    return cnx_fail(err, CNX_ERR_ARGUMENT, "unknown flag %s", word);
}

/* Is this argument one of the command's flags?  Then it is not the value of the flag before. */
static bool looks_like_flag(const parser *p, const char *text)
{
    if (text[0] != '-' || !text[1])
        return false;
    if (text[1] != '-')
        return !text[2] && find_letter(p->command, text[1]);
    return !text[2] || strcmp(text, "--help") == 0 ||
           find_long(p->command, text + 2, strcspn(text + 2, "="));
}

/* Stores a value; --save starts afresh on its first use and adds up from then on. */
static cnx_status store(const parser *p, const cnx_option *option, const char *text, cnx_error *err)
{
    void *target = target_of(p, option);
    if (option->kind == CNX_OPT_SET && !((cnx_set_arg *)target)->given)
        ((cnx_set_arg *)target)->bits = 0;
    CNX_TRY(cnx_option_value(option, text, target, err));
    if (option->kind != CNX_OPT_TEXTS)
        *(bool *)target = true; /* `given` comes first in every other kind */
    return CNX_OK;
}

/* One flag with its value: attached (after '=' or the letter), or the next argument. */
static cnx_status take_flag(parser *p, const cnx_option *option, const char *attached,
                            cnx_error *err)
{
    if (option->kind == CNX_OPT_FLAG) {
        CNX_FAIL_IF(attached, CNX_ERR_ARGUMENT, "--%s takes no value, found \"%s\"", option->name,
                    attached);
        ((cnx_flag_arg *)target_of(p, option))->given = true;
        return CNX_OK;
    }
    if (!attached) {
        CNX_FAIL_IF(p->next == p->argc, CNX_ERR_ARGUMENT, "--%s needs a value: %s", option->name,
                    option->value);
        attached = p->argv[p->next];
        CNX_FAIL_IF(looks_like_flag(p, attached), CNX_ERR_ARGUMENT,
                    "--%s needs a value (%s), found the flag %s; if that is the value, write "
                    "--%s=%s",
                    option->name, option->value, attached, option->name, attached);
        p->next++;
    }
    const cnx_status status = store(p, option, attached, err);
    if (status != CNX_OK)
        cnx_error_prefix(err, "--%s", option->name);
    return status;
}

static cnx_status take_argument(parser *p, const char *text, bool *help, cnx_error *err)
{
    const bool is_long = text[1] == '-';
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
        *help = true;
        return CNX_OK;
    }
    const size_t length = is_long ? strcspn(text, "=") : 2;
    const cnx_option *option =
        is_long ? find_long(p->command, text + 2, length - 2) : find_letter(p->command, text[1]);
    if (!option)
        return unknown_flag(p, text, is_long ? length : strlen(text), err);
    const char *attached = NULL;
    if (text[length])
        attached = text + length + (text[length] == '=');
    return take_flag(p, option, attached, err);
}

static cnx_status set_defaults(const parser *p, cnx_error *err)
{
    for (const cnx_option *option = p->command->options; option->kind != CNX_OPT_END; option++)
        if (option->fallback)
            CNX_TRY(cnx_option_value(option, option->fallback, target_of(p, option), err));
    return CNX_OK;
}

cnx_status cnx_options_parse(const cnx_command *command, int argc, char **argv, void *values,
                             cnx_operands *operands, bool *help, cnx_error *err)
{
    parser p = {.command = command, .argc = argc, .argv = argv, .values = values};
    bool flags_ended = false;
    *help = false;
    *operands = (cnx_operands){.items = calloc((size_t)argc + 1, sizeof *operands->items)};
    CNX_FAIL_IF(!operands->items, CNX_ERR_MEMORY, "not enough memory for the command line");
    CNX_TRY(set_defaults(&p, err));
    while (p.next < argc && !*help) {
        const char *text = argv[p.next++];
        if (!flags_ended && strcmp(text, "--") == 0)
            flags_ended = true;
        else if (flags_ended || text[0] != '-' || !text[1])
            operands->items[operands->count++] = text;
        else
            CNX_TRY(take_argument(&p, text, help, err));
    }
    return CNX_OK;
}

bool cnx_command_begin(const cnx_command *command, int argc, char **argv, void *values,
                       cnx_operands *operands, int *code)
{
    cnx_error error = {0};
    bool help;
    if (cnx_options_parse(command, argc, argv, values, operands, &help, &error) != CNX_OK) {
        *code = cnx_command_misused(command, &error);
        return false;
    }
    if (help) {
        cnx_command_help(command);
        *code = cnx_console_finish(CNX_EXIT_DONE);
        return false;
    }
    return true;
}

int cnx_command_misused(const cnx_command *command, const cnx_error *error)
{
    cnx_console_error("%s\n(\"cnx %s --help\" shows all flags)", error->message, command->name);
    return cnx_console_exit_code(error);
}
