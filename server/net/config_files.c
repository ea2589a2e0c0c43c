/* SPDX-License-Identifier: MIT */
/* config_files.c - makes what the start of a server makes of files, and lets go of
 * it again. */
#include "server/net/config_files.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "server/auth/keystore.h"
#include "server/middleware/plugins.h"
#include "server/net/admin_http.h"
#include "server/net/credentials.h"
#include "server/net/edge.h"
#include "server/observe/wall_clock.h"

/** What was found so far. */
typedef struct findings {
  const gw_config *config;
  FILE *errors;
  size_t num;
  bool is_out_of_memory;
} findings;

/* ---- telling ----------------------------------------------------------------- */

/** place: NULL when nobody gave it, as with what is missing. */
static void tell(findings *f, const char *place, const char *sentence) {
  f->num++;
  fprintf(f->errors, "%s%s%s\n", place != NULL ? place : "",
          place != NULL ? ": " : "", sentence);
}

/** A sentence that begins with its key. */
static void tell_of_key(findings *f, const char *sentence) {
  char key[64];
  (void)snprintf(key, sizeof key, "%.*s", (int)strcspn(sentence, ":"),
                 sentence);
  tell(f, gw_config_place_of_key(f->config, key), sentence);
}

/** The result of what tells by a sentence about a text of the configuration, or,
 * when field is NULL, by one that begins with its key. Returns whether it is good. */
static bool take(findings *f, int err, const void *field,
                 const char *sentence) {
  if (err >= 0) return true;
  if (err == GW_ERR_NOMEM)
    f->is_out_of_memory = true;
  else if (field != NULL)
    tell(f, gw_config_place(f->config, field), sentence);
  else
    tell_of_key(f, sentence);
  return false;
}

/* ---- one after the other ------------------------------------------------------ */

static void check_credentials(findings *f) {
  const gw_config *c = f->config;
  char why[GW_CREDENTIALS_WHY_MAX];
  if (*c->tls_cert == '\0') return;
  gw_credentials *credentials = gw_credentials_load(
      c->tls_cert, c->tls_key, (int64_t)(gw_wall_ms() / 1000), why);
  if (credentials == NULL) tell_of_key(f, why);
  gw_credentials_unref(credentials);
}

static void check_admin(findings *f) {
  const gw_config_admin *a = &f->config->admin;
  gw_admin_users users = {.num = 0};
  char why[GW_ADMIN_HTTP_WHY_MAX];
  if (a->num_users != 0 && sodium_init() < 0) f->is_out_of_memory = true;
  for (size_t i = 0; i < a->num_users && !f->is_out_of_memory; i++) {
    const gw_config_admin_user *u = &a->users[i];
    int err = gw_admin_http_add_user(&users, u, why);
    (void)take(f, err, &u->password_file, why);
  }
  gw_admin_users_deinit(&users);
}

static void check_mounts(findings *f) {
  gw_mounts mounts = {.num = 0};
  char why[GW_MOUNTS_WHY_MAX];
  for (size_t i = 0; i < f->config->num_statics; i++) {
    const gw_config_static *s = &f->config->statics[i];
    (void)take(f, gw_mounts_add(&mounts, s, why), &s->folder, why);
  }
  gw_mounts_deinit(&mounts);
}

static void check_plugins(findings *f) {
  char why[GW_PLUGINS_WHY_MAX];
  for (size_t i = 0; i < f->config->num_plugins; i++) {
    const gw_config_plugin *p = &f->config->plugins[i];
    if (!gw_plugins_check(p->path, why))
      tell(f, gw_config_place(f->config, &p->path), why);
  }
}

/** Links that nobody knows may be those of plugins, which have not begun. */
static void check_edge(findings *f, const gw_edge_keys *keys) {
  char why[GW_EDGE_WHY_MAX];
  gw_edge edge;
  int err = gw_edge_init(&edge, f->config, keys, why);
  if (err == 0 && f->config->num_plugins == 0) err = gw_edge_finish(&edge, why);
  (void)take(f, err, NULL, why);
  gw_edge_deinit(&edge);
}

/** Keys of tokens, and the edge, which has a link that wants them. */
static void check_keys_and_edge(findings *f) {
  const gw_auth_settings *auth = &f->config->auth;
  gw_token_rules rules = {0};
  gw_edge_keys keys = {.rules = &rules, .is_trial = true};
  char why[GW_AUTH_WHY_MAX];
  if (gw_auth_is_configured(auth)) {
    if (!take(f, gw_token_rules_init(&rules, auth, why), NULL, why)) return;
    keys.keystore = gw_keystore_new(auth, NULL, why);
    if (keys.keystore == NULL) {
      tell_of_key(f, why);
      return;
    }
  }
  check_edge(f, &keys);
  gw_keystore_free(keys.keystore);
}

int gw_config_files_check(const gw_config *c, FILE *errors) {
  findings f = {.config = c, .errors = errors};
  check_credentials(&f);
  check_admin(&f);
  check_mounts(&f);
  check_plugins(&f);
  check_keys_and_edge(&f);
  if (f.is_out_of_memory) return GW_ERR_NOMEM;
  return f.num == 0 ? 0 : GW_ERR_INVALID;
}
