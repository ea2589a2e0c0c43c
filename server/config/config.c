/* SPDX-License-Identifier: MIT */
/* config.c - loads the configuration: defaults, file, environment, flags. */
#include "server/config/config.h"

#include <ctype.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config/load.h"
#include "server/core/schema.h"
#include "server/edge/forwarded.h"

#define DEFAULT_FILE   "godwit.yaml"
#define ENV_PREFIX     "GODWIT_"
#define ENV_PREFIX_LEN (sizeof ENV_PREFIX - 1)

/** Drained within a few seconds, and given up on before the 10 s after which
 * container runtimes kill. */
#define DRAIN_WINDOW_MS  2000u
#define DRAIN_TIMEOUT_MS 8000u

/** A set of keys changes a few times a year, but a key that was taken out because
 * it leaked must not be good for long. */
#define JWKS_MIN_AGE_MS  (60u * 1000u)
#define JWKS_MAX_AGE_MS  (60u * 60u * 1000u)
#define JWKS_INTERVAL_MS (30u * 1000u)
#define JWKS_TIMEOUT_MS  (5u * 1000u)
/** Clocks that are kept by NTP differ by less. */
#define TOKEN_LEEWAY_MS (5u * 1000u)

/** A frame of the largest default size, and what JSON adds to it. */
#define API_MAX_REQUEST_BYTES  (4u * 1024u * 1024u)
#define API_REQUEST_TIMEOUT_MS 30000u

/** What is of use to most, and no secret. */
#define HTTP_HEADERS \
  "host, origin, user-agent, accept-language, referer, x-request-id, traceparent"
/** Of 8 KiB that a request may have in all. */
#define HTTP_MAX_REQUEST_BYTES 4096u
#define HTTP_MAX_FILE_BYTES    (64u * 1024u * 1024u)

/** A page that somebody left open, and a working day. */
#define ADMIN_IDLE_MS     (30u * 60u * 1000u)
#define ADMIN_LIFETIME_MS (12u * 60u * 60u * 1000u)
#define ADMIN_SESSIONS    32u
/** Who mistypes gets there; who guesses gets 240 guesses a day. */
#define ADMIN_FAILURES 10u
#define ADMIN_BURST    5u

/** A backend that takes longer makes clients wait noticeably. */
#define HOOKS_TIMEOUT_MS 2000u
#define HOOKS_ATTEMPTS   3u
/** What a backend of a few processes answers at once. */
#define HOOKS_CONNECTIONS 32u
/** A reconnect of that many clients at once. */
#define HOOKS_MAX_WAITING 10000u
#define HOOKS_CACHE_MS    (10u * 60u * 1000u)

/* ---- defaults --------------------------------------------------------------
 */

#define TEXT(literal) ((char *)(uintptr_t)(literal))

int gw__namespace_copy(gw_namespace *to, const gw_namespace *from) {
  *to = *from;
  to->name = NULL;
  to->schema = NULL;
  return gw__texts_init(gw__namespace_keys, to);
}

void gw__namespace_deinit(gw_namespace *n) {
  gw__texts_deinit(gw__namespace_keys, n);
  free((char *)(uintptr_t)n->name);
  gw_schema_free((gw_schema *)(uintptr_t)n->schema);
}

