/* SPDX-License-Identifier: MIT */
/* serve.c - `godwit serve`: the server of this repository, run until a signal.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "godwit/server.h"
#include "server/cli/cmd.h"
#include "server/net/server.h"

/* Free memory at the end of a heap that is not given back. */
#define KEPT_BYTES (1024 * 1024)

typedef struct flags {
  const char *demo;
  const char *port_file;
  int argc; /* what is left is the configuration's */
  char **argv;
} flags;

static void print_help(void) {
  puts(
      "usage: godwit serve [--dev] [--config FILE] [--KEY VALUE ...]\n"
      "\n"
      "Serves until SIGTERM or SIGINT, then drains; a second signal ends it at\n"
      "once. SIGHUP reads the certificate and its key again.\n"
      "\n"
      "  --demo DIR        folder of the pages that --dev serves\n"
      "  --port-file FILE  write {\"pid\":..,\"public\":..,\"internal\":..} there\n"
      "                    when the ports are open\n");
  gw_config_print_flags(stdout);
  puts("\nEach of these is also a variable of the environment, such as\n"
       "GODWIT_LISTEN_PUBLIC; `godwit config default` prints them as a file.\n"
       "\n"
       "examples:\n"
       "  godwit serve --dev\n"
       "  godwit serve --config godwit.yaml\n"
       "  godwit serve --tls.cert fullchain.pem --tls.key privkey.pem");
  puts("\nexit codes: 0 after a drain, 2 wrong command line or configuration,\n"
       "3 cannot listen, 4 cannot start for another reason");
}

/* Takes `--NAME VALUE` or `--NAME=VALUE` at argv[i]. Returns how many arguments
 * were used; -1 without a value. */
static int take(const char *name, int argc, char **argv, int i,
                const char **value) {
  size_t len = strlen(name);
  if (strncmp(argv[i], name, len) != 0) return 0;
  if (argv[i][len] == '=') {
    *value = argv[i] + len + 1;
    return 1;
  }
  if (argv[i][len] != '\0') return 0;
  if (i + 1 >= argc) {
    fprintf(stderr, "godwit serve: %s needs a value\n", name);
    return -1;
  }
  *value = argv[i + 1];
  return 2;
}

/* Moves our own flags out; the rest stays in its order. */
static int parse(flags *f, int argc, char **argv) {
  *f = (flags){.argv = argv + 1};
  for (int i = 1; i < argc;) {
    int used = take("--demo", argc, argv, i, &f->demo);
    if (used == 0) used = take("--port-file", argc, argv, i, &f->port_file);
    if (used < 0) return -1;
    if (used == 0) f->argv[f->argc++] = argv[i];
    i += used ? used : 1;
  }
  return 0;
}

/* ---- telling that it is there ------------------------------------------- */

/* Writes one address; false when it is not one that a URL can name. */
static bool put_url(FILE *to, const char *scheme, const char *address,
                    uint16_t port) {
  char host[GW_CONFIG_HOST_MAX];
  uint16_t configured;
  if (gw_config_unix_path(address) != NULL) {
    fputs(address, to);
    return false;
  }
  if (gw_config_address(address, host, &configured) < 0) return false;
  bool is_v6 = strchr(host, ':') != NULL;
  fprintf(to, "%s://%s%s%s:%u", scheme, is_v6 ? "[" : "",
          strcmp(host, "*") == 0 ? "localhost" : host, is_v6 ? "]" : "", port);
  return true;
}

/* The first address of a list as a URL of this path, the others as they are
 * configured. */
static void put_addresses(FILE *to, const char *scheme, const char *list,
                          uint16_t port, const char *path) {
  char word[GW_CONFIG_WORD_MAX];
  if (!gw_config_next_word(&list, word)) return;
  if (put_url(to, scheme, word, port)) fputs(path, to);
  while (gw_config_next_word(&list, word))
    fprintf(to, " and %s", word);
}

