/* SPDX-License-Identifier: MIT */
/* fetch.c - one document over HTTP by libcurl. */
#include "server/auth/fetch.h"

#include <curl/curl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth/jwks_plan.h"

/** Longest wait for news of the transfer; gw_fetch_stop cuts it short. */
#define POLL_MS 1000

struct gw_fetch {
  CURLM *multi;
  atomic_bool is_stopped;
  char *text;
  size_t len;
  size_t cap;
  char error[CURL_ERROR_SIZE];
};

gw_fetch *gw_fetch_new(void) {
  gw_fetch *f = calloc(1, sizeof *f);
  if (f == NULL) return NULL;
  (void)curl_global_init(CURL_GLOBAL_DEFAULT);
  f->multi = curl_multi_init();
  if (f->multi != NULL) return f;
  free(f);
  return NULL;
}

void gw_fetch_free(gw_fetch *f) {
  if (f == NULL) return;
  curl_multi_cleanup(f->multi);
  free(f->text);
  free(f);
}

void gw_fetch_stop(gw_fetch *f) {
  atomic_store(&f->is_stopped, true);
  (void)curl_multi_wakeup(f->multi);
}

static size_t on_body(char *data, size_t size, size_t num, void *user) {
  gw_fetch *f = user;
  size_t more = size * num;
  if (more > GW_FETCH_MAX_BYTES - f->len) return 0;
  if (f->len + more + 1 > f->cap) {
    size_t cap = (f->len + more + 1) * 2;
    char *text = realloc(f->text, cap);
    if (text == NULL) return 0;
    f->text = text;
    f->cap = cap;
  }
  memcpy(f->text + f->len, data, more);
  f->len += more;
  f->text[f->len] = '\0';
  return more;
}

static CURL *make_request(gw_fetch *f, const char *url, uint32_t timeout_ms,
                          struct curl_slist *headers) {
  CURL *easy = curl_easy_init();
  if (easy == NULL) return NULL;
  f->error[0] = '\0';
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "godwit/" GW_VERSION);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, f);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, f->error);
  return easy;
}

/** Run it to its end. */
static CURLcode perform(gw_fetch *f, CURL *easy) {
  int num_running = 1, num_left;
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  if (curl_multi_add_handle(f->multi, easy) != CURLM_OK)
    return CURLE_FAILED_INIT;
  while (num_running > 0 && !atomic_load(&f->is_stopped)) {
    if (curl_multi_perform(f->multi, &num_running) != CURLM_OK) break;
    if (num_running > 0)
      (void)curl_multi_poll(f->multi, NULL, 0, POLL_MS, NULL);
  }
  const CURLMsg *m = curl_multi_info_read(f->multi, &num_left);
  if (m != NULL && m->msg == CURLMSG_DONE) result = m->data.result;
  (void)curl_multi_remove_handle(f->multi, easy);
  return result;
}

static int64_t age_of(CURL *easy) {
  struct curl_header *header;
  if (curl_easy_header(easy, "Cache-Control", 0, CURLH_HEADER, -1, &header) !=
      CURLHE_OK)
    return -1;
  return gw_cache_control_age_ms(header->value);
}

static int check(gw_fetch *f, CURL *easy, CURLcode result, gw_fetched *got,
                 char *why) {
  long status = 0;
  if (result != CURLE_OK) {
    const char *text =
        f->error[0] != '\0' ? f->error : curl_easy_strerror(result);
    (void)snprintf(why, GW_AUTH_WHY_MAX, "%.150s",
                   result == CURLE_WRITE_ERROR ? "it is too large" : text);
    return GW_ERR_STATE;
  }
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  if (status != 200) {
    (void)snprintf(why, GW_AUTH_WHY_MAX, "the answer is HTTP status %ld",
                   status);
    return GW_ERR_STATE;
  }
  *got = (gw_fetched){f->text, f->len, age_of(easy)};
  return 0;
}

int gw_fetch_get(gw_fetch *f, const char *url, uint32_t timeout_ms,
                 gw_fetched *got, char why[GW_AUTH_WHY_MAX]) {
  struct curl_slist *headers =
      curl_slist_append(NULL, "Accept: application/jwk-set+json, "
                              "application/json");
  CURL *easy = make_request(f, url, timeout_ms, headers);
  int err = GW_ERR_STATE;
  f->len = 0;
  if (easy != NULL)
    err = check(f, easy, perform(f, easy), got, why);
  else
    (void)snprintf(why, GW_AUTH_WHY_MAX, "out of memory");
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
  return err;
}