int gw__config_set_defaults(gw_config *c) {
  *c = (gw_config){.listen_public = TEXT("localhost:8000"),
                   .listen_internal = TEXT("127.0.0.1:9000"),
                   .unix_mode = TEXT("0660"),
                   .forwarded = GW_FORWARDED_X_FOR,
                   .http_headers = TEXT(HTTP_HEADERS),
                   .http_max_request_bytes = HTTP_MAX_REQUEST_BYTES,
                   .http_max_file_bytes = HTTP_MAX_FILE_BYTES,
                   .access_log_format = GW_CONFIG_LOG_TEXT,
                   .access_log_sample = 1,
                   .tls_min_version = GW_CONFIG_TLS_1_2,
                   .log_level = GW_CONFIG_LOG_INFO,
                   .log_format = GW_CONFIG_LOG_TEXT,
                   .api_max_request_bytes = API_MAX_REQUEST_BYTES,
                   .api_request_timeout_ms = API_REQUEST_TIMEOUT_MS,
                   .admin = {.idle_ms = ADMIN_IDLE_MS,
                             .lifetime_ms = ADMIN_LIFETIME_MS,
                             .max_sessions = ADMIN_SESSIONS,
                             .failures = {.num = ADMIN_FAILURES,
                                          .per_ms = 60u * 60u * 1000u,
                                          .burst = ADMIN_BURST}},
                   .hooks = {.timeout_ms = HOOKS_TIMEOUT_MS,
                             .attempts = HOOKS_ATTEMPTS,
                             .connections = HOOKS_CONNECTIONS,
                             .max_waiting = HOOKS_MAX_WAITING,
                             .cache_ms = HOOKS_CACHE_MS},
                   .drain_window_ms = DRAIN_WINDOW_MS,
                   .drain_timeout_ms = DRAIN_TIMEOUT_MS,
                   .auth = {.user_claim = TEXT("sub"),
                            .info_claim = TEXT("info"),
                            .channels_claim = TEXT("channels"),
                            .channel_claim = TEXT("channel"),
                            .jwks_min_age_ms = JWKS_MIN_AGE_MS,
                            .jwks_max_age_ms = JWKS_MAX_AGE_MS,
                            .jwks_interval_ms = JWKS_INTERVAL_MS,
                            .jwks_timeout_ms = JWKS_TIMEOUT_MS,
                            .leeway_ms = TOKEN_LEEWAY_MS},
                   .settings = gw_settings_default};
  size_t last = gw_settings_default.num_namespaces - 1;
  c->settings.namespaces = NULL;
  c->settings.num_namespaces = 0;
  int err = gw__texts_init(gw__config_keys, c);
  if (gw__namespace_copy(&c->base, &gw_settings_default.namespaces[last]) < 0)
    err = GW_ERR_NOMEM;
  return err;
}

/** The items of a list. */
static char *items_of(const gw_config *c, const gw__list *list, size_t *num) {
  *num = *(const size_t *)(const void *)((const char *)c + list->num_at);
  return *(char *const *)(const void *)((const char *)c + list->items_at);
}

static void free_list(gw_config *c, const gw__list *list) {
  size_t num;
  char *items = items_of(c, list, &num);
  for (size_t i = 0; i < num; i++)
    gw__texts_deinit(list->keys, items + i * list->item_size);
  free(items);
}

void gw_config_deinit(gw_config *c) {
  gw__texts_deinit(gw__config_keys, c);
  for (size_t i = 0; i < GW__NUM_LISTS; i++)
    free_list(c, &gw__lists[i]);
  for (size_t i = 0; i < c->settings.num_namespaces; i++)
    gw__namespace_deinit(&c->namespaces[i]);
  free(c->namespaces);
  free(c->machines);
  gw__namespace_deinit(&c->base);
  gw__places_deinit(c);
  *c = (gw_config){0};
}

/* ---- environment -----------------------------------------------------------
 */

/** GODWIT_LOG_LEVEL for log.level. */
static void env_name(const char *path, char name[GW__PATH_MAX]) {
  size_t len = (size_t)snprintf(name, GW__PATH_MAX, ENV_PREFIX "%s", path);
  for (size_t i = 0; i < len; i++) {
    name[i] = name[i] == '.' ? '_' : (char)toupper((unsigned char)name[i]);
  }
}

/** Find the key of a variable, or else the one that its name is nearest to. */
static const gw__key *find_variable(const gw__targets *t, const char *name,
                                    void **at, size_t *distance) {
  const gw__key *nearest = NULL;
  char known[GW__PATH_MAX];
  *distance = SIZE_MAX;
  for (size_t i = 0; i < GW__TARGETS_MAX; i++) {
    for (const gw__key *k = t->of[i].keys; k->path != NULL; k++) {
      env_name(k->path, known);
      size_t away = gw__edit_distance(known, name, *distance);
      if (away >= *distance) continue;
      *distance = away;
      *at = t->of[i].at;
      nearest = k;
    }
  }
  return nearest;
}

