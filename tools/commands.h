/* The subcommands, one file each. */
#ifndef CNX_TOOLS_COMMANDS_H
#define CNX_TOOLS_COMMANDS_H

#include "tools/options.h"

extern const cnx_command cnx_command_segment;
extern const cnx_command cnx_command_detect;
extern const cnx_command cnx_command_classify;
extern const cnx_command cnx_command_eval;
extern const cnx_command cnx_command_info;
extern const cnx_command cnx_command_convert;
extern const cnx_command cnx_command_score;
extern const cnx_command cnx_command_compare;
extern const cnx_command cnx_command_check;
extern const cnx_command cnx_command_list;
extern const cnx_command cnx_command_flops;
extern const cnx_command cnx_command_bench;

#endif