static void print_start_line(const gw_server *s) {
  const gw_config *c = &s->config;
  bool is_secure = c->tls_cert[0] != '\0';
  printf("Godwit " GW_VERSION " serves ");
  put_addresses(stdout, is_secure ? "wss" : "ws", c->listen_public,
                gw_server_port(s), "/v1/ws");
  if (c->dev) {
    char word[GW_CONFIG_WORD_MAX];
    const char *list = c->listen_public;
    printf(", the demo on ");
    if (gw_config_next_word(&list, word))
      put_url(stdout, is_secure ? "https" : "http", word, gw_server_port(s));
  }
  if (c->listen_internal[0]) {
    printf(", metrics on ");
    put_addresses(stdout, "http", c->listen_internal,
                  gw_server_internal_port(s), "/metrics");
  }
  printf("; %u worker%s; memory only\n", s->num_workers,
         s->num_workers == 1 ? "" : "s");
  fflush(stdout);
}

static void log_start(const gw_server *s) {
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_text(&f, "version", GW_VERSION);
  gw_fields_text(&f, "node", s->config.settings.node);
  gw_fields_number(&f, "public", gw_server_port(s));
  gw_fields_number(&f, "internal", gw_server_internal_port(s));
  gw_fields_number(&f, "workers", s->num_workers);
  gw_log_write(s->log, GW_LOG_INFO, "server.started", f.text);
  if (!s->config.data[0]) {
    gw_log_write(s->log, GW_LOG_INFO, "store.memory_only",
                 "why=\"no --data was given: nothing survives a restart\"");
    return;
  }
  gw_fields_init(&f);
  gw_fields_text(&f, "data", s->config.data);
  gw_fields_text(&f, "why",
                 "this version has no store on disk yet: nothing "
                 "survives a restart");
  gw_log_write(s->log, GW_LOG_WARN, "store.memory_only", f.text);
}

/* Written beside and renamed, so that a reader never sees half of it. */
static int write_port_file(const gw_server *s, const char *path) {
  char beside[4096];
  int n = snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
  FILE *f = n > 0 && (size_t)n < sizeof beside ? fopen(beside, "we") : NULL;
  if (!f) {
    perror(path);
    return -1;
  }
  fprintf(f, "{\"pid\":%ld,\"public\":%u,\"internal\":%u}\n", (long)getpid(),
          gw_server_port(s), gw_server_internal_port(s));
  if (fclose(f) == 0 && rename(beside, path) == 0) return 0;
  perror(path);
  (void)unlink(beside); /* of which a full disk took a part */
  return -1;
}

/* ---- running ------------------------------------------------------------ */

static int run(gw_server *s, const flags *f) {
  int err = gw__server_finish_edge(s);
  if (err < 0) return err == GW_ERR_INVALID ? GW_EXIT_USAGE : GW_EXIT_START;
  if (gw_server_listen(s) < 0) return GW_EXIT_LISTEN;
  if (f->port_file && write_port_file(s, f->port_file) < 0)
    return GW_EXIT_START;
  log_start(s);
  print_start_line(s);
  if (gw_server_run(s) < 0) {
    fputs("godwit: no thread can be started\n", stderr);
    return GW_EXIT_START;
  }
  gw_log_write(s->log, GW_LOG_INFO, "server.stopped", NULL);
  return GW_EXIT_OK;
}

/* Each handshake holds some 10 kB for a moment: by default the C library gives that
 * back to the system each time, and fetches it again. */
static void keep_some_memory(void) {
  (void)mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
  (void)mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
}

int gw_cmd_serve(int argc, char **argv) {
  flags f;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--help") != 0 && strcmp(argv[i], "-h") != 0) continue;
    print_help();
    return GW_EXIT_OK;
  }
  if (parse(&f, argc, argv) < 0) return GW_EXIT_USAGE;
  keep_some_memory();
  gw_server *s;
  int err = gw_server_new(&s, &(gw_server_options){.argc = f.argc,
                                                   .argv = f.argv,
                                                   .demo = f.demo,
                                                   .takes_signals = true});
  if (err == GW_ERR_INVALID || err == GW_ERR_NOT_FOUND) return GW_EXIT_USAGE;
  if (err < 0) {
    fprintf(stderr, "godwit: cannot start: %s\n", gw_err_text(err));
    return GW_EXIT_START;
  }
  int code = run(s, &f);
  gw_server_free(s);
  return code;
}
