/* SPDX-License-Identifier: MIT */
/* hash_password.c - `godwit hash-password`: the line for an administrator. */
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/admin/password.h"
#include "server/cli/cmd.h"
#include "server/cli/options.h"

static const char about[] =
    "Asks for a password twice, without showing it, or reads one line from\n"
    "standard input where that is no terminal. Prints the hash that admin.users\n"
    "takes as password, or from password_file. A password has 12 to 256 bytes; it\n"
    "is not taken from the command line, which others can see.\n"
    "Exits with 0, 1 when there is no such password, 2 for a wrong command line.\n";

static int fail(const char *why) {
  fprintf(stderr, "godwit hash-password: %s\n", why);
  return GW_EXIT_FAILED;
}

/** One more than is looked at, to tell what is too long; and the line's end. */
#define TYPED_MAX (GW_PASSWORD_MAX + 3)

static bool read_terminal(char text[TYPED_MAX]) {
  return EVP_read_pw_string_min(text, 0, (int)GW_PASSWORD_MAX + 1,
                                "Password: ", 1) == 0;
}

static bool read_line(char text[TYPED_MAX]) {
  if (!fgets(text, TYPED_MAX, stdin)) return false;
  text[strcspn(text, "\r\n")] = '\0';
  return true;
}

static int print_hash(uint32_t cost, const char *text) {
  uint8_t salt[GW_PASSWORD_SALT_BYTES];
  char line[GW_PASSWORD_TEXT_MAX];
  gw_password p;
  randombytes_buf(salt, sizeof salt);
  if (gw_password_make(&p, cost, salt, gw_view_of(text)) < 0)
    return fail("there is no memory for it");
  gw_password_write(&p, line);
  return puts(line) < 0 ? GW_EXIT_FAILED : GW_EXIT_OK;
}

static int ask(uint32_t cost) {
  char text[TYPED_MAX] = "";
  bool is_read = isatty(STDIN_FILENO) ? read_terminal(text) : read_line(text);
  size_t len = strlen(text);
  int code = GW_EXIT_FAILED;
  if (!is_read)
    code = fail("no password was read, or not the same twice");
  else if (len < GW_PASSWORD_MIN || len > GW_PASSWORD_MAX)
    code = fail("a password must have 12 to 256 bytes");
  else
    code = print_hash(cost, text);
  sodium_memzero(text, sizeof text);
  return code;
}

static const char examples[] =
    "  godwit hash-password > /etc/godwit/ada.password\n";

int gw_cmd_hash_password(int argc, char **argv) {
  uint32_t cost = GW_PASSWORD_COST;
  const gw_option options[] = {
      {"--cost", GW_OPTION_NUMBER, &cost, "N",
       "14 to 18, 15 by default; one more takes twice the time and memory"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  const gw_usage usage = {
      "godwit hash-password", "[--cost N]", about, options, NULL, examples};
  enum gw_parsed parsed = gw_options_parse(&usage, &argc, argv);
  if (parsed == GW_PARSED_HELP) return GW_EXIT_OK;
  if (parsed == GW_PARSED_BAD) return GW_EXIT_USAGE;
  if (argc > 0)
    return gw_usage_error(&usage, "a password is typed, or comes by standard "
                                  "input");
  if (cost < GW_PASSWORD_COST_MIN || cost > GW_PASSWORD_COST_MAX)
    return gw_usage_error(&usage, "--cost must be from %u to %u",
                          GW_PASSWORD_COST_MIN, GW_PASSWORD_COST_MAX);
  return sodium_init() < 0 ? fail("no random source") : ask(cost);
}
