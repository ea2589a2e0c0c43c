/* SPDX-License-Identifier: MIT */
/* options.h - the command lines of subcommands, read from a table. */
#ifndef GODWIT_CLI_OPTIONS_H
#define GODWIT_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

enum gw_option_type {
  GW_OPTION_FLAG,    /**< bool: no value */
  GW_OPTION_TEXT,    /**< const char * */
  GW_OPTION_TEXTS,   /**< gw_texts: may be given several times */
  GW_OPTION_NUMBER,  /**< uint32_t, from 1 */
  GW_OPTION_DURATION /**< uint32_t, milliseconds: 500ms, 10s */
};

#define GW_TEXTS_MAX 64u

typedef struct gw_texts {
  uint32_t num;
  const char *text[GW_TEXTS_MAX];
} gw_texts;

typedef struct gw_option {
  const char *name; /**< with its dashes */
  enum gw_option_type type;
  void *to;
  const char *value; /**< what help calls the value; NULL for a flag */
  const char *help;  /**< the rest of a line */
} gw_option;

/** What a subcommand takes. */
typedef struct gw_usage {
  const char *name;            /**< "godwit publish" */
  const char *arguments;       /**< "CHANNEL [DATA]" */
  const char *about;           /**< sentences for help, with line ends */
  const gw_option *options;    /**< the last has no name */
  const gw_option *connection; /**< the same; NULL: none */
  const char *examples;        /**< lines to type, with line ends */
} gw_usage;

enum gw_parsed { GW_PARSED_GOOD, GW_PARSED_HELP, GW_PARSED_BAD };

/**
 * Read argv[1] and on: NAME VALUE or NAME=VALUE in any order, "--" ends them.
 *   argv     what is no option is moved to its front, and argc set to its number
 *   returns  HELP: --help was there and is answered; BAD: a mistake, told on
 *            standard error
 */
enum gw_parsed gw_options_parse(const gw_usage *u, int *argc, char **argv);

/** Tell a mistake about a command line, and how to get help. Returns the exit
 * code for it. */
int gw_usage_error(const gw_usage *u, const char *format, ...);

#endif
