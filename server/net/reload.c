/* SPDX-License-Identifier: MIT */
/* reload.c - reads certificate and key, at the start and when told to. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "server/net/server.h"

/** Less than this, in days, and the log warns: renewal has failed, most often. */
#define SOON_DAYS 14

static int days_left(const gw_credentials *c) {
  return (int)((c->expires_s - (int64_t)time(NULL)) / 86400);
}

static void log_loaded(const gw_server *s, const char *event) {
  gw_fields f;
  int days = days_left(s->credentials);
  gw_fields_init(&f);
  gw_fields_text(&f, "cert", s->config.tls_cert);
  gw_fields_number(&f, "days_left", days > 0 ? (uint64_t)days : 0);
  gw_log_write(s->log, days < SOON_DAYS ? GW_LOG_WARN : GW_LOG_INFO, event,
               f.text);
}

static void log_failure(gw_server *s, const char *why) {
  gw_fields f;
  s->reload_failures++;
  gw_fields_init(&f);
  gw_fields_text(&f, "why", why);
  gw_log_write(s->log, GW_LOG_ERROR, "tls.reload_failed", f.text);
}

static gw_credentials *load(const gw_server *s, char *why) {
  return gw_credentials_load(s->config.tls_cert, s->config.tls_key,
                             (int64_t)time(NULL), why);
}

int gw__server_load_credentials(gw_server *s) {
  char why[GW_CREDENTIALS_WHY_MAX];
  if (s->config.tls_cert[0] == '\0') return 0;
  s->credentials = load(s, why);
  if (!s->credentials) {
    fprintf(s->errors, "godwit: %s\n", why);
    return GW_ERR_INVALID;
  }
  log_loaded(s, "tls.loaded");
  return 0;
}

void gw__server_reload(gw_server *s) {
  char why[GW_CREDENTIALS_WHY_MAX];
  gw__server_reopen_logs(s);
  if (!s->credentials) {
    gw_log_write(s->log, GW_LOG_INFO, "server.reload",
                 "why=\"there is no TLS, and nothing else is read again\"");
    return;
  }
  gw_credentials *c = load(s, why);
  if (!c) {
    log_failure(s, why);
    return;
  }
  for (uint32_t i = 0; i < s->num_workers; i++)
    if (gw_worker_use_credentials(s->workers[i], c) < 0)
      log_failure(s, "out of memory: a worker keeps the old certificate");
  gw_credentials_unref(s->credentials);
  s->credentials = c;
  s->reloads++;
  log_loaded(s, "tls.reloaded");
}
