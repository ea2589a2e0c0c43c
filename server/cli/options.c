/* SPDX-License-Identifier: MIT */
/* options.c - command lines by table. */
#include "server/cli/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/cli/cmd.h"
#include "server/config/keys.h"

#define DAY_MS (24u * 60u * 60u * 1000u)

/** A name that is so many letters away, or more, was not meant. */
#define GUESS_AWAY 4u

int gw_usage_error(const gw_usage *u, const char *format, ...) {
  va_list args;
  fprintf(stderr, "%s: ", u->name);
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fprintf(stderr, "\nusage: %s %s; %s --help tells more\n", u->name,
          u->arguments, u->name);
  return GW_EXIT_USAGE;
}

static void print_options(const gw_option *o) {
  for (; o != NULL && o->name != NULL; o++) {
    char left[64];
    (void)snprintf(left, sizeof left, "%s%s%s", o->name,
                   o->value != NULL ? " " : "",
                   o->value != NULL ? o->value : "");
    printf("  %-22s %s\n", left, o->help);
  }
}

static void print_help(const gw_usage *u) {
  printf("usage: %s %s\n\n%s\n", u->name, u->arguments, u->about);
  print_options(u->options);
  if (u->connection != NULL) puts("");
  print_options(u->connection);
  printf("\nexamples:\n%s", u->examples);
}

static const gw_option *find_in(const gw_option *o, const char *name,
                                size_t len) {
  for (; o != NULL && o->name != NULL; o++) {
    if (strlen(o->name) == len && memcmp(o->name, name, len) == 0) return o;
  }
  return NULL;
}

static const gw_option *find(const gw_usage *u, const char *name, size_t len) {
  const gw_option *o = find_in(u->options, name, len);
  return o != NULL ? o : find_in(u->connection, name, len);
}

static void consider(gw__nearest *best, const gw_option *o,
                     const char *wanted) {
  for (; o != NULL && o->name != NULL; o++)
    gw__nearest_try(best, o->name, wanted);
}

static int tell_unknown(const gw_usage *u, const char *text, size_t len) {
  char wanted[64];
  gw__nearest best = {NULL, GUESS_AWAY};
  (void)snprintf(wanted, sizeof wanted, "%.*s", (int)len, text);
  consider(&best, u->options, wanted);
  consider(&best, u->connection, wanted);
  return gw_usage_error(u, "there is no option %s%s%s", wanted,
                        best.name != NULL ? "; the nearest is " : "",
                        best.name != NULL ? best.name : "");
}

/** Numbers and times are written as in the configuration. */
static bool set_number(const gw_usage *u, const gw_option *o,
                       const char *value) {
  bool is_time = o->type == GW_OPTION_DURATION;
  const gw__key key = {.path = o->name,
                       .type = is_time ? GW__KEY_DURATION : GW__KEY_NUMBER,
                       .min = 1,
                       .max = is_time ? DAY_MS : UINT32_MAX};
  char why[GW__WHY_MAX];
  if (gw__value_set(&key, o->to, value, why) == 0) return true;
  (void)gw_usage_error(u, "%s: %s", o->name, why);
  return false;
}

static bool add_text(const gw_usage *u, const gw_option *o, const char *value) {
  gw_texts *texts = o->to;
  if (texts->num == GW_TEXTS_MAX) {
    (void)gw_usage_error(u, "%s was given too often", o->name);
    return false;
  }
  texts->text[texts->num++] = value;
  return true;
}

static bool set(const gw_usage *u, const gw_option *o, const char *value) {
  if (o->type == GW_OPTION_TEXT) {
    *(const char **)o->to = value;
    return true;
  }
  if (o->type == GW_OPTION_TEXTS) return add_text(u, o, value);
  return set_number(u, o, value);
}

/** Read the option at argv[0]; returns how many arguments it took, 0: a mistake. */
static int read_option(const gw_usage *u, char **argv, int left) {
  const char *text = argv[0];
  size_t len = strcspn(text, "=");
  const char *value = text[len] == '=' ? text + len + 1 : NULL;
  const gw_option *o = find(u, text, len);
  if (o == NULL) {
    (void)tell_unknown(u, text, len);
    return 0;
  }
  if (o->type == GW_OPTION_FLAG) {
    *(bool *)o->to = true;
    if (value == NULL) return 1;
    (void)gw_usage_error(u, "%s takes no value", o->name);
    return 0;
  }
  if (value == NULL && left < 2) {
    (void)gw_usage_error(u, "%s needs a value", o->name);
    return 0;
  }
  if (!set(u, o, value != NULL ? value : argv[1])) return 0;
  return value != NULL ? 1 : 2;
}

enum gw_parsed gw_options_parse(const gw_usage *u, int *argc, char **argv) {
  int num = 0;
  int i = 1;
  for (; i < *argc && strcmp(argv[i], "--") != 0;) {
    if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
      print_help(u);
      return GW_PARSED_HELP;
    }
    /* A single dash is an argument: the standard input. */
    if (argv[i][0] != '-' || argv[i][1] == '\0') {
      argv[num++] = argv[i++];
      continue;
    }
    int used = read_option(u, argv + i, *argc - i);
    if (used == 0) return GW_PARSED_BAD;
    i += used;
  }
  for (i++; i < *argc; i++)
    argv[num++] = argv[i];
  *argc = num;
  return GW_PARSED_GOOD;
}