/** The list that a variable holds; NULL: it is none. */
static const char *list_of_variable(const char *name) {
  char known[GW__PATH_MAX];
  for (size_t i = 0; i <= GW__NUM_LISTS; i++) {
    const char *list = gw__list_name(i);
    env_name(list, known);
    if (strcmp(known, name) == 0) return list;
  }
  return NULL;
}

/* Not every GODWIT_ variable is ours: Kubernetes sets GODWIT_SERVICE_HOST and
 * others for a service of that name, clients read GODWIT_URL. So a strange one
 * is a mistake only when it is nearly a key. */
static void load_variable(gw__load *l, const char *name, const char *value) {
  gw__targets t = gw__targets_of(l->config);
  char known[GW__PATH_MAX];
  void *at = NULL;
  size_t distance;
  const char *list = list_of_variable(name);
  if (list != NULL) {
    gw__yaml_load_list(l, list, value, name);
    return;
  }
  if (strcmp(name, "GODWIT_MACHINES") == 0) {
    gw__yaml_load_machines(l, value, name);
    return;
  }
  const gw__key *key = find_variable(&t, name, &at, &distance);
  if (distance == 0) {
    (void)gw__load_set(l, key, at, value, name);
  } else if (distance <= (strlen(name) - ENV_PREFIX_LEN) / 5) {
    env_name(key->path, known);
    gw__load_fail(l, name, "there is no such key; the nearest is %s", known);
  }
}

static void load_environment(gw__load *l) {
  char name[GW__PATH_MAX];
  for (char **v = environ; *v != NULL; v++) {
    const char *equals = strchr(*v, '=');
    size_t len = equals != NULL ? (size_t)(equals - *v) : 0;
    if (len >= sizeof name || strncmp(*v, ENV_PREFIX, ENV_PREFIX_LEN) != 0) {
      continue;
    }
    memcpy(name, *v, len);
    name[len] = '\0';
    load_variable(l, name, equals + 1);
  }
}

/* ---- flags -----------------------------------------------------------------
 */

/** One flag of a command line. */
typedef struct flag {
  char where[GW__PATH_MAX + 2]; /**< with its dashes */
  const char *value;            /**< NULL: none is there */
  bool is_apart;                /**< the value is the next argument */
} flag;

/** Split an argument; false when it is no flag. */
static bool split(flag *f, char **argv, int left) {
  const char *text = argv[0];
  if (strncmp(text, "--", 2) != 0 || text[2] == '\0') return false;
  size_t len = strcspn(text, "=");
  (void)snprintf(f->where, sizeof f->where, "%.*s", (int)len, text);
  f->is_apart = text[len] == '\0';
  f->value = text + len + 1;
  if (f->is_apart) {
    bool has_next = left > 1 && strncmp(argv[1], "--", 2) != 0;
    f->value = has_next ? argv[1] : NULL;
  }
  return true;
}

static bool is_truth(const char *text) {
  static const char *const words[] = {"true", "false", "yes", "no",
                                      "on",   "off",   "1",   "0"};
  for (size_t i = 0; text != NULL && i < sizeof words / sizeof words[0]; i++) {
    if (strcmp(text, words[i]) == 0) return true;
  }
  return false;
}

static void fail_unknown(gw__load *l, const gw__targets *t, const flag *f) {
  char space[GW__PATH_MAX];
  const char *nearest = gw__targets_nearest(t, f->where + 2, space);
  if (strcmp(nearest, f->where + 2) == 0)
    gw__load_fail(l, f->where, "is a section: its keys are %s.KEY (see --help)",
                  f->where);
  else
    gw__load_fail(l, f->where, "there is no such flag; the nearest is --%s",
                  nearest);
}

