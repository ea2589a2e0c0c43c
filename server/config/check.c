/* SPDX-License-Identifier: MIT */
/* check.c - what no key of the configuration can say alone. */
#include <string.h>

#include "server/admin/users.h"
#include "server/auth/api_keys.h"
#include "server/auth/key.h"
#include "server/auth/origin.h"
#include "server/auth/token.h"
#include "server/config/load.h"
#include "server/core/scope.h"

/** Whether some namespace gathers more than a connection's queue takes. */
static bool has_large_batches(const gw_settings *s) {
  for (size_t i = 0; i < s->num_namespaces; i++) {
    const gw_namespace *n = &s->namespaces[i];
    if (n->batch_delay_ms != 0 && n->batch_bytes > s->limits.max_queue_bytes)
      return true;
  }
  return false;
}

/** Whether some namespace has maps that hold nothing. */
static bool has_empty_maps(const gw_settings *s) {
  for (size_t i = 0; i < s->num_namespaces; i++) {
    const gw_namespace *n = &s->namespaces[i];
    if (n->history_mode == GW_HISTORY_MAP && n->history_size == 0) return true;
  }
  return false;
}

static void check_limits(gw__load *l) {
  const gw_limits *limits = &l->config->settings.limits;
  if (limits->max_message_bytes < limits->max_frame_bytes) {
    gw__load_fail(
        l, "limits.max_message_bytes",
        "must not be below limits.max_frame_bytes, as a message holds "
        "whole frames");
  }
  if (limits->max_queue_bytes < limits->max_frame_bytes) {
    gw__load_fail(
        l, "limits.max_queue_bytes",
        "must not be below limits.max_frame_bytes, or one publication "
        "cuts its readers");
  }
  if (has_large_batches(&l->config->settings)) {
    gw__load_fail(l, "batch.bytes",
                  "must not be above limits.max_queue_bytes, or one batch "
                  "cuts its readers");
  }
  if (has_empty_maps(&l->config->settings)) {
    gw__load_fail(l, "history.size", "must not be 0 where history.mode is map");
  }
}

static void check_tls(gw__load *l) {
  const gw_config *c = l->config;
  bool is_key = *c->tls_key == '\0';
  if ((*c->tls_cert == '\0') == is_key) return;
  gw__load_fail(l, is_key ? "tls.key" : "tls.cert",
                "is missing, as %s is given: TLS needs both",
                is_key ? "tls.cert" : "tls.key");
}

/* ---- namespaces -------------------------------------------------------------
 */

/** Whether a namespace knows a state. */
static bool has_state(const gw_namespace *ns, const char *state) {
  return ns->presence_states.len == 0 ||
         gw_words_has(&ns->presence_states, gw_view_of(state));
}

static void check_presence(gw__load *l, const gw_namespace *ns) {
  char where[128] = "", state[GW_MAX_STATE_BYTES + 1] = "";
  if (*ns->name != '\0')
    (void)snprintf(where, sizeof where, "namespace %s: ", ns->name);
  if (ns->presence_large != GW_PRESENCE_MODE_COUNTS &&
      ns->presence_large != GW_PRESENCE_MODE_SAMPLED) {
    gw__load_fail(l, "presence.large", "%smust be counts or sampled", where);
  }
  for (uint32_t i = 0; i < ns->presence_transitions.num; i++) {
    const gw_transition *t = &ns->presence_transitions.items[i];
    if (!has_state(ns, t->from)) strcpy(state, t->from);
    if (!has_state(ns, t->to) && strcmp(t->to, GW_STATE_OFFLINE) != 0)
      strcpy(state, t->to);
  }
  if (*state != '\0') {
    gw__load_fail(l, "presence.transitions",
                  "%s'%s' is none of presence.states", where, state);
  }
}

/* ---- tokens ------------------------------------------------------------------
 */

static bool is_url(const char *url) {
  static const char *const schemes[] = {"http://", "https://"};
  for (size_t i = 0; i < 2; i++) {
    size_t len = strlen(schemes[i]);
    if (strncmp(url, schemes[i], len) != 0) continue;
    /* A password in it would be written to the log. */
    return url[len] != '\0' && strpbrk(url, "@ \t\"\\") == NULL;
  }
  return false;
}

