/* SPDX-License-Identifier: MIT */
/* merge_patch.c - RFC 7396 on jansson's values. */
#include "server/core/merge_patch.h"

#include <jansson.h>

/** A surrogate's half or a NUL in a string is JSON, too. */
#define READ_FLAGS (JSON_DECODE_ANY | JSON_ALLOW_NUL)

static json_t *read_text(gw_view v) {
  return json_loadb((const char *)v.data, v.len, READ_FLAGS, NULL);
}

/** A new reference; NULL when out of memory. jansson bounds the depth of what it
 * reads, and so that of this. */
static json_t *merge(json_t *target, json_t *patch) {
  const char *key;
  json_t *value;
  if (!json_is_object(patch)) return json_incref(patch);
  json_t *result = json_is_object(target) ? json_copy(target) : json_object();
  json_object_foreach(patch, key, value) {
    if (json_is_null(value)) {
      (void)json_object_del(result, key);
      continue;
    }
    json_t *merged = merge(json_object_get(result, key), value);
    if (json_object_set_new(result, key, merged) < 0) {
      json_decref(result);
      return NULL;
    }
  }
  return result;
}

int gws_merge_patch(gw_view target, gw_view patch, char **text) {
  json_t *by = read_text(patch);
  if (by == NULL) return GW_ERR_INVALID;
  json_t *before = target.len != 0 ? read_text(target) : NULL;
  json_t *after = merge(before, by);
  *text =
      after != NULL ? json_dumps(after, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
  json_decref(before);
  json_decref(by);
  json_decref(after);
  return *text != NULL ? 0 : GW_ERR_NOMEM;
}
