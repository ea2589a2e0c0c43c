/* SPDX-License-Identifier: MIT */
/* api_ask.c - asks by libcurl, and waits. */
#include "server/cli/api_ask.h"

#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/cli/cmd.h"

#define TIMEOUT_DEFAULT_MS 75000u

bool gw_api_text_add(gw_api_text *t, const char *data, size_t len) {
  if (len > GW_API_TEXT_MAX - t->len) return false;
  char *grown = realloc(t->data, t->len + len + 1);
  if (!grown) return false;
  if (len != 0) memcpy(grown + t->len, data, len);
  t->data = grown;
  t->len += len;
  t->data[t->len] = '\0';
  return true;
}

static const char *variable(const char *name, const char *otherwise) {
  const char *set = getenv(name);
  return set && *set ? set : otherwise;
}

void gw_api_ask_init(gw_api_ask *a, const char *name) {
  *a = (gw_api_ask){.name = name,
                    .url = variable("GODWIT_API", GW_API_DEFAULT),
                    .key = variable("GODWIT_KEY", NULL),
                    .timeout_ms = TIMEOUT_DEFAULT_MS};
  curl_global_init(CURL_GLOBAL_DEFAULT);
}

void gw_api_ask_deinit(gw_api_ask *a) {
  free(a->request.data);
  free(a->reply.data);
  curl_global_cleanup();
}

/* ---- asking ---------------------------------------------------------------- */

static size_t on_bytes(char *data, size_t size, size_t num, void *user) {
  gw_api_ask *a = user;
  return gw_api_text_add(&a->reply, data, size * num) ? size * num : 0;
}

static struct curl_slist *make_headers(const gw_api_ask *a) {
  char line[1024];
  struct curl_slist *list =
      curl_slist_append(NULL, "Content-Type: application/json");
  if (!a->key || !list) return list;
  (void)snprintf(line, sizeof line, "Authorization: Bearer %s", a->key);
  struct curl_slist *longer = curl_slist_append(list, line);
  return longer ? longer : list;
}

static CURLcode ask(gw_api_ask *a, long *status, char error[CURL_ERROR_SIZE]) {
  char url[2048];
  CURL *e = curl_easy_init();
  struct curl_slist *headers = make_headers(a);
  if (!e || !headers) return CURLE_OUT_OF_MEMORY;
  size_t len = strlen(a->url);
  while (len != 0 && a->url[len - 1] == '/')
    len--;
  (void)snprintf(url, sizeof url, "%.*s/v1/api/%s", (int)len, a->url,
                 a->method);
  curl_easy_setopt(e, CURLOPT_URL, url);
  curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)a->request.len);
  curl_easy_setopt(e, CURLOPT_POSTFIELDS, a->request.data);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, a);
  curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)a->timeout_ms);
  curl_easy_setopt(e, CURLOPT_ERRORBUFFER, error);
  CURLcode code = curl_easy_perform(e);
  curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(e);
  return code;
}

static void tell_error(const gw_api_ask *a, long status) {
  const char *name = NULL, *message = NULL;
  int number = 0;
  json_t *root =
      json_loadb(a->reply.data ? a->reply.data : "", a->reply.len, 0, NULL);
  (void)json_unpack(root, "{s:{s:i,s:s,s:s}}", "error", "code", &number, "name",
                    &name, "message", &message);
  if (message)
    fprintf(stderr, "%s: refused: %s (%d %s)\n", a->name, message, number,
            name);
  else
    fprintf(stderr, "%s: the server answered with status %ld\n", a->name,
            status);
  json_decref(root);
}

int gw_api_ask_run(gw_api_ask *a) {
  char error[CURL_ERROR_SIZE] = "";
  long status = 0;
  a->reply.len = 0;
  CURLcode code = ask(a, &status, error);
  if (code != CURLE_OK) {
    fprintf(stderr, "%s: %s: %s\n", a->name, a->url,
            error[0] ? error : curl_easy_strerror(code));
    fputs("Is a godwit server's internal listener there? --api names another "
          "address.\n",
          stderr);
    return GW_EXIT_FAILED;
  }
  if (status == 200) return GW_EXIT_OK;
  tell_error(a, status);
  return GW_EXIT_FAILED;
}
