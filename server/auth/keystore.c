/* SPDX-License-Identifier: MIT */
/* keystore.c - keys from files, and a thread that keeps a set of them fresh. */
#include "server/auth/keystore.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "server/auth/fetch.h"
#include "server/auth/jwks_plan.h"
#include "server/observe/small_file.h"

/** A file of keys at most. */
#define FILE_MAX_BYTES (256u * 1024u)

struct gw_keystore {
  const gw_auth_settings *settings;
  gw_log *log;
  gw_keyring *fixed; /* of the configuration */
  gw_fetch *fetch;   /* NULL: there is no URL */
  pthread_t thread;
  bool has_thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  /* below: under the lock */
  bool is_stopping;
  gw_keyring *ring;
  gw_jwks_plan plan;
  gw_keystore_listener *listeners;
  uint64_t num_fetched;
  uint64_t num_failed;
  uint64_t good_ms; /* when the last good fetch ended */
};

static uint64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- keys of the configuration ---------------------------------------------- */

static int add_secret(gw_keyring *ring, gw_view text, char *why) {
  /* Editors end files with a line end, which is not meant. */
  while (text.len != 0 &&
         (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == '\r'))
    text.len--;
  return gw_keyring_add_secret(ring, text, why);
}

static int add_jwks(gw_keyring *ring, gw_view text, char *why) {
  return gw_keyring_add_jwks(ring, text, true, why);
}

/** Add what a file holds; a mistake names the key and the file. */
static int add_file(gw_keyring *ring, const char *key, const char *path,
                    int (*add)(gw_keyring *, gw_view, char *), char *why) {
  char what[GW_AUTH_WHY_MAX] = "";
  size_t len = 0;
  if (*path == '\0') return 0;
  char *text = gw_small_file_read(path, FILE_MAX_BYTES, &len, what);
  int err = text != NULL ? add(ring, (gw_view){(uint8_t *)text, len}, what)
                         : GW_ERR_INVALID;
  const char *joint = text != NULL ? ":" : "";
  if (text != NULL) sodium_memzero(text, len);
  free(text);
  if (err < 0)
    (void)snprintf(why, GW_AUTH_WHY_MAX, "%s: %.150s%s %.140s", key, path,
                   joint, what);
  return err;
}

static int read_keys(gw_keystore *ks, char *why) {
  const gw_auth_settings *s = ks->settings;
  char what[GW_AUTH_WHY_MAX];
  int err = 0;
  if (*s->secret != '\0')
    err = gw_keyring_add_secret(ks->fixed, gw_view_of(s->secret), what);
  if (err < 0)
    (void)snprintf(why, GW_AUTH_WHY_MAX, "auth.jwt.secret: %.100s", what);
  if (err >= 0)
    err = add_file(ks->fixed, "auth.jwt.secret_file", s->secret_file,
                   add_secret, why);
  if (err >= 0)
    err = add_file(ks->fixed, "auth.jwt.key_file", s->key_file,
                   gw_keyring_add_pem, why);
  if (err >= 0)
    err =
        add_file(ks->fixed, "auth.jwt.jwks_file", s->jwks_file, add_jwks, why);
  return err;
}

/* ---- fetching --------------------------------------------------------------- */

static void log_fetch(gw_keystore *ks, int level, const char *event,
                      const char *why, size_t num_keys, int64_t age_ms) {
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_text(&f, "url", ks->settings->jwks_url);
  if (why != NULL) gw_fields_text(&f, "why", why);
  if (why == NULL) gw_fields_number(&f, "keys", num_keys);
  if (age_ms >= 0) gw_fields_number(&f, "max_age_ms", (uint64_t)age_ms);
  gw_log_write(ks->log, level, event, f.text);
}

/** A ring with what was fetched; NULL: why says it. */
static gw_keyring *read_set(gw_keystore *ks, const gw_fetched *got, char *why) {
  gw_keyring *ring = gw_keyring_new(ks->fixed);
  gw_view text = {(const uint8_t *)got->text, got->len};
  if (ring != NULL && gw_keyring_add_jwks(ring, text, false, why) > 0)
    return ring;
  gw_keyring_unref(ring);
  return NULL;
}

