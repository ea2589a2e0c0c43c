/* SPDX-License-Identifier: MIT */
/* api.c - `godwit api`: ask a method of the server API. */
#include <curl/curl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "godwit/wire.h"
#include "server/cli/cmd.h"
#include "server/cli/options.h"

#define API_DEFAULT     "http://127.0.0.1:9000"
#define TIMEOUT_DEFAULT 75000u

/** Bytes of a reply, and of a request on standard input. */
#define TEXT_MAX (64u * 1024u * 1024u)

typedef struct text {
  char *data; /**< NUL behind it */
  size_t len;
} text;

typedef struct api {
  const char *url;
  const char *key; /**< NULL: none */
  uint32_t timeout_ms;
  bool as_it_came;
  const char *method;
  text request;
  text reply;
  long status;
} api;

static bool add(text *t, const char *data, size_t len) {
  if (len > TEXT_MAX - t->len) return false;
  char *grown = realloc(t->data, t->len + len + 1);
  if (!grown) return false;
  memcpy(grown + t->len, data, len);
  t->data = grown;
  t->len += len;
  t->data[t->len] = '\0';
  return true;
}

/* ---- asking ---------------------------------------------------------------- */

static size_t on_bytes(char *data, size_t size, size_t num, void *user) {
  api *a = user;
  return add(&a->reply, data, size * num) ? size * num : 0;
}

static struct curl_slist *make_headers(const api *a) {
  char line[1024];
  struct curl_slist *list =
      curl_slist_append(NULL, "Content-Type: application/json");
  if (!a->key || !list) return list;
  (void)snprintf(line, sizeof line, "Authorization: Bearer %s", a->key);
  struct curl_slist *longer = curl_slist_append(list, line);
  return longer ? longer : list;
}

static CURLcode ask(api *a, char error[CURL_ERROR_SIZE]) {
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
  curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &a->status);
  curl_slist_free_all(headers);
  curl_easy_cleanup(e);
  return code;
}

/* ---- telling --------------------------------------------------------------- */

static void print_reply(const api *a) {
  json_t *root = json_loadb(a->reply.data ? a->reply.data : "", a->reply.len,
                            JSON_DECODE_ANY, NULL);
  char *pretty = root && !a->as_it_came
                     ? json_dumps(root, JSON_INDENT(2) | JSON_ENCODE_ANY)
                     : NULL;
  puts(pretty ? pretty : a->reply.data ? a->reply.data : "");
  free(pretty);
  json_decref(root);
}

static void print_error(const api *a) {
  const char *name = NULL, *message = NULL;
  int number = 0;
  json_t *root =
      json_loadb(a->reply.data ? a->reply.data : "", a->reply.len, 0, NULL);
  (void)json_unpack(root, "{s:{s:i,s:s,s:s}}", "error", "code", &number, "name",
                    &name, "message", &message);
  if (message)
    fprintf(stderr, "godwit api: refused: %s (%d %s)\n", message, number, name);
  else
    fprintf(stderr, "godwit api: the server answered with status %ld\n",
            a->status);
  json_decref(root);
}

static int run(api *a) {
  char error[CURL_ERROR_SIZE] = "";
  CURLcode code = ask(a, error);
  if (code != CURLE_OK) {
    fprintf(stderr, "godwit api: %s: %s\n", a->url,
            error[0] ? error : curl_easy_strerror(code));
    return GW_EXIT_FAILED;
  }
  if (a->status != 200) {
    print_error(a);
    return GW_EXIT_FAILED;
  }
  print_reply(a);
  return GW_EXIT_OK;
}

/* ---- the command ----------------------------------------------------------- */

static const char about[] =
    "Asks a method of the server API at its internal listener, and prints the\n"
    "reply. JSON is the request; - reads it from standard input; without it the\n"
    "request is empty. Methods: curl URL/v1/openapi.yaml, or docs/api.md.\n"
    "Exits with 0, 1 when it is refused or cannot be asked, 2 for a wrong command\n"
    "line.\n";

static bool read_stdin(text *t) {
  char part[65536];
  size_t len;
  while ((len = fread(part, 1, sizeof part, stdin)) != 0)
    if (!add(t, part, len)) return false;
  return ferror(stdin) == 0;
}

static const char *or_variable(const char *value, const char *name,
                               const char *otherwise) {
  if (value) return value;
  const char *set = getenv(name);
  return set && *set ? set : otherwise;
}

static bool is_method(const char *name) {
  return *name != '\0' &&
         strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789") == strlen(name);
}

static int parse(api *a, int argc, char **argv) {
  const gw_option options[] = {
      {"--api", GW_OPTION_TEXT, &a->url, "URL",
       "the internal listener [GODWIT_API, or " API_DEFAULT "]"},
      {"--key", GW_OPTION_TEXT, &a->key, "KEY",
       "a key of api.keys [GODWIT_KEY, which does not show in lists]"},
      {"--timeout", GW_OPTION_DURATION, &a->timeout_ms, "TIME",
       "for the whole of it [75s]"},
      {"--raw", GW_OPTION_FLAG, &a->as_it_came, NULL,
       "print the reply as it came, on one line"},
      {NULL, GW_OPTION_FLAG, NULL, NULL, NULL},
  };
  const gw_usage usage = {"godwit api", "METHOD [JSON]", about, options, NULL};
  enum gw_parsed parsed = gw_options_parse(&usage, &argc, argv);
  if (parsed == GW_PARSED_HELP) return -1;
  if (parsed == GW_PARSED_BAD) return GW_EXIT_USAGE;
  if (argc < 1) return gw_usage_error(&usage, "which method?");
  if (argc > 2) return gw_usage_error(&usage, "JSON is one argument: quote it");
  if (!is_method(argv[0]))
    return gw_usage_error(&usage, "'%s' is no name of a method", argv[0]);
  a->method = argv[0];
  a->url = or_variable(a->url, "GODWIT_API", API_DEFAULT);
  a->key = or_variable(a->key, "GODWIT_KEY", NULL);
  const char *json = argc > 1 ? argv[1] : "{}";
  bool is_read = strcmp(json, "-") == 0 ? read_stdin(&a->request)
                                        : add(&a->request, json, strlen(json));
  if (!is_read) return gw_usage_error(&usage, "the request cannot be read");
  return 0;
}

int gw_cmd_api(int argc, char **argv) {
  api a = {.timeout_ms = TIMEOUT_DEFAULT};
  int code = parse(&a, argc, argv);
  if (code == 0) {
    curl_global_init(CURL_GLOBAL_DEFAULT);
    code = run(&a);
    curl_global_cleanup();
  }
  free(a.request.data);
  free(a.reply.data);
  return code < 0 ? GW_EXIT_OK : code;
}
