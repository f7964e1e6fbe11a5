/* cnx: finds the subcommand and hands over to it. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/console.h"
#include "tools/words.h"

static const cnx_command *const commands[] = {
    &cnx_command_segment, &cnx_command_detect,  &cnx_command_classify, &cnx_command_eval,
    &cnx_command_info,    &cnx_command_convert, &cnx_command_score,    &cnx_command_compare,
    &cnx_command_check,   &cnx_command_list,    &cnx_command_flops,    &cnx_command_bench,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const cnx_command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static int unknown_command(const char *name)
{
    const char *names[COMMANDS + 1] = {"help"};
    for (size_t i = 0; i < COMMANDS; i++)
        names[i + 1] = commands[i]->name;
    const bool flag = name[0] == '-';
    const char *nearest = cnx_words_nearest(name, names, COMMANDS + 1);
    if (flag)
        cnx_console_error("unknown flag %s: a subcommand comes first (cnx --help)", name);
    else if (nearest)
        cnx_console_error("unknown subcommand \"%s\"; did you mean \"%s\"?", name, nearest);
    else
        cnx_console_error("unknown subcommand \"%s\" (cnx --help lists them)", name);
    return CNX_EXIT_USAGE;
}

static void print_help(FILE *to)
{
    fprintf(to,
            "cnx %s: dense prediction with ConvNeXt\n\n"
            "Usage: cnx SUBCOMMAND [FLAGS] ...\n\nSubcommands:\n",
            CNX_VERSION);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-10s%s\n", commands[i]->name, commands[i]->summary);
    fprintf(to, "\n\"cnx help SUBCOMMAND\" or \"cnx SUBCOMMAND --help\" shows its flags.\n"
                "\"cnx --version\" shows the version.\n");
}

static int help(int argc, char **argv)
{
    if (argc == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "help") == 0) {
        print_help(stdout);
        return cnx_console_finish(CNX_EXIT_DONE);
    }
    const cnx_command *command = find_command(argv[0]);
    if (!command)
        return unknown_command(argv[0]);
    cnx_command_help(command);
    return cnx_console_finish(CNX_EXIT_DONE);
}

int main(int argc, char **argv)
{
    /* A reader that goes away shows as a failed write, so that files are cleaned up. */
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_help(stderr);
        return CNX_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0)
        return help(argc - 2, argv + 2);
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
        return help(0, NULL);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("cnx %s\n", CNX_VERSION);
        return cnx_console_finish(CNX_EXIT_DONE);
    }
    const cnx_command *command = find_command(name);
    return command ? command->run(argc - 2, argv + 2) : unknown_command(name);
}