/** Apply a flag; returns how many arguments it took. */
static int load_flag(gw__load *l, flag *f) {
  gw__targets t = gw__targets_of(l->config);
  const char *path = f->where + 2;
  void *at = NULL;
  const gw__key *key = gw__targets_find(&t, path, &at);
  bool is_machines = strcmp(path, "machines") == 0;
  bool is_list = is_machines || gw__list_number(path) <= GW__NUM_LISTS;
  if (key == NULL && !is_list && strcmp(path, "config") != 0) {
    fail_unknown(l, &t, f);
    return f->is_apart && f->value != NULL ? 2 : 1;
  }
  if (key != NULL && key->type == GW__KEY_BOOL && f->is_apart &&
      !is_truth(f->value)) {
    (void)gw__load_set(l, key, at, "true", f->where);
    return 1;
  }
  if (f->value == NULL) {
    gw__load_fail(l, f->where, "needs a value");
    return 1;
  }
  if (key != NULL) (void)gw__load_set(l, key, at, f->value, f->where);
  if (is_machines)
    gw__yaml_load_machines(l, f->value, f->where);
  else if (is_list)
    gw__yaml_load_list(l, path, f->value, f->where);
  return f->is_apart ? 2 : 1;
}

static void load_flags(gw__load *l, int argc, char **argv) {
  for (int i = 0; i < argc;) {
    flag f;
    if (split(&f, argv + i, argc - i)) {
      i += load_flag(l, &f);
    } else {
      gw__load_fail(l, argv[i], "is no flag; they are --KEY VALUE");
      i++;
    }
  }
}

/** The file that the flags, the environment or the folder names, or NULL. */
static const char *find_file(int argc, char **argv) {
  const char *path = getenv(ENV_PREFIX "CONFIG");
  for (int i = 0; i < argc; i++) {
    flag f;
    if (split(&f, argv + i, argc - i) && strcmp(f.where, "--config") == 0 &&
        f.value != NULL) {
      path = f.value;
    }
  }
  if (path != NULL && *path != '\0') return path;
  return access(DEFAULT_FILE, F_OK) == 0 ? DEFAULT_FILE : NULL;
}

/* ---- hooks -----------------------------------------------------------------
 */

static const char *const hook_names[GW_NUM_HOOKS] = {
    [GW_HOOK_CONNECT] = "connect",
    [GW_HOOK_REFRESH] = "refresh",
    [GW_HOOK_SUBSCRIBE] = "subscribe",
    [GW_HOOK_PUBLISH] = "publish",
    [GW_HOOK_RPC] = "rpc",
    [GW_HOOK_DISCONNECT] = "disconnect",
    [GW_HOOK_PRESENCE] = "presence",
    [GW_HOOK_CONNECTION] = "connection",
    [GW_HOOK_CHANNEL] = "channel",
};

const char *gw_config_hook_name(enum gw_config_hook hook) {
  return hook_names[hook];
}

static const char *nearest_hook(const char *word, size_t len) {
  char wanted[GW_CONFIG_WORD_MAX];
  gw__nearest best = GW__NEAREST_NONE;
  (void)snprintf(wanted, sizeof wanted, "%.*s", (int)len, word);
  for (size_t i = 0; i < GW_NUM_HOOKS; i++)
    gw__nearest_try(&best, hook_names[i], wanted);
  return best.name;
}

static void use_hook(gw__load *l, const char *word, size_t len) {
  for (size_t i = 0; i < GW_NUM_HOOKS; i++) {
    if (strlen(hook_names[i]) != len || memcmp(hook_names[i], word, len) != 0)
      continue;
    l->config->hooks.of[i].is_used = true;
    return;
  }
  gw__load_fail(l, "hooks.use", "'%.*s' is no hook; the nearest is %s",
                (int)len, word, nearest_hook(word, len));
}

static bool is_url(const char *text) {
  bool is_http = strncmp(text, "http://", 7) == 0 && text[7] != '\0';
  return is_http || (strncmp(text, "https://", 8) == 0 && text[8] != '\0');
}