static void check_secret(gw__load *l, const char *secret) {
  size_t len = strlen(secret);
  if (len == 0 || (len >= GW_SECRET_MIN_BYTES && len <= GW_SECRET_MAX_BYTES))
    return;
  gw__load_fail(
      l, "auth.jwt.secret",
      "the secret must have %u to %u bytes; `openssl rand -base64 48` makes one",
      GW_SECRET_MIN_BYTES, GW_SECRET_MAX_BYTES);
}

static void check_tokens(gw__load *l) {
  const gw_auth_settings *a = &l->config->auth;
  char why[GW_AUTH_WHY_MAX];
  gw_token_rules rules;
  if (gw_token_rules_init(&rules, a, why) < 0) {
    const char *rest = strchr(why, ' ');
    gw__load_fail(l, "auth.jwt.algorithms", "%s", rest + 1);
  }
  check_secret(l, a->secret);
  if (*a->jwks_url != '\0' && !is_url(a->jwks_url)) {
    gw__load_fail(l, "auth.jwt.jwks_url",
                  "must begin with http:// or https://, and hold no user or "
                  "password");
  }
  if (a->jwks_max_age_ms < a->jwks_min_age_ms) {
    gw__load_fail(l, "auth.jwt.jwks_max_age",
                  "must not be below auth.jwt.jwks_min_age");
  }
}

/* RFC 6265, section 4.1.1. */
static bool is_cookie_name(const char *name) {
  static const char bad[] = " \t\r\n\"(),/:;<=>?@[\\]{}";
  return strpbrk(name, bad) == NULL && strlen(name) <= 64;
}

static bool is_for_any(const char *origins) {
  return gw_origins_has(origins, "*") || gw_origins_has(origins, "null");
}

/** A browser sends cookies with the requests of any page: only the origin tells
 * whose page it is. */
static void check_cookie(gw__load *l) {
  const gw_config *c = l->config;
  if (*c->auth.cookie == '\0') return;
  if (!is_cookie_name(c->auth.cookie)) {
    gw__load_fail(l, "auth.cookie", "'%.64s' cannot be the name of a cookie",
                  c->auth.cookie);
  }
  if (!gw_auth_is_configured(&c->auth)) {
    gw__load_fail(l, "auth.cookie",
                  "needs a key under auth.jwt that the token in it is checked "
                  "with");
  }
  bool is_open = is_for_any(c->origins);
  for (size_t i = 0; i < c->num_routes; i++)
    is_open = is_open || is_for_any(c->routes[i].origins);
  if (is_open) {
    gw__load_fail(l, "auth.cookie",
                  "needs a list of origins: with * or null any page could act "
                  "as a user who is logged in");
  }
}

/* ---- rules -------------------------------------------------------------------
 */

/** Nobody could be what these words say, or, worse, anybody. */
static void check_token_rules(gw__load *l, const gw_namespace *ns) {
  uint32_t who = 0;
  for (int i = 0; i < GW_NUM_ACTIONS; i++)
    who |= ns->allow[i].who;
  if ((who & GW_WHO_TOKEN) == 0) return;
  gw__load_fail(l, "allow",
                "%s%s%srules name token, but nothing under auth.jwt can check "
                "one",
                *ns->name != '\0' ? "of namespace " : "", ns->name,
                *ns->name != '\0' ? ": " : "");
}

/** Where a rule leaves it to the application, that has to be reachable. */
static void check_hook_rules(gw__load *l, const gw_namespace *ns) {
  static const struct {
    enum gw_action action;
    enum gw_config_hook hook;
    const char *key;
  } needs[] = {{GW_ACTION_SUBSCRIBE, GW_HOOK_SUBSCRIBE, "allow.subscribe"},
               {GW_ACTION_PUBLISH, GW_HOOK_PUBLISH, "allow.publish"},
               {GW_ACTION_PRESENCE, GW_HOOK_SUBSCRIBE, "allow.presence"},
               {GW_ACTION_HISTORY, GW_HOOK_SUBSCRIBE, "allow.history"},
               {GW_ACTION_CHANNEL, GW_HOOK_SUBSCRIBE, "allow.channel"}};
  for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
    const gw_rule *rule = &ns->allow[needs[i].action];
    if ((rule->who & GW_WHO_HOOK) == 0 ||
        l->config->hooks.of[needs[i].hook].is_used)
      continue;
    gw__load_fail(l, needs[i].key,
                  "says hook, but the hook %s is not used: see hooks.use",
                  gw_config_hook_name(needs[i].hook));
  }
}

/** The namespace of shared state has the rules of the file's top, if it has none
 * of its own: what is wrong with those is told once. */