/** Fetch once, without the lock. NULL: it failed. */
static gw_keyring *fetch_set(gw_keystore *ks, int64_t *age_ms) {
  char why[GW_AUTH_WHY_MAX] = "out of memory";
  gw_fetched got = {NULL, 0, -1};
  gw_keyring *ring = NULL;
  int err = gw_fetch_get(ks->fetch, ks->settings->jwks_url,
                         ks->settings->jwks_timeout_ms, &got, why);
  if (err == 0) ring = read_set(ks, &got, why);
  *age_ms = got.age_ms;
  if (ring == NULL)
    log_fetch(ks, GW_LOG_ERROR, "auth.keys_failed", why, 0, -1);
  else
    log_fetch(ks, GW_LOG_INFO, "auth.keys_fetched", NULL, gw_keyring_num(ring),
              got.age_ms);
  return ring;
}

/** Under the lock. */
static void take_set(gw_keystore *ks, gw_keyring *ring, int64_t age_ms) {
  uint32_t random = 0;
  (void)!getrandom(&random, sizeof random, 0);
  gw_jwks_plan_end(&ks->plan, now_ms(), ring != NULL, age_ms, random);
  if (ring != NULL) {
    gw_keyring_unref(ks->ring);
    ks->ring = ring;
    ks->num_fetched++;
    ks->good_ms = now_ms();
  } else {
    ks->num_failed++;
  }
  for (gw_keystore_listener *l = ks->listeners; l != NULL; l = l->next)
    l->on_over(l->user);
}

/** Wait until a time, or for less. Under the lock. */
static void wait_until(gw_keystore *ks, uint64_t at_ms) {
  struct timespec at = {.tv_sec = (time_t)(at_ms / 1000),
                        .tv_nsec = (long)(at_ms % 1000) * 1000000};
  (void)pthread_cond_timedwait(&ks->changed, &ks->lock, &at);
}

static void *run(void *arg) {
  gw_keystore *ks = arg;
  pthread_mutex_lock(&ks->lock);
  while (!ks->is_stopping) {
    if (now_ms() < ks->plan.due_ms) {
      wait_until(ks, ks->plan.due_ms);
      continue;
    }
    int64_t age_ms = -1;
    gw_jwks_plan_begin(&ks->plan, now_ms());
    pthread_mutex_unlock(&ks->lock);
    gw_keyring *ring = fetch_set(ks, &age_ms);
    pthread_mutex_lock(&ks->lock);
    take_set(ks, ring, age_ms);
  }
  pthread_mutex_unlock(&ks->lock);
  return NULL;
}

/* ---- life ------------------------------------------------------------------- */

static void init_waiting(gw_keystore *ks) {
  pthread_condattr_t attr;
  pthread_mutex_init(&ks->lock, NULL);
  pthread_condattr_init(&attr);
  pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  pthread_cond_init(&ks->changed, &attr);
  pthread_condattr_destroy(&attr);
}

gw_keystore *gw_keystore_new(const gw_auth_settings *settings, gw_log *log,
                             char why[GW_AUTH_WHY_MAX]) {
  gw_keystore *ks = calloc(1, sizeof *ks);
  (void)snprintf(why, GW_AUTH_WHY_MAX, "out of memory");
  if (ks == NULL) return NULL;
  ks->settings = settings;
  ks->log = log;
  ks->plan = (gw_jwks_plan){.min_age_ms = settings->jwks_min_age_ms,
                            .max_age_ms = settings->jwks_max_age_ms,
                            .interval_ms = settings->jwks_interval_ms};
  init_waiting(ks);
  ks->fixed = gw_keyring_new(NULL);
  bool wants_fetch = *settings->jwks_url != '\0';
  if (wants_fetch) ks->fetch = gw_fetch_new();
  if (ks->fixed == NULL || (wants_fetch && ks->fetch == NULL) ||
      read_keys(ks, why) < 0) {
    gw_keystore_free(ks);
    return NULL;
  }
  ks->ring = gw_keyring_ref(ks->fixed);
  return ks;
}