static void check_url(gw__load *l, const char *key, const char *url) {
  if (*url != '\0' && !is_url(url))
    gw__load_fail(l, key, "'%.100s' must begin with http:// or https://", url);
}

/** Find out which hooks are used, and where they are. */
static void complete_hooks(gw__load *l) {
  gw_config_hooks *h = &l->config->hooks;
  const char *p = h->use + strspn(h->use, ", \t");
  check_url(l, "hooks.url", h->url);
  if (*h->url != '\0' && *p == '\0')
    gw__load_fail(l, "hooks.use", "names no hook that goes to hooks.url");
  while (*p != '\0') {
    size_t len = strcspn(p, ", \t");
    use_hook(l, p, len);
    p += len;
    p += strspn(p, ", \t");
  }
  for (size_t i = 0; i < GW_NUM_HOOKS; i++) {
    char key[GW__PATH_MAX];
    (void)snprintf(key, sizeof key, "hooks.%s", hook_names[i]);
    check_url(l, key, h->of[i].url);
    if (*h->of[i].url != '\0') h->of[i].is_used = true;
    if (h->of[i].is_used && *h->of[i].url == '\0' && *h->url == '\0')
      gw__load_fail(l, key, "is used, but has no URL, as hooks.url has none");
  }
}

/* ---- the whole -------------------------------------------------------------
 */

static uint32_t num_cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  int num = CPU_COUNT(&set);
  return num > 0 ? (uint32_t)num : 1;
}

/** Fill in what depends on the machine. */
static void complete(gw__load *l) {
  gw_config *c = l->config;
  char host[256];
  if (c->workers == 0) c->workers = num_cores();
  if (*c->node == '\0' && gethostname(host, sizeof host) == 0) {
    host[sizeof host - 1] = '\0';
    free(c->node);
    c->node = strdup(host);
    if (c->node == NULL) l->is_out_of_memory = true;
  }
  c->settings.node = c->node;
  c->settings.trusts_names = c->dev;
  c->settings.limits.publish_per_second =
      gw_rate_per_second(&c->settings.rates[GW_OPERATION_PUBLISH]);
  if (c->auth.max_lifetime_ms != 0)
    c->settings.max_token_ms =
        c->auth.max_lifetime_ms + 2 * (uint64_t)c->auth.leeway_ms;
}

static int finish(gw__load *l) {
  gw__yaml_apply_lists(l);
  complete(l);
  if (!l->is_out_of_memory) complete_hooks(l);
  if (l->num_errors == 0) gw__config_check(l);
  if (l->num_errors == 0) gw__machines_check(l);
  if (!l->is_out_of_memory && !l->leaves_files) gw__config_load_schemas(l);
  if (l->is_out_of_memory) return GW_ERR_NOMEM;
  return l->num_errors == 0 ? 0 : GW_ERR_INVALID;
}

static int load_all(gw__load *l, int argc, char **argv) {
  int err = gw__config_set_defaults(l->config);
  if (err != 0) return err;
  const char *file = find_file(argc, argv);
  l->config->has_file = file != NULL;
  if (file != NULL) gw__yaml_load(l, file);
  load_environment(l);
  load_flags(l, argc, argv);
  return finish(l);
}

static int load_file(gw__load *l, const char *path) {
  int err = gw__config_set_defaults(l->config);
  if (err != 0) return err;
  gw__yaml_load(l, path);
  return finish(l);
}

int gw_config_load(gw_config *c, int argc, char **argv, FILE *errors) {
  return load_all(&(gw__load){.config = c, .errors = errors}, argc, argv);
}

int gw_config_load_file(gw_config *c, const char *path, FILE *errors) {
  return load_file(&(gw__load){.config = c, .errors = errors}, path);
}

int gw_config_load_bare(gw_config *c, const char *path, FILE *errors) {
  gw__load l = {.config = c, .errors = errors, .leaves_files = true};
  return path != NULL ? load_file(&l, path) : load_all(&l, 0, NULL);
}