static bool is_told_before(const gw__load *l, const gw_namespace *ns) {
  const gw_namespace *top = &l->config->base;
  if (strcmp(ns->name, GWS_STATE_SPACE) != 0) return false;
  for (int i = 0; i < GW_NUM_ACTIONS; i++) {
    if (ns->allow[i].who != top->allow[i].who) return false;
  }
  return true;
}

static void check_rules(gw__load *l) {
  const gw_settings *s = &l->config->settings;
  bool has_tokens = gw_auth_is_configured(&l->config->auth);
  for (size_t i = 0; i < s->num_namespaces; i++) {
    check_presence(l, &s->namespaces[i]);
    if (is_told_before(l, &s->namespaces[i])) continue;
    if (!has_tokens) check_token_rules(l, &s->namespaces[i]);
    check_hook_rules(l, &s->namespaces[i]);
  }
}

/* ---- lists -------------------------------------------------------------------
 */

static void check_origins(gw__load *l, const char *key, const char *list) {
  gw_view bad;
  if (gw_origins_check(list, &bad) == 0) return;
  gw__load_fail(
      l, key,
      "'%.*s' must be like https://app.example.org, "
      "https://*.example.org, *.example.org, same, localhost, null or "
      "*",
      (int)(bad.len < 100 ? bad.len : 100), (const char *)bad.data);
}

/* Not a word of what is there: it may be a key. */
static void check_api_keys(gw__load *l) {
  gw_api_keys keys;
  size_t bad = 0;
  int err = gw_api_keys_init(&keys, l->config->api_keys, &bad);
  gw_api_keys_deinit(&keys);
  if (err == GW_ERR_INVALID) {
    gw__load_fail(l, "api.keys",
                  "key %zu must have %u to %u characters, or be sha256: and 64 "
                  "hexadecimal digits",
                  bad, GW_API_KEY_MIN, GW_API_KEY_MAX);
  } else if (err == GW_ERR_FULL) {
    gw__load_fail(l, "api.keys", "there may be %u keys at most",
                  GW_API_KEYS_MAX);
  } else if (err < 0) {
    l->is_out_of_memory = true;
  }
}

/* ---- administrators ---------------------------------------------------------
 */

/* What is in files is looked at when the server starts. A hash that is not there
 * is stood in for. */
static void check_admin_user(gw__load *l, gw_admin_users *users,
                             const gw_config_admin_user *u) {
  static const char other[] = "scrypt$15$8$3$AAAAAAAAAAAAAAAAAAAAAA$"
                              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  char why[GW_ADMIN_WHY_MAX];
  bool has_text = *u->password != '\0', has_file = *u->password_file != '\0';
  if (has_text == has_file) {
    gw__load_fail(l, "admin.users", "'%.64s' needs %s", u->name,
                  has_text ? "password or password_file, not both"
                           : "a password: godwit hash-password makes one");
    return;
  }
  int err =
      gw_admin_users_add(users, u->name, has_text ? u->password : other, why);
  if (err == GW_ERR_NOMEM) l->is_out_of_memory = true;
  if (err == GW_ERR_INVALID) gw__load_fail(l, "admin.users", "%s", why);
}

static void check_admin(gw__load *l) {
  const gw_config_admin *a = &l->config->admin;
  gw_admin_users users = {.num = 0};
  for (size_t i = 0; i < a->num_users; i++)
    check_admin_user(l, &users, &a->users[i]);
  gw_admin_users_deinit(&users);
  check_origins(l, "admin.origins", a->origins);
  if (is_for_any(a->origins))
    gw__load_fail(l, "admin.origins",
                  "must not be * or null: any page could act as an "
                  "administrator who is logged in");
}

void gw__config_check(gw__load *l) {
  const gw_config *c = l->config;
  check_limits(l);
  check_tls(l);
  check_origins(l, "origins", c->origins);
  check_origins(l, "api.origins", c->api_origins);
  check_api_keys(l);
  check_admin(l);
  check_tokens(l);
  check_cookie(l);
  check_rules(l);
  gw__config_check_edge(l);
  if (c->drain_timeout_ms < c->drain_window_ms) {
    gw__load_fail(l, "drain.timeout", "must not be below drain.window");
  }
  if (*c->data != '\0') {
    gw__load_fail(l, "data",
                  "this version has no durable store yet and keeps everything "
                  "in memory; leave the key out");
  }
}
