/* SPDX-License-Identifier: MIT */
/* config.c - `godwit config`: print the defaults or the schema, check a file. */
#include "server/config/config.h"

#include <stdio.h>
#include <string.h>

#include "server/cli/cmd.h"
#include "server/cli/options.h"
#include "server/net/config_files.h"

static const char about[] =
    "  default        a commented godwit.yaml with every key and its default\n"
    "  schema         the JSON Schema of godwit.yaml, for editors\n"
    "  check [FILE]   tell what is wrong with a file (- is the standard input);\n"
    "                 without FILE, with what `godwit serve` would read here:\n"
    "                 godwit.yaml and the environment. The certificate, keys,\n"
    "                 passwords, schemas, folders, plugins and the access log that\n"
    "                 it names are looked at as well, from the current folder and\n"
    "                 by the rights of who asks. Nothing is written, no port opened\n"
    "\n"
    "Exits with 0, or 2 when the configuration or the command line is wrong.\n";

static const char examples[] =
    "  godwit config default > godwit.yaml\n"
    "  godwit config check godwit.yaml\n"
    "  sudo -u godwit godwit config check /etc/godwit/godwit.yaml\n";

static int load(gw_config *c, const char *path, bool is_bare) {
  if (is_bare) return gw_config_load_bare(c, path, stderr);
  return path != NULL ? gw_config_load_file(c, path, stderr)
                      : gw_config_load(c, 0, NULL, stderr);
}

static int check(const char *path, bool is_bare) {
  gw_config c;
  int err = load(&c, path, is_bare);
  if (err == 0 && !is_bare) err = gw_config_files_check(&c, stderr);
  gw_config_deinit(&c);
  if (err == GW_ERR_INVALID) return GW_CONFIG_EXIT;
  if (err != 0) {
    fprintf(stderr, "godwit config: %s\n", gw_err_text(err));
    return GW_EXIT_FAILED;
  }
  printf("%s: good\n", path == NULL             ? "the configuration"
                       : strcmp(path, "-") == 0 ? "standard input"
                                                : path);
  return GW_EXIT_OK;
}

int gw_cmd_config(int argc, char **argv) {
  bool is_bare = false;
  const gw_option options[] = {
      {"--no-files", GW_OPTION_FLAG, &is_bare, NULL,
       "check: leave alone what it names, which is on another machine"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL}};
  const gw_usage usage = {
      "godwit config", "default|schema|check [FILE]", about, options, NULL,
      examples};
  enum gw_parsed parsed = gw_options_parse(&usage, &argc, argv);
  if (parsed != GW_PARSED_GOOD) {
    return parsed == GW_PARSED_HELP ? GW_EXIT_OK : GW_EXIT_USAGE;
  }
  const char *what = argc > 0 ? argv[0] : "";
  if (strcmp(what, "check") == 0 && argc <= 2)
    return check(argc > 1 ? argv[1] : NULL, is_bare);
  if (strcmp(what, "default") == 0 && argc == 1) {
    gw_config_print_default(stdout);
    return GW_EXIT_OK;
  }
  if (strcmp(what, "schema") == 0 && argc == 1) {
    gw_config_print_schema(stdout);
    return GW_EXIT_OK;
  }
  return gw_usage_error(&usage, "what shall be done?");
}