int gw_keystore_start(gw_keystore *ks) {
  if (ks->fetch == NULL) return 0;
  gw_jwks_plan_init(&ks->plan, now_ms());
  ks->has_thread = pthread_create(&ks->thread, NULL, run, ks) == 0;
  return ks->has_thread ? 0 : GW_ERR_NOMEM;
}

void gw_keystore_free(gw_keystore *ks) {
  if (ks == NULL) return;
  if (ks->has_thread) {
    pthread_mutex_lock(&ks->lock);
    ks->is_stopping = true;
    pthread_cond_signal(&ks->changed);
    pthread_mutex_unlock(&ks->lock);
    gw_fetch_stop(ks->fetch);
    pthread_join(ks->thread, NULL);
  }
  gw_fetch_free(ks->fetch);
  gw_keyring_unref(ks->ring);
  gw_keyring_unref(ks->fixed);
  pthread_cond_destroy(&ks->changed);
  pthread_mutex_destroy(&ks->lock);
  free(ks);
}

/* ---- on any thread ----------------------------------------------------------- */

gw_keyring *gw_keystore_ring(gw_keystore *ks) {
  pthread_mutex_lock(&ks->lock);
  gw_keyring *ring = gw_keyring_ref(ks->ring);
  pthread_mutex_unlock(&ks->lock);
  return ring;
}

/** Under the lock: in one step with the question whether it has come already. */
static uint64_t want(gw_keystore *ks, uint64_t *wait_ms) {
  uint64_t at, now = now_ms();
  uint64_t number = gw_jwks_plan_want(&ks->plan, now, &at);
  pthread_cond_signal(&ks->changed);
  *wait_ms = at > now ? at - now : 0;
  return number;
}

uint64_t gw_keystore_want(gw_keystore *ks, const gw_keyring *seen,
                          uint64_t *wait_ms) {
  *wait_ms = 0;
  if (ks->fetch == NULL) return 0;
  pthread_mutex_lock(&ks->lock);
  uint64_t number = seen == ks->ring ? want(ks, wait_ms) : GW_KEYSTORE_CHANGED;
  pthread_mutex_unlock(&ks->lock);
  return number;
}

enum gw_fetch_state gw_keystore_state(gw_keystore *ks, uint64_t number) {
  pthread_mutex_lock(&ks->lock);
  enum gw_fetch_state state = gw_jwks_plan_num_over(&ks->plan) < number
                                  ? GW_FETCH_WAITS
                              : ks->plan.was_good ? GW_FETCH_GOOD
                                                  : GW_FETCH_FAILED;
  pthread_mutex_unlock(&ks->lock);
  return state;
}

void gw_keystore_stats_get(gw_keystore *ks, gw_keystore_stats *stats) {
  pthread_mutex_lock(&ks->lock);
  *stats = (gw_keystore_stats){
      .num_keys = gw_keyring_num(ks->ring),
      .num_fetched = ks->num_fetched,
      .num_failed = ks->num_failed,
      .since_good_ms = ks->good_ms != 0 ? now_ms() - ks->good_ms + 1 : 0};
  pthread_mutex_unlock(&ks->lock);
}

void gw_keystore_listen(gw_keystore *ks, gw_keystore_listener *l) {
  pthread_mutex_lock(&ks->lock);
  l->next = ks->listeners;
  ks->listeners = l;
  pthread_mutex_unlock(&ks->lock);
}

void gw_keystore_unlisten(gw_keystore *ks, gw_keystore_listener *l) {
  pthread_mutex_lock(&ks->lock);
  gw_keystore_listener **at = &ks->listeners;
  while (*at != NULL && *at != l)
    at = &(*at)->next;
  if (*at != NULL) *at = l->next;
  pthread_mutex_unlock(&ks->lock);
}
