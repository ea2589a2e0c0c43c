/* SPDX-License-Identifier: MIT */
/* wordfilter.c - a plugin that keeps words out of channels: a publication that has
 * one of them is refused. Its settings are the words, with blanks between them; a
 * word that ends with a star is replaced by stars instead.
 *
 *   plugins:
 *     - path: build/rel/plugins/wordfilter.so
 *       settings: "spam darn*"
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "godwit/plugin.h"

#define WORDS_MAX 64u

/** The words, read only once workers run; the count is of all workers. */
typedef struct filter {
  char *text;
  const char *words[WORDS_MAX];
  bool replaces[WORDS_MAX];
  size_t num;
  atomic_ulong refused;
} filter;

/** Where a word is in a payload; NULL: it is not. Bytes are compared, so letters
 * of other alphabets have to be written as they are. */
static const uint8_t *find(gw_view in, const char *word) {
  size_t len = strlen(word);
  for (size_t i = 0; i + len <= in.len; i++) {
    if (strncasecmp((const char *)in.data + i, word, len) == 0)
      return in.data + i;
  }
  return NULL;
}

/** Put stars in the place of a word. The payload is somebody else's: it is copied
 * first. Stars need no escape in JSON. */
static bool cover(const gw_draft *d, gw_view *payload, const char *word) {
  uint8_t *copy = gw_draft_space(d, payload->len);
  if (copy == NULL) return false;
  memcpy(copy, payload->data, payload->len);
  *payload = (gw_view){copy, payload->len};
  for (const uint8_t *at; (at = find(*payload, word)) != NULL;)
    memset(copy + (at - copy), '*', strlen(word));
  return true;
}

static bool on_publication(void *user, gw_connection *c, gw_draft *d,
                           gw_refusal *refusal) {
  filter *f = user;
  gw_view *payload = d->json.len != 0 ? &d->json : &d->data;
  (void)c;
  for (size_t i = 0; i < f->num; i++) {
    if (find(*payload, f->words[i]) == NULL) continue;
    if (f->replaces[i] && cover(d, payload, f->words[i])) continue;
    atomic_fetch_add(&f->refused, 1);
    refusal->code = GW_CODE_PERMISSION_DENIED;
    refusal->message = "there is a word in it that is not wanted here";
    return false;
  }
  return true;
}

/** wordfilter.count: how many publications were refused. */
static void count(void *user, const gw_server_call *call, const gw_rpc *rpc) {
  filter *f = user;
  char json[32];
  int len = snprintf(json, sizeof json, "%lu", atomic_load(&f->refused));
  gw_rpc_result result = {.json = {(const uint8_t *)json, (size_t)len}};
  (void)rpc;
  gw_server_answer(call, GW_CODE_OK, (gw_view){NULL, 0}, &result);
}

/* ---- life ------------------------------------------------------------------ */

static void unload(void *state) {
  filter *f = state;
  free(f->text);
  free(f);
}

static bool read_words(filter *f, char why[GW_PLUGIN_WHY_MAX]) {
  char *rest = NULL;
  for (char *word = strtok_r(f->text, " ", &rest); word != NULL;
       word = strtok_r(NULL, " ", &rest)) {
    size_t len = strlen(word);
    if (f->num == WORDS_MAX) {
      snprintf(why, GW_PLUGIN_WHY_MAX, "more than %u words", WORDS_MAX);
      return false;
    }
    f->replaces[f->num] = len > 1 && word[len - 1] == '*';
    if (f->replaces[f->num]) word[len - 1] = '\0';
    f->words[f->num++] = word;
  }
  if (f->num == 0)
    snprintf(why, GW_PLUGIN_WHY_MAX, "settings has to name at least one word");
  return f->num != 0;
}

static int load(gw_server *s, const char *settings, char why[GW_PLUGIN_WHY_MAX],
                void **state) {
  static const gw_middleware link = {.size = sizeof link,
                                     .name = "wordfilter",
                                     .on_publication = on_publication};
  filter *f = calloc(1, sizeof *f);
  if (f == NULL) return GW_ERR_NOMEM;
  f->text = strdup(settings);
  int err = f->text == NULL ? GW_ERR_NOMEM : 0;
  if (err == 0 && !read_words(f, why)) err = GW_ERR_INVALID;
  if (err == 0) err = gw_server_middleware(s, &link, f);
  if (err == 0) err = gw_server_handle(s, "wordfilter.count", count, f);
  if (err < 0)
    unload(f);
  else
    *state = f;
  return err;
}

GW_PLUGIN(.name = "wordfilter", .version = "1.0", .load = load,
          .unload = unload);
